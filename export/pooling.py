"""Average pooling to any size as a product with two matrices, which ONNX can say: its own needs sizes that divide."""

import copy
import math
import warnings
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


class AveragePool(nn.Module):
    """What ``nn.AdaptiveAvgPool2d`` gives, for pictures of the size that it is traced with."""

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self.rows = rows
        self.columns = columns

    def forward(self, planes: Tensor) -> Tensor:
        """(n, channels, h, w) → (n, channels, rows, columns)."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", torch.jit.TracerWarning)  # a constant is what is wanted
            height, width = int(planes.shape[2]), int(planes.shape[3])
        return _shares(height, self.rows) @ planes @ _shares(width, self.columns).T


def with_exportable_pools(network: Network) -> Network:
    """A copy with ``AveragePool`` wherever the network pools to more than one value."""
    result = copy.deepcopy(network)
    for path, part in network.named_modules():
        if isinstance(part, nn.AdaptiveAvgPool2d):
            size = part.output_size
            rows, columns = (size, size) if isinstance(size, int) else size
            if rows and columns and (rows, columns) != (1, 1):
                result.set_submodule(path, AveragePool(rows, columns))
    return result


def _shares(side: int, count: int) -> Tensor:
    """(count, side): by how much each of the values counts in each mean."""
    shares = torch.zeros(count, side)
    for index in range(count):
        start, end = index * side // count, math.ceil((index + 1) * side / count)
        shares[index, start:end] = 1 / (end - start)
    return shares
