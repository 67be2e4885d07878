# ruff: noqa: C408
# From stage 4, with more of the backbone and more street photos.
_base_ = ["parser_3_full.py"]

iterations = 700

randomness = dict(seed=2)
model = dict(backbone=dict(frozen_blocks=7))
train_dataloader = dict(dataset=dict(seed=2, street_times=7))
train_cfg = dict(max_iters=iterations, val_interval=350)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.2, end=20, by_epoch=False),
    dict(type="PolyLR", power=1.0, eta_min=1e-5, begin=20, end=iterations, by_epoch=False),
]
