"""Released weights, back in the network that they came from: training goes on from what is served."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import onnx
import torch
from mmseg.models import EncoderDecoder
from onnx import numpy_helper
from torch import Tensor, nn

from export.embedder import GarmentEmbedder
from export.onnx_files import Pictures
from export.parser_graphs import ParserGraph

_Norm = nn.modules.batchnorm._BatchNorm
_BATCH = 8


@torch.no_grad()
def load_released_parser(model: EncoderDecoder, file: Path, pictures: Pictures) -> None:
    """Fills a network from the ``model.onnx`` that was exported from its like.

    In the file, batch norms are folded into the convolutions. Here they get the mean and the deviation that they meet
    in the pictures, so that the network computes what the file does, and begins its training with just that.

    Args:
        model: with a SegformerHead.
        pictures: (n, height, width, 3) uint8 RGB, such as are trained on.

    Raises:
        ValueError: the file comes from another network.
    """
    graph = ParserGraph(model.eval())
    ran = _run_order(graph, pictures[:1])
    norms = {layer: after for layer, after in pairwise(ran) if isinstance(after, _Norm)}
    norms[graph.mixers[0]] = model.decode_head.fusion_conv.bn
    convolutions = [layer for layer in ran if isinstance(layer, nn.Conv2d)]
    released = _convolutions(onnx.load(str(file)).graph)
    if [weight.shape for weight, _ in released] != [layer.weight.shape for layer in convolutions]:
        raise ValueError(
            f"{file}: its convolutions are not those of the config's network: name the config of its training"
        )
    for layer, (weight, bias) in zip(convolutions, released, strict=True):
        layer.weight.copy_(weight)
        if layer in norms:
            _pass_through(norms[layer], bias)
        elif bias is not None:
            layer.bias.copy_(bias)
    model.decode_head.fusion_conv.conv.weight.copy_(torch.cat([mixer.weight for mixer in graph.mixers], dim=1))
    _set_apart(model, graph, pictures)


@torch.no_grad()
def load_released_embedder(file: Path, kind_share: float) -> GarmentEmbedder:
    """The network that a ``model.onnx`` was exported from, as it computes there: its batch norms only add.

    Args:
        kind_share: as it was trained; see ``Heads``.

    Raises:
        ValueError: the file comes from another network.
    """
    embedder = GarmentEmbedder(kind_share, pretrained=False).eval()
    layers = [layer for layer in embedder.modules() if isinstance(layer, nn.Conv2d | _Norm)]
    graph = onnx.load(str(file)).graph
    constants, released = _constants(graph), _convolutions(graph)
    heads = {name: constants.get(f"heads.{name}") for name in embedder.heads.state_dict() if name != "kind_share"}
    fits = [weight.shape for weight, _ in released] == [layer.weight.shape for layer in layers[::2]]
    if not fits or any(value is None for value in heads.values()):
        raise ValueError(f"{file}: not of this project's garment embedder")
    for convolution, norm, (weight, bias) in zip(layers[::2], layers[1::2], released, strict=True):
        convolution.weight.copy_(weight)
        _pass_through(norm, bias)
    embedder.heads.load_state_dict(heads | {"kind_share": embedder.heads.kind_share})
    return embedder


def _constants(graph: onnx.GraphProto) -> dict[str, Tensor]:
    return {each.name: torch.from_numpy(numpy_helper.to_array(each).copy()) for each in graph.initializer}


def _convolutions(graph: onnx.GraphProto) -> list[tuple[Tensor, Tensor | None]]:
    """Weight and bias of each, in the order in which they run."""
    constants = _constants(graph)
    inputs = [node.input for node in graph.node if node.op_type == "Conv"]
    return [(constants[names[1]], constants[names[2]] if len(names) > 2 else None) for names in inputs]


def _run_order(graph: ParserGraph, pictures: Pictures) -> list[nn.Module]:
    """Convolutions and batch norms as the graph runs them."""
    ran: list[nn.Module] = []
    layers = [module for module in graph.modules() if isinstance(module, nn.Conv2d | _Norm)]
    hooks = [layer.register_forward_pre_hook(lambda layer, _: ran.append(layer)) for layer in layers]
    graph(torch.from_numpy(pictures))
    for hook in hooks:
        hook.remove()
    return ran


def _pass_through(norm: _Norm, bias: Tensor) -> None:
    """Makes a batch norm in evaluation add the bias and no more."""
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)
    norm.weight.fill_(1)
    norm.bias.copy_(bias)


def _set_apart(model: EncoderDecoder, graph: ParserGraph, pictures: Pictures) -> None:
    """Gives batch norms that pass through the statistics of what passes, and takes them back by weight and bias."""
    sums: dict[_Norm, list[Any]] = {module: [0, 0.0, 0.0] for module in model.modules() if isinstance(module, _Norm)}

    def add(norm: _Norm, inputs: tuple[Tensor, ...]) -> None:
        values = inputs[0].double().movedim(1, 0).flatten(1)
        for index, part in enumerate((values.shape[1], values.sum(1), values.square().sum(1))):
            sums[norm][index] += part

    hooks = [norm.register_forward_pre_hook(add) for norm in sums]
    for start in range(0, len(pictures), _BATCH):
        model(graph.normalise(torch.from_numpy(pictures[start : start + _BATCH])), mode="tensor")
    for hook in hooks:
        hook.remove()
    for norm, (count, total, squares) in sums.items():
        mean = total / count
        variance = squares / count - mean.square()
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.add_(mean)
