# ruff: noqa: C408
# From what stage 3 released, for the IoU itself: Lovász-Softmax instead of Dice, and rare labels weigh less, since
# stage 3 finds too much of them.
_base_ = ["parser_2_full.py"]

iterations = 2200

randomness = dict(seed=2)
model = dict(
    decode_head=dict(
        loss_decode=dict(
            weights=[1.0, 1.0, 1.1, 1.1, 1.0, 1.1, 1.0, 1.0, 1.1, 1.2, 1.3, 1.6, 1.3, 1.0, 1.0], dice=0.0, lovasz=0.7
        )
    )
)
train_dataloader = dict(dataset=dict(seed=2, street_times=12))
optim_wrapper = dict(optimizer=dict(lr=5e-4))
train_cfg = dict(max_iters=iterations, val_interval=550)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.05, end=100, by_epoch=False),
    dict(type="PolyLR", power=1.0, eta_min=1e-6, begin=100, end=iterations, by_epoch=False),
]
