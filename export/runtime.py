"""What mmengine lacks for training on a CPU with a current torch."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.registry import HOOKS, OPTIM_WRAPPERS
from torch import nn


@OPTIM_WRAPPERS.register_module()
class Bfloat16OptimWrapper(OptimWrapper):
    """Forward passes in bfloat16 on any device. mmengine's own AMP wrapper refuses CPUs; bfloat16 needs no scaler."""

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, torch.bfloat16):
            yield


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Weights in channels-last order: a step takes a third less time on a CPU."""

    def before_train(self, runner: Any) -> None:
        runner.model.to(memory_format=torch.channels_last)
