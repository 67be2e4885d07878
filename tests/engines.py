"""Models with known answers: minimal ONNX graphs, in folders as the services read them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

COLOURS = {
    "background": (255, 255, 255),
    "top": (220, 30, 30),
    "dress": (30, 30, 220),
    "pants": (30, 150, 30),
    "bag": (230, 220, 20),
    "skin": (240, 180, 150),
}
"""What the parser calls each colour."""
GARMENTS = ("top", "dress", "pants", "bag")
PARSER_SIZE = (128, 96)
STRIDE = 4
SIDE = 32
CELLS = 4
DIMENSION = CELLS * CELLS * 3

_SHARPNESS = 1e-3
_OPSET = [helper.make_opsetid("", 17)]


def parser_graph(height: int = PARSER_SIZE[0], width: int = PARSER_SIZE[1], output: str = "logits") -> onnx.ModelProto:
    """Labels each cell of 4 × 4 pixels by the nearest of COLOURS: -|x - c|² less |x|², which all labels share."""
    colours = np.array(list(COLOURS.values()), np.float32)
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["cells"], kernel_shape=[STRIDE] * 2, strides=[STRIDE] * 2),
        helper.make_node("Conv", ["cells", "weight", "bias"], [output]),
    ]
    weights = {
        "weight": (2 * colours * _SHARPNESS)[:, :, None, None],
        "bias": -(colours**2).sum(axis=1) * _SHARPNESS,
    }
    shape = ["n", len(COLOURS), height // STRIDE, width // STRIDE]
    return _model(nodes, weights, ["n", height, width, 3], (output, shape))


def embedder_graph(side: int = SIDE, output: str = "embedding", dimension: int = DIMENSION) -> onnx.ModelProto:
    """The mean colours of 4 × 4 cells, centred, at unit length."""
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node(
            "AveragePool", ["planes"], ["cells"], kernel_shape=[side // CELLS] * 2, strides=[side // CELLS] * 2
        ),
        helper.make_node("Flatten", ["cells"], ["flat"]),
        helper.make_node("Sub", ["flat", "grey"], ["centred"]),
        helper.make_node("LpNormalization", ["centred"], [output], axis=1, p=2),
    ]
    weights = {"grey": np.array([127.6], np.float32)}
    return _model(nodes, weights, ["n", side, side, 3], (output, ["n", dimension]))


def slow_embedder_graph(rounds: int) -> onnx.ModelProto:
    """The embedder, but where all of a picture is brighter than 200, it counts to ``rounds`` for each step more."""
    model = embedder_graph(output="raw")
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["goes on"]),
            helper.make_node("Add", ["count", "step"], ["counted"]),
        ],
        "counting",
        [
            helper.make_tensor_value_info("index", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("count", TensorProto.FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("goes on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("counted", TensorProto.FLOAT, [1]),
        ],
    )
    graph = model.graph
    graph.node.extend(
        [
            helper.make_node("ReduceMin", ["pixels"], ["darkest"], axes=[0, 1, 2, 3], keepdims=0),
            helper.make_node("Sub", ["darkest", "bright"], ["above"]),
            helper.make_node("Relu", ["above"], ["steps above"]),
            helper.make_node("Mul", ["steps above", "rounds"], ["how long"]),
            helper.make_node("Cast", ["how long"], ["trips"], to=TensorProto.INT64),
            helper.make_node("Loop", ["trips", "", "zero"], ["steps"], body=body),
            helper.make_node("Mul", ["steps", "zero"], ["nothing"]),
            helper.make_node("Add", ["raw", "nothing"], ["embedding"]),
        ]
    )
    for name, value in (("bright", 200.0), ("rounds", float(rounds)), ("zero", [0.0]), ("step", [1.0])):
        graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), name))
    graph.output[0].name = "embedding"
    return model


def expected_embedding(pixels: "np.ndarray[Any, np.dtype[np.uint8]]") -> "np.ndarray[Any, np.dtype[np.float32]]":
    """What the embedder answers for a (SIDE, SIDE, 3) raster."""
    cell = SIDE // CELLS
    means = pixels.astype(np.float32).reshape(CELLS, cell, CELLS, cell, 3).mean(axis=(1, 3))
    centred = means.transpose(2, 0, 1).ravel() - np.float32(127.6)
    unit: np.ndarray[Any, np.dtype[np.float32]] = (centred / np.linalg.norm(centred)).astype(np.float32)
    return unit


def write_parser(folder: Path, version: str = "1", **changes: Any) -> Path:
    """A model folder for the segment service; ``changes`` are laid over its manifest."""
    manifest = {"labels": list(COLOURS), "garments": list(GARMENTS), **_manifest("clothing-parser", "segment", version)}
    manifest["input"] = {"height": PARSER_SIZE[0], "width": PARSER_SIZE[1]}
    return write_model(folder, manifest | changes, parser_graph())


def write_embedder(folder: Path, version: str = "1", **changes: Any) -> Path:
    """A model folder for the embed service; ``changes`` are laid over its manifest."""
    manifest = {"dimension": DIMENSION, **_manifest("garment-embedder", "embed", version)}
    manifest["input"] = {"height": SIDE, "width": SIDE}
    return write_model(folder, manifest | changes, embedder_graph())


def write_slow_embedder(folder: Path, rounds: int) -> Path:
    manifest = {"dimension": DIMENSION, **_manifest("garment-embedder", "embed", "1")}
    return write_model(folder, manifest | {"input": {"height": SIDE, "width": SIDE}}, slow_embedder_graph(rounds))


def write_model(folder: Path, manifest: dict[str, Any], graph: onnx.ModelProto) -> Path:
    """Writes graph and manifest. Returns the version's folder."""
    version = folder / manifest["name"] / manifest["version"]
    version.mkdir(parents=True)
    data = graph.SerializeToString()
    (version / "model.onnx").write_bytes(data)
    files = {"fp32": {"path": "model.onnx", "sha256": hashlib.sha256(data).hexdigest()}}
    (version / "model.json").write_text(json.dumps({"files": files} | manifest))
    return version


def _manifest(name: str, kind: str, version: str) -> dict[str, Any]:
    return {"name": name, "version": version, "kind": kind, "license": "MIT", "data": ["none"], "quality": {}}


def _model(
    nodes: list[onnx.NodeProto], weights: dict[str, Any], shape: list[Any], output: tuple[str, list[Any]]
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "known answers",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info(output[0], TensorProto.FLOAT, output[1])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=_OPSET)
    model.ir_version = 8
    return model
