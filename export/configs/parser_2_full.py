# ruff: noqa: C408
# From stage 1, at the size that is served, on street, shop and drawn photos; the rate stays high.
_base_ = ["parser_base.py"]

iterations = 1600

train_dataloader = dict(
    dataset=dict(
        street_times=8,
        shop_balance=200,
        pipeline=[
            dict(type="MakeScene", height={{_base_.height}}, width={{_base_.width}}, paste=0.25),
            {{_base_.pack}},
        ],
    )
)
train_cfg = dict(type="IterBasedTrainLoop", max_iters=iterations, val_interval=500)
param_scheduler = [dict(type="LinearLR", start_factor=0.05, end=100, by_epoch=False)]
