"""One network with its packaged weights, one with random ones: no weights are fetched here."""

from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from clothing_retrieval.catalog.boutique import draw_item
from clothing_retrieval.v1 import embed_service_pb2, embed_service_pb2_grpc, types_pb2
from embed_service.settings import Settings
from embed_service.worker import EmbedWorker
from export.__main__ import app
from export.backbone import LITES, Backbone
from export.graphs import FeaturesGraph
from export.imagenet import backbone_names, calibration_pictures, export_backbone, load_backbone
from export.model_folder import FP32
from export.onnx_files import Pictures, parity, run
from serving.models import load_model
from serving.verification import verify
from tests.servers import AT_ONCE, channel_to, serving

BACKBONES = {"efficientnet-lite2": (1280, 260), "torchvision:resnet18": (512, 224)}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six drawn photos, in folders of any name and in none. Of noise, int8 would stray too far."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "anything").mkdir()
    for number in range(6):
        draw_item(number).save(folder / ("anything" if number % 2 else "") / f"{number}.png")
    return folder


@pytest.fixture(scope="module", params=BACKBONES)
def exported(request: pytest.FixtureRequest, shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``models/<backbone>/1``."""
    folder: Path = tmp_path_factory.mktemp("models") / request.param / "1"
    backbone = load(request.param)
    export_backbone(backbone, request.param in LITES, calibration_pictures(shop, backbone.side), folder)
    return folder


def load(name: str) -> Backbone:
    """The same each time. A lite with random weights would leave half precision's range."""
    torch.manual_seed(0)
    return load_backbone(name, pretrained=name in LITES)


@pytest.fixture
def pictures(exported: Path, shop: Path) -> Pictures:
    return calibration_pictures(shop, BACKBONES[exported.parent.name][1])


def test_the_file_gives_the_networks_features_at_unit_length(exported: Path, pictures: Pictures) -> None:
    graph = FeaturesGraph(load(exported.parent.name))
    assert parity(graph, exported / FP32, pictures) < 1e-4
    with torch.no_grad():
        features = graph.backbone(graph.normalise(torch.from_numpy(pictures))).numpy()
    vectors = run(exported / FP32, pictures)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(features / np.linalg.norm(features, axis=1, keepdims=True), vectors, atol=1e-4)


def test_a_picture_has_the_same_vector_alone_and_among_others(exported: Path, pictures: Pictures) -> None:
    alone = run(exported / FP32, pictures[:3], batch=1)
    np.testing.assert_allclose(run(exported / FP32, pictures[:3], batch=3), alone, atol=1e-5)


def test_the_folder_is_one_that_is_served_and_verified(exported: Path) -> None:
    dimension, side = BACKBONES[exported.parent.name]
    for precision in ("fp32", "fp16", "int8"):
        served = load_model(exported.parents[1], exported.parent.name, "embed", precision, "cpu")
        assert (served.manifest.dimension, served.manifest.input.height) == (dimension, side)
    assert served.manifest.license == ("Apache-2.0" if exported.parent.name in LITES else "BSD-3-Clause")
    assert served.manifest.data[0].startswith(
        "ImageNet-1k" if exported.parent.name in LITES else "none: random weights"
    )
    assert not [problem for problem in verify(exported).problems if "int8" not in problem]
    assert "python -m export embed --backbone" in (exported / "README.md").read_text()


async def test_the_embed_service_serves_any_dimension(exported: Path, pictures: Pictures) -> None:
    dimension, side = BACKBONES[exported.parent.name]
    settings = Settings(models_dir=str(exported.parents[1]), model=exported.parent.name, precision="fp32", **AT_ONCE)
    pixels = types_pb2.Pixels(width=side, height=side, rgb=pictures[0].tobytes())
    async with serving(EmbedWorker(settings)) as address, channel_to(address) as channel:
        stub = embed_service_pb2_grpc.EmbedServiceStub(channel)
        model = (await stub.GetEmbedModel(embed_service_pb2.GetEmbedModelRequest())).model
        answer = await stub.Embed(embed_service_pb2.EmbedRequest(images=[types_pb2.Image(pixels=pixels)]))
    assert (model.dimension, model.input_size) == (dimension, side)
    np.testing.assert_allclose(answer.embeddings[0].values, run(exported / FP32, pictures[:1])[0], atol=1e-5)


def test_a_classifier_inside_a_sequence_is_taken_off_too() -> None:
    backbone = load_backbone("torchvision:mobilenet_v3_small", pretrained=False)
    with torch.no_grad():
        features = backbone.network.eval()(torch.zeros(1, 3, backbone.side, backbone.side))
    assert features.shape == (1, backbone.features) == (1, 1024)
    assert backbone.mean == pytest.approx([123.675, 116.28, 103.53])


def test_an_unknown_backbone_is_told_those_there_are(shop: Path, tmp_path: Path) -> None:
    names = backbone_names()
    assert {"efficientnet-lite0", "torchvision:resnet50", "torchvision:mobilenet_v3_large"} < set(names)
    assert "torchvision:squeezenet1_0" not in names  # it has no linear layer to take off
    with pytest.raises(
        ValueError, match="'resnet50' is no backbone; there are efficientnet-lite0, efficientnet-lite2, "
    ):
        load_backbone("resnet50")
    options = ["--backbone", "resnet50", "--shop", str(shop), "--out", str(tmp_path)]
    result = CliRunner().invoke(app, ["embed", *options])
    assert result.exit_code == 2
    assert "torchvision:alexnet" in result.output
