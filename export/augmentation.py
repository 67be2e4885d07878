"""Cutouts seen a little differently each time they are trained on, made where the network is trained."""

import math

import torch
from torch import Tensor
from torch.nn import functional


def varied(pictures: Tensor) -> Tensor:
    """Mirrored, turned, scaled, relit, blurred and partly hidden; what is white stays so, and so does what comes in.

    Takes its randomness from torch's generator of the pictures' device.

    Args:
        pictures: (n, side, side, 3) uint8 RGB.

    Returns:
        The same shape, float32 in 0 … 255.
    """
    planes = _relit(pictures.permute(0, 3, 1, 2).float())
    return _hidden(_blurred(_moved(planes))).permute(0, 2, 3, 1)


def _relit(planes: Tensor) -> Tensor:
    count, device = len(planes), planes.device
    white = (planes == 255).all(dim=1, keepdim=True)
    contrast, saturation = (0.2 * torch.randn(2, count, 1, 1, 1, device=device)).exp()
    tint = (0.05 * torch.randn(count, 3, 1, 1, device=device)).exp()
    brightness = 15 * torch.randn(count, 1, 1, 1, device=device)
    grey = planes.mean(dim=1, keepdim=True)
    lit = ((grey + (planes - grey) * saturation - 127) * contrast + 127 + brightness) * tint
    return torch.where(white, 255.0, lit.clamp(0, 255))


def _moved(planes: Tensor) -> Tensor:
    count, device = len(planes), planes.device
    turn = math.radians(10) * torch.randn(count, device=device)
    scale = (torch.tensor([0.1, 0.1], device=device) * torch.randn(count, 2, device=device)).exp()
    mirror = 1 - 2 * torch.randint(0, 2, (count,), device=device)
    cos, sin = turn.cos(), turn.sin()
    turned = torch.stack([torch.stack([cos * mirror, -sin], 1), torch.stack([sin * mirror, cos], 1)], 1)
    shift = 0.05 * torch.randn(count, 2, 1, device=device)
    grid = functional.affine_grid(torch.cat([turned * scale[:, None], shift], 2), list(planes.shape), False)
    return 255 - functional.grid_sample(255 - planes, grid, align_corners=False)  # outside is white


def _blurred(planes: Tensor) -> Tensor:
    """A quarter of them, as if they had been half or a third as large."""
    side = planes.shape[2]
    chosen = torch.rand(len(planes), device=planes.device) < 0.25
    small = functional.interpolate(planes[chosen], size=side // 2 if torch.rand(()) < 0.7 else side // 3, mode="area")
    planes[chosen] = functional.interpolate(small, size=side, mode="bilinear")
    return planes


def _hidden(planes: Tensor) -> Tensor:
    """Half of them behind a white rectangle of at most two fifths of each side."""
    count, side, device = len(planes), planes.shape[2], planes.device
    size = 0.4 * side * torch.rand(2, count, 1, device=device)
    start = (side - size) * torch.rand(2, count, 1, device=device)
    along = torch.arange(side, device=device)
    rows, columns = (along >= start) & (along < start + size)
    rows = rows & (torch.rand(count, 1, device=device) < 0.5)
    return planes.masked_fill((rows[:, :, None] & columns[:, None])[:, None], 255.0)
