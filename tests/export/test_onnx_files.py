"""Networks with random heads on small pictures: exported, quantised, compared."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmseg.registry import MODELS

import export.backbone
import export.head  # noqa: F401  (registers)
from export.embedder import GarmentEmbedder
from export.graphs import Normalise
from export.onnx_files import Pictures, cosine, open_session, parity, run, write_fp16, write_int8, write_onnx
from export.parser_graphs import ParserGraph, WholeParserGraph, fits_lean_graph
from export.rounding import run_rounding

HEAD = {
    "in_channels": [24, 40, 112, 320],
    "in_index": [0, 1, 2, 3],
    "channels": 32,
    "num_classes": 15,
    "norm_cfg": {"type": "BN"},
    "align_corners": False,
}


def parser_network(head: str) -> torch.nn.Module:
    torch.manual_seed(0)
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
            "decode_head": {"type": f"mmseg.{head}", **HEAD},
        }
    )
    with torch.no_grad():  # batch norms as after training: not the identity
        for module in model.decode_head.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
                module.bias.normal_()
    return model.eval()


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (12, 8, 6, 3), dtype=np.uint8)
    return coarse.repeat(12, axis=1).repeat(16, axis=2)  # (12, 96, 96, 3)


@torch.no_grad()
def test_the_lean_head_gives_what_segformer_head_gives(pictures: Pictures) -> None:
    plain, lean = parser_network("SegformerHead"), parser_network("LeanSegformerHead")
    lean.load_state_dict(plain.state_dict())
    features = plain.backbone(Normalise([127] * 3, [128] * 3)(torch.from_numpy(pictures[:2])))
    torch.testing.assert_close(lean.decode_head(features), plain.decode_head(features), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_the_parser_graph_gives_the_networks_logits(pictures: Pictures) -> None:
    model = parser_network("SegformerHead")
    images = torch.from_numpy(pictures[:2])
    seen = model.data_preprocessor({"inputs": list(images.permute(0, 3, 1, 2))})["inputs"]
    expected = model(seen, mode="tensor")
    for graph in (ParserGraph(model), WholeParserGraph(model)):
        torch.testing.assert_close(graph(images), expected, atol=1e-3, rtol=1e-3)
    fed_bgr = model.data_preprocessor({"inputs": list(images.flip(3).permute(0, 3, 1, 2))})["inputs"]
    torch.testing.assert_close(ParserGraph(model, bgr=True).normalise(images), fed_bgr)


def test_the_parser_exports_and_quantises(pictures: Pictures, tmp_path: Path) -> None:
    graph = ParserGraph(parser_network("LeanSegformerHead"))
    fp32, int8 = tmp_path / "model.onnx", tmp_path / "model.int8.onnx"
    write_onnx(graph, fp32, "logits", 96, 96)
    assert parity(graph, fp32, pictures[:3]) < 1e-4
    write_int8(fp32, int8, pictures, in_float=(graph.last,))
    assert run(int8, pictures).shape == (12, 15, 24, 24)
    assert cosine(run(fp32, pictures), run(int8, pictures)) > 0.97
    assert int8.stat().st_size < 0.4 * fp32.stat().st_size


def test_the_embedder_exports_and_quantises(pictures: Pictures, tmp_path: Path) -> None:
    torch.manual_seed(0)
    graph = GarmentEmbedder(0.3)
    fp32, int8 = tmp_path / "model.onnx", tmp_path / "model.int8.onnx"
    write_onnx(graph, fp32, "embedding", 96, 96)
    assert parity(graph, fp32, pictures[:3]) < 1e-4
    write_int8(fp32, int8, pictures, in_float=("/heads/",))
    for file in (fp32, int8):
        assert np.linalg.norm(run(file, pictures), axis=1) == pytest.approx(1, abs=1e-5)
    assert cosine(run(fp32, pictures), run(int8, pictures)) > 0.97


def test_the_parser_in_half_precision_takes_half_the_room_and_says_the_same(pictures: Pictures, tmp_path: Path) -> None:
    fp32, fp16 = tmp_path / "model.onnx", tmp_path / "model.fp16.onnx"
    write_onnx(ParserGraph(parser_network("LeanSegformerHead")), fp32, "logits", 96, 96)
    write_fp16(fp32, fp16)
    expected = run(fp32, pictures)
    assert cosine(expected, run(fp16, pictures)) > cosine(expected, run_rounding(fp16, pictures)) > 0.999
    assert fp16.stat().st_size < 0.55 * fp32.stat().st_size
    (image,), (logits,) = open_session(fp16).get_inputs(), open_session(fp16).get_outputs()
    assert (image.type, logits.type) == ("tensor(uint8)", "tensor(float)")


def test_what_stays_in_float_is_not_rounded_on_the_way(pictures: Pictures, tmp_path: Path) -> None:
    torch.manual_seed(0)
    graph = GarmentEmbedder(0.3)
    torch.nn.init.normal_(graph.heads.instance.weight, std=30)  # squares sum to more than half precision holds
    fp32, fp16 = tmp_path / "model.onnx", tmp_path / "model.fp16.onnx"
    write_onnx(graph, fp32, "embedding", 96, 96)
    write_fp16(fp32, fp16, in_float=("/heads/",))
    vectors = run_rounding(fp16, pictures)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)
    assert cosine(run(fp32, pictures), vectors) > 0.999


def test_any_other_head_is_refused_by_the_lean_graph() -> None:
    model = parser_network("SegformerHead")
    assert fits_lean_graph(model)
    model.decode_head.align_corners = True
    assert not fits_lean_graph(model)
    with pytest.raises(TypeError, match="SegformerHead"):
        ParserGraph(model)
