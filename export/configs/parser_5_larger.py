# ruff: noqa: C408
# From what stage 4 released, at a larger size; it is served at 512×384, larger still.
_base_ = ["parser_4_lovasz.py"]

iterations = 1500
height, width = 448, 336

randomness = dict(seed=3)
model = dict(data_preprocessor=dict(size=(height, width)))
train_dataloader = dict(
    dataset=dict(
        seed=3,
        pipeline=[dict(type="MakeScene", height=height, width=width, paste=0.25), {{_base_.pack}}],
    )
)
val_dataloader = dict(dataset=dict(pipeline=[dict(type="LetterboxPhoto", height=height, width=width), {{_base_.pack}}]))
optim_wrapper = dict(optimizer=dict(lr=4e-4))
train_cfg = dict(max_iters=iterations, val_interval=500)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.05, end=100, by_epoch=False),
    dict(type="PolyLR", power=1.0, eta_min=1e-6, begin=100, end=iterations, by_epoch=False),
]
