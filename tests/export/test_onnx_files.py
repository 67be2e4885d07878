"""Networks with random heads on small pictures: exported, quantised, compared."""

from pathlib import Path

import numpy as np
import pytest
import torch

from export.embedder import GarmentEmbedder
from export.graphs import Normalise
from export.onnx_files import Pictures, cosine, open_session, parity, run, write_fp16, write_int8, write_onnx
from export.parser_graphs import ParserGraph, WholeParserGraph, fits_lean_graph
from export.rounding import run_rounding
from tests.export.networks import parser_network


@torch.no_grad()
def test_the_stepwise_head_is_segformer_head_but_for_enlarging(pictures: Pictures) -> None:
    plain, stepwise = parser_network("SegformerHead"), parser_network("StepwiseSegformerHead")
    stepwise.load_state_dict(plain.state_dict())
    first, second, *smaller = plain.backbone(Normalise([127] * 3, [128] * 3)(torch.from_numpy(pictures[:2])))
    # A map that is the same all over stays so, by one step and by many.
    features = [first, second, *(small.mean(dim=(2, 3), keepdim=True).expand_as(small) for small in smaller)]
    torch.testing.assert_close(stepwise.decode_head(features), plain.decode_head(features), atol=1e-4, rtol=1e-4)


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
    graph = ParserGraph(parser_network("StepwiseSegformerHead"))
    fp32, int8 = tmp_path / "model.onnx", tmp_path / "model.int8.onnx"
    write_onnx(graph, fp32, "logits", 96, 96)
    assert parity(graph, fp32, pictures[:3]) < 1e-4
    write_int8(fp32, int8, pictures, in_float=graph.in_float)
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
    write_onnx(ParserGraph(parser_network("StepwiseSegformerHead")), fp32, "logits", 96, 96)
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
