# ruff: noqa: C408
# EfficientNet-Lite0 + SegformerHead on 15 labels. The stages beside this file inherit it; `export train-parser` fills
# in the folders.
height, width = 384, 288

default_scope = "mmseg"
custom_imports = dict(
    imports=[
        "export.backbone",
        "export.head",
        "export.loss",
        "export.parser_data",
        "export.parsing_scores",
        "export.runtime",
    ],
    allow_failed_imports=False,
)
randomness = dict(seed=0)
log_level = "INFO"

model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(type="SegDataPreProcessor", mean=[127.0] * 3, std=[128.0] * 3, size=(height, width)),
    # Edges and textures are known from ImageNet; without the large maps' gradients a step takes a third less time.
    backbone=dict(type="EfficientNetLite0", frozen_blocks=3),
    decode_head=dict(
        type="StepwiseSegformerHead",
        in_channels=[24, 40, 112, 320],
        in_index=[0, 1, 2, 3],
        channels=128,
        num_classes=15,
        norm_cfg=dict(type="BN"),
        align_corners=False,
        loss_decode=dict(
            type="ParsingLoss",
            # In the order of LABELS: rare and small ones weigh more.
            weights=[1.0, 1.0, 1.2, 1.2, 1.0, 1.3, 1.2, 1.2, 1.2, 1.4, 1.8, 1.4, 1.5, 1.0, 1.0],
            dice=0.5,
        ),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)

pack = dict(type="PackSegInputs", meta_keys=("img_path", "ori_shape", "img_shape"))
train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        type="ParserDataset",
        pipeline=[dict(type="MakeScene", height=height, width=width, paste=0.5), pack],
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="ParserDataset",
        held_out=True,
        test_mode=True,
        pipeline=[dict(type="LetterboxPhoto", height=height, width=width), pack],
    ),
)
val_evaluator = dict(type="ParsingMetric")
val_cfg = dict(type="ValLoop")

optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-3, weight_decay=0.01),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.4)), norm_decay_mult=0.0),
    clip_grad=dict(max_norm=5.0),
)
default_hooks = dict(
    checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=200, max_keep_ckpts=2),
    logger=dict(type="LoggerHook", interval=20, log_metric_by_epoch=False),
)
custom_hooks = [
    dict(type="ChannelsLastHook"),
    dict(type="EMAHook", ema_type="ExponentialMovingAverage", momentum=0.004, update_buffers=True),
]
log_processor = dict(by_epoch=False)
