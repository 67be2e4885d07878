"""PyTorch → ONNX → int8 and fp16, with the differences measured."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel
from torch import nn

from export.integer_ops import enlarge_in_integers, score_in_integers

Floats = NDArray[np.float32]
Pictures = NDArray[np.uint8]  # (n, h, w, 3) RGB

OPSET = 17
INPUT = "image"

_SENSITIVE = ("LpNormalization", "ReduceL2", "Softmax")
"""Operators whose sums or powers may leave half precision's range."""


def write_onnx(graph: nn.Module, file: Path, output: str, height: int, width: int) -> None:
    """Writes one file that takes any number of uint8 RGB pictures of this size."""
    example = torch.zeros(2, height, width, 3, dtype=torch.uint8)
    torch.onnx.export(
        graph.eval(),
        (example,),
        file,
        input_names=[INPUT],
        output_names=[output],
        dynamic_axes={INPUT: {0: "n"}, output: {0: "n"}},
        opset_version=OPSET,
        dynamo=False,
    )
    onnx.checker.check_model(str(file), full_check=True)


def write_int8(source: Path, file: Path, pictures: Pictures, in_float: Sequence[str] = ()) -> None:
    """Quantises for CPUs, see ``quantise``; what that leaves in float is done in integers where it gives the same."""
    quantise(source, file, pictures, in_float)
    model = onnx.load(str(file))
    enlarge_in_integers(model)
    score_in_integers(model)
    onnx.save(model, str(file))
    onnx.checker.check_model(str(file), full_check=True)


def quantise(source: Path, file: Path, pictures: Pictures, in_float: Sequence[str] = ()) -> None:
    """Statically: QDQ, weights per channel in 7 bits, ranges from the calibration pictures.

    With 8 bits the sums of CPUs without VNNI instructions would saturate.

    Args:
        in_float: names of nodes (or their beginnings) that stay in float.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        names = [node.name for node in onnx.load(str(prepared)).graph.node]
        quantize_static(
            str(prepared),
            str(file),
            _OneByOne(pictures),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            reduce_range=True,
            nodes_to_exclude=[name for name in names if name.startswith(tuple(in_float))],
        )


def write_fp16(source: Path, file: Path, in_float: Sequence[str] = ()) -> None:
    """Weights and arithmetic in half precision; the inputs and outputs keep their types.

    Args:
        in_float: names of nodes (or their beginnings) that stay in float32, as sums of squares and exponents do anyway.
    """
    model = onnx.load(str(source))
    names = [node.name for node in model.graph.node if in_float and node.name.startswith(tuple(in_float))]
    half = convert_float_to_float16(
        model, keep_io_types=True, op_block_list=[*DEFAULT_OP_BLOCK_LIST, *_SENSITIVE], node_block_list=names
    )
    _join_float_nodes(half.graph)
    tidy = OnnxModel(half)
    tidy.prune_graph()
    tidy.topological_sort()
    onnx.save(tidy.model, str(file))
    onnx.checker.check_model(str(file), full_check=True)


def run(file: Path, pictures: Pictures, batch: int = 8, threads: int = 0) -> Floats:
    """The only output for all pictures."""
    session = open_session(file, threads)
    parts = [session.run(None, {INPUT: pictures[i : i + batch]})[0] for i in range(0, len(pictures), batch)]
    return np.concatenate(parts)


def open_session(file: Path, threads: int = 0) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def parity(graph: nn.Module, file: Path, pictures: Pictures) -> float:
    """The largest difference between PyTorch's output and the file's, as a share of the largest output."""
    with torch.no_grad():
        expected = graph.eval()(torch.from_numpy(pictures)).numpy()
    return float(np.abs(expected - run(file, pictures)).max() / np.abs(expected).max())


def cosine(first: Floats, second: Floats) -> float:
    """Mean cosine between the pictures' outputs, each taken as one vector; not a number where one is not finite."""
    a, b = (x.reshape(len(x), -1).astype(np.float64) for x in (first, second))
    with np.errstate(invalid="ignore"):
        return float(np.mean((a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))))


def _join_float_nodes(graph: onnx.GraphProto) -> None:
    """Lets float32 nodes read each other's outputs, which the converter rounds to half precision on the way."""
    producers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        before = producers.get(node.input[0]) if _casts_to(node, onnx.TensorProto.FLOAT) else None
        if before is not None and _casts_to(before, onnx.TensorProto.FLOAT16):
            node.input[0] = before.input[0]


def _casts_to(node: onnx.NodeProto, kind: int) -> bool:
    return node.op_type == "Cast" and any(
        attribute.name == "to" and attribute.i == kind for attribute in node.attribute
    )


class _OneByOne(CalibrationDataReader):
    def __init__(self, pictures: Pictures) -> None:
        self._rest = iter(pictures)

    def get_next(self) -> dict[str, Pictures] | None:
        picture = next(self._rest, None)
        return None if picture is None else {INPUT: picture[None]}
