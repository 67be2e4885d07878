"""What an fp16 file gives on a GPU, found out on a CPU.

onnxruntime computes fp16 graphs on a CPU in single precision and leaves the rounding between nodes out, so that neither
overflow nor loss shows. Here each result is rounded to half precision before the next node reads it; a GPU, which fuses
nodes, rounds at most as often.
"""

import tempfile
from itertools import chain
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.onnx_files import Floats, Pictures, run


def run_rounding(file: Path, pictures: Pictures) -> Floats:
    """The only output of an fp16 file for all pictures, as float32."""
    with tempfile.TemporaryDirectory() as folder:
        rounding = Path(folder) / "rounding.onnx"
        onnx.save(_rounding(onnx.load(str(file))), str(rounding))
        return run(rounding, pictures)


def _rounding(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph in float32, with a cast to float16 and back behind each node that gives float16."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    known = chain(graph.value_info, graph.output)
    halves = {value.name for value in known if value.type.tensor_type.elem_type == TensorProto.FLOAT16}
    nodes = []
    for node in graph.node:
        nodes.append(node)
        for attribute in node.attribute:
            if attribute.name == "to" and attribute.i == TensorProto.FLOAT16:
                attribute.i = TensorProto.FLOAT
            elif attribute.HasField("t"):
                attribute.t.CopyFrom(_single(attribute.t))
        for index, name in enumerate(node.output):
            if name in halves and node.op_type != "Constant":
                exact, half = f"{name}/exact", f"{name}/half"
                node.output[index] = exact
                nodes.append(helper.make_node("Cast", [exact], [half], to=TensorProto.FLOAT16))
                nodes.append(helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT))
    weights = [_single(tensor) for tensor in graph.initializer]
    whole = helper.make_graph(nodes, graph.name, graph.input, graph.output, weights)
    return helper.make_model(whole, opset_imports=model.opset_import, ir_version=model.ir_version)


def _single(tensor: onnx.TensorProto) -> onnx.TensorProto:
    if tensor.data_type != TensorProto.FLOAT16:
        return tensor
    return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name)
