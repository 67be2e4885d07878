from pathlib import Path

import pytest
import torch

from export.embedder import GarmentEmbedder
from export.onnx_files import Pictures, run, write_onnx
from export.parser_graphs import ParserGraph
from export.released_weights import load_released_embedder, load_released_parser
from tests.export.networks import parser_network


@pytest.fixture
def released(pictures: Pictures, tmp_path: Path) -> Path:
    file = tmp_path / "model.onnx"
    write_onnx(ParserGraph(parser_network("StepwiseSegformerHead")), file, "logits", 96, 96)
    return file


@torch.no_grad()
def test_a_network_computes_what_its_release_does_in_training_too(released: Path, pictures: Pictures) -> None:
    network = parser_network("StepwiseSegformerHead", seed=1)
    load_released_parser(network, released, pictures)
    expected = torch.from_numpy(run(released, pictures))
    torch.testing.assert_close(ParserGraph(network)(torch.from_numpy(pictures)), expected, atol=1e-3, rtol=1e-3)
    seen = ParserGraph(network).normalise(torch.from_numpy(pictures))
    network.train()
    network.decode_head.dropout.eval()
    torch.testing.assert_close(network(seen, mode="tensor"), expected, atol=1e-2, rtol=1e-2)


def test_a_release_of_another_network_is_refused(released: Path, pictures: Pictures) -> None:
    network = parser_network("StepwiseSegformerHead", channels=16)
    with pytest.raises(ValueError, match="not those of the config's network"):
        load_released_parser(network, released, pictures)


@torch.no_grad()
def test_an_embedder_computes_what_its_release_does(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    torch.manual_seed(0)
    write_onnx(GarmentEmbedder(kind_share=0.3).eval(), file, "embedding", 224, 224)
    seen = torch.randint(0, 256, (2, 224, 224, 3), dtype=torch.uint8)
    expected = torch.from_numpy(run(file, seen.numpy()))
    torch.testing.assert_close(load_released_embedder(file, 0.3)(seen), expected, atol=1e-3, rtol=1e-3)


def test_a_parser_is_no_embedder(released: Path) -> None:
    with pytest.raises(ValueError, match="not of this project's garment embedder"):
        load_released_embedder(released, 0.3)
