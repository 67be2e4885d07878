# ruff: noqa: C408
# From stage 2: the rate falls to nothing.
_base_ = ["parser_2_full.py"]

iterations = 3000

randomness = dict(seed=1)
train_dataloader = dict(dataset=dict(seed=1))
train_cfg = dict(max_iters=iterations, val_interval=500)
param_scheduler = [dict(type="PolyLR", power=1.0, eta_min=1e-6, begin=0, end=iterations, by_epoch=False)]
