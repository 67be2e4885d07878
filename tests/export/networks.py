"""Parsers with ImageNet backbones and random heads."""

import torch
from mmseg.registry import MODELS

import export.backbone
import export.head  # noqa: F401  (registers)


def parser_network(head: str, seed: int = 0, channels: int = 32) -> torch.nn.Module:
    """An EncoderDecoder on 15 labels, its data_preprocessor fed red first and turning that around."""
    torch.manual_seed(seed)
    model = MODELS.build(
        {
            "type": "mmseg.EncoderDecoder",
            "data_preprocessor": {
                "type": "mmseg.SegDataPreProcessor",
                "mean": [127.0, 120.0, 110.0],
                "std": [128.0, 100.0, 90.0],
                "rgb_to_bgr": True,
            },
            "backbone": {"type": "mmseg.EfficientNetLite0"},
            "decode_head": {
                "type": f"mmseg.{head}",
                "in_channels": [24, 40, 112, 320],
                "in_index": [0, 1, 2, 3],
                "channels": channels,
                "num_classes": 15,
                "norm_cfg": {"type": "BN"},
                "align_corners": False,
            },
        }
    )
    with torch.no_grad():  # batch norms as after training: not the identity
        for module in model.decode_head.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
                module.bias.normal_()
    return model.eval()
