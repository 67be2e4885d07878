# ruff: noqa: C408
# From stage 3, with drawn photos beside the others.
_base_ = ["parser_3_full.py"]

iterations = 600

randomness = dict(seed=1)
train_dataloader = dict(dataset=dict(seed=1))
train_cfg = dict(max_iters=iterations, val_interval=300)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.2, end=20, by_epoch=False),
    dict(type="PolyLR", power=1.0, eta_min=1e-5, begin=20, end=iterations, by_epoch=False),
]
