# ruff: noqa: C408
# From ImageNet weights, on small pictures of people and of their clothes pasted elsewhere.
_base_ = ["parser_base.py"]

height, width = 256, 192
iterations = 300

model = dict(data_preprocessor=dict(size=(height, width)))
train_dataloader = dict(
    batch_size=16,
    dataset=dict(pipeline=[dict(type="MakeScene", height=height, width=width, paste=0.5), {{_base_.pack}}]),
)
train_cfg = dict(type="IterBasedTrainLoop", max_iters=iterations, val_interval=iterations)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.05, end=50, by_epoch=False),
    dict(type="PolyLR", power=0.9, eta_min=1e-4, begin=50, end=iterations, by_epoch=False),
]
