# ruff: noqa: C408
# From stage 1, still on small pictures; half of them are shop photos with pseudo-masks. Only the head and the
# backbone's last blocks learn: a step takes half the time.
_base_ = ["parser_1_street.py"]

iterations = 250

model = dict(backbone=dict(frozen_blocks=11))
train_dataloader = dict(
    dataset=dict(
        street_times=3,
        pipeline=[dict(type="MakeScene", height={{_base_.height}}, width={{_base_.width}}, paste=0.4), {{_base_.pack}}],
    )
)
train_cfg = dict(type="IterBasedTrainLoop", max_iters=iterations, val_interval=iterations)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.2, end=20, by_epoch=False),
    dict(type="PolyLR", power=0.9, eta_min=4e-4, begin=20, end=iterations, by_epoch=False),
]
