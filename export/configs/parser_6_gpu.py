# ruff: noqa: C408
# From what stage 5 released, at the size that is served, in batches that a GPU takes at once; people on other streets.
_base_ = ["parser_5_larger.py"]

iterations = 2150
height, width = 512, 384

randomness = dict(seed=4)
model = dict(data_preprocessor=dict(size=(height, width)))
train_dataloader = dict(
    batch_size=32,
    num_workers=15,
    pin_memory=True,
    dataset=dict(
        seed=4,
        pipeline=[dict(type="MakeScene", height=height, width=width, paste=0.2, street=0.2), {{_base_.pack}}],
    ),
)
val_dataloader = dict(dataset=dict(pipeline=[dict(type="LetterboxPhoto", height=height, width=width), {{_base_.pack}}]))
optim_wrapper = dict(type="AmpOptimWrapper", dtype="bfloat16", optimizer=dict(lr=8e-4))
train_cfg = dict(max_iters=iterations, val_interval=500)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.05, end=100, by_epoch=False),
    dict(type="PolyLR", power=1.0, eta_min=1e-6, begin=100, end=iterations, by_epoch=False),
]
