# ruff: noqa: C408
# From stage 2, at the size that is served, with rare kinds of shop photos as often as the others.
_base_ = ["parser_base.py"]

iterations = 400

model = dict(backbone=dict(frozen_blocks=11))
train_dataloader = dict(
    dataset=dict(
        street_times=4,
        shop_balance=400,
        pipeline=[dict(type="MakeScene", height={{_base_.height}}, width={{_base_.width}}, paste=0.3), {{_base_.pack}}],
    )
)
train_cfg = dict(type="IterBasedTrainLoop", max_iters=iterations, val_interval=iterations)
optim_wrapper = dict(optimizer=dict(lr=8e-4))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.2, end=20, by_epoch=False),
    dict(type="PolyLR", power=1.0, eta_min=1e-5, begin=20, end=iterations, by_epoch=False),
]
default_hooks = dict(checkpoint=dict(interval=50))
