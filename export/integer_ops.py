"""Rewrites of a quantised graph where onnxruntime's quantiser leaves floats and integers give the same sooner."""

from collections.abc import Iterator, Sequence

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper
from onnxruntime.transformers.onnx_model import OnnxModel

_BEFORE, _AFTER = (1, 3, 0), (0, 3, 1)
"""Fourths of three neighbours: what halves of the middle one, before and after its centre, are when enlarged."""
_WEIGHT_LIMIT = 63
"""Weights in 7 bits, as all others: see ``onnx_files.quantise``."""
_FLOAT = onnx.TensorProto.FLOAT


def enlarge_in_integers(model: onnx.ModelProto) -> int:
    """Replaces each bilinear Resize to twice the sides, between (n, c, h, w) tensors of one quantisation.

    Each of the four pixels that one becomes is a weighted sum of 3 × 3, so four depthwise convolutions give them, whose
    weights, in sixteenths, are exact.

    Returns:
        How many were replaced.
    """
    graph = OnnxModel(model)
    found = [
        (resize, source, quantise)
        for resize in graph.get_nodes_by_op_type("Resize")
        if _is_half_pixel_bilinear(resize)
        and (source := graph.match_parent(resize, "DequantizeLinear", 0))
        and (quantise := _only_child(graph, resize, "QuantizeLinear"))
        and _same_values(graph, source.input[1:], quantise.input[1:])
    ]
    shapes = _shapes(model, [name for resize, *_ in found for name in (resize.input[0], resize.output[0])])
    count = 0
    for resize, source, quantise in found:
        (_, channels, height, width), larger = shapes[resize.input[0]], shapes[resize.output[0]]
        if larger[1:] == (channels, 2 * height, 2 * width):
            graph.remove_nodes([resize, quantise])
            graph.add_nodes(list(_enlarged(graph, resize.name, source, quantise, shapes[resize.input[0]])))
            count += 1
    _tidy(graph)
    return count


def score_in_integers(model: onnx.ModelProto) -> bool:
    """Replaces a last 1 × 1 Conv that stayed in float but reads a quantised tensor: integer products, float sums.

    Its outputs are not quantised: near ties between them decide.

    Returns:
        Whether there was one.
    """
    graph = OnnxModel(model)
    output = model.graph.output[0].name
    conv = graph.output_name_to_node().get(output)
    if conv is None or conv.op_type != "Conv" or len(conv.input) < 3 or _attribute(conv, "group", 1) != 1:
        return False
    source, weights = graph.match_parent(conv, "DequantizeLinear", 0), graph.get_constant_value(conv.input[1])
    if source is None or weights is None or weights.shape[2:] != (1, 1):
        return False
    quantised, scale, zero = source.input
    steps = np.abs(weights).max(axis=(1, 2, 3)).clip(min=np.finfo(np.float32).tiny) / _WEIGHT_LIMIT
    rounded = np.round(weights[:, :, 0, 0] / steps[:, None]).astype(np.int8)
    name = conv.name
    _add(graph, f"{name}_weights", np.ascontiguousarray(rounded.T))
    _add(graph, f"{name}_scale", (steps * graph.get_constant_value(scale)).astype(np.float32))
    graph.remove_node(conv)
    graph.add_nodes(
        [
            _node("Transpose", name, "rows", [quantised], perm=[0, 2, 3, 1]),
            _node("MatMulInteger", name, "products", [f"{name}_rows", f"{name}_weights", zero]),
            _node("Cast", name, "sums", [f"{name}_products"], to=_FLOAT),
            _node("Mul", name, "scaled", [f"{name}_sums", f"{name}_scale"]),
            _node("Add", name, "scores", [f"{name}_scaled", conv.input[2]]),
            helper.make_node("Transpose", [f"{name}_scores"], [output], f"{name}_planes", perm=[0, 3, 1, 2]),
        ]
    )
    _tidy(graph)
    return True


def _enlarged(
    graph: OnnxModel, name: str, source: NodeProto, quantise: NodeProto, shape: tuple[int, ...]
) -> Iterator[NodeProto]:
    small, scale, zero = source.input
    _, channels, height, width = shape
    _add(graph, f"{name}_border", np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    _add(graph, f"{name}_sixteenth", np.array(1 / 16, np.float32))
    _add(graph, f"{name}_zero", np.array(0, np.int8))
    _add(graph, f"{name}_apart", np.array([-1, height, width, 2, 2, channels], np.int64))
    _add(graph, f"{name}_size", np.array([-1, 2 * height, 2 * width, channels], np.int64))
    yield _node("Pad", name, "padded", [small, f"{name}_border"], mode="edge")
    parts = []
    for part, (rows, columns) in enumerate((r, c) for r in (_BEFORE, _AFTER) for c in (_BEFORE, _AFTER)):
        kernel = np.outer(rows, columns).astype(np.int8)
        _add(graph, f"{name}_kernel{part}", np.tile(kernel, (channels, 1, 1, 1)))
        weights = [f"{name}_kernel{part}", f"{name}_sixteenth", f"{name}_zero"]
        inputs = [f"{name}_padded", scale, zero, *weights, scale, zero]
        yield _node("QLinearConv", name, f"planes{part}", inputs, group=channels, kernel_shape=[3, 3])
        yield _node("Transpose", name, f"part{part}", [f"{name}_planes{part}"], perm=[0, 2, 3, 1])
        parts.append(f"{name}_part{part}")
    yield _node("Concat", name, "parts", parts, axis=3)
    yield _node("Reshape", name, "quarters", [f"{name}_parts", f"{name}_apart"])
    yield _node("Transpose", name, "rows", [f"{name}_quarters"], perm=[0, 1, 3, 2, 4, 5])
    yield _node("Reshape", name, "large", [f"{name}_rows", f"{name}_size"])
    yield helper.make_node("Transpose", [f"{name}_large"], [quantise.output[0]], f"{name}_out", perm=[0, 3, 1, 2])


def _tidy(graph: OnnxModel) -> None:
    graph.prune_graph()
    graph.topological_sort()


def _add(graph: OnnxModel, name: str, value: NDArray[np.generic]) -> None:
    graph.model.graph.initializer.append(numpy_helper.from_array(value, name))


def _only_child(graph: OnnxModel, node: NodeProto, kind: str) -> NodeProto | None:
    children = graph.get_children(node)
    return children[0] if [child.op_type for child in children] == [kind] else None


def _same_values(graph: OnnxModel, names: Sequence[str], others: Sequence[str]) -> bool:
    values = ((graph.get_constant_value(a), graph.get_constant_value(b)) for a, b in zip(names, others, strict=True))
    return all(a is not None and np.array_equal(a, b) for a, b in values)


def _node(kind: str, prefix: str, output: str, inputs: list[str], **attributes: object) -> NodeProto:
    return helper.make_node(kind, inputs, [f"{prefix}_{output}"], f"{prefix}_{output}", **attributes)


def _is_half_pixel_bilinear(resize: NodeProto) -> bool:
    mode, centres = _attribute(resize, "mode", b""), _attribute(resize, "coordinate_transformation_mode", b"half_pixel")
    return mode == b"linear" and centres in (b"half_pixel", b"pytorch_half_pixel")


def _attribute(node: NodeProto, name: str, default: object) -> object:
    return next((helper.get_attribute_value(each) for each in node.attribute if each.name == name), default)


def _shapes(model: onnx.ModelProto, names: list[str]) -> dict[str, tuple[int, ...]]:
    """Of tensors as they are when the graph runs on one picture: inference leaves sizes open that are computed."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(helper.make_tensor_value_info(name, _FLOAT, None) for name in names)
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    found = session.run(names, {given.name: np.zeros((1, *given.shape[1:]), np.uint8)}) if names else []
    return {name: value.shape for name, value in zip(names, found, strict=True)}
