"""The mmseg engine on untrained networks, by the project's own config and by one as mmsegmentation ships them."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.registry import init_default_scope
from mmengine.runner import save_checkpoint
from mmseg.registry import MODELS

from clothing_retrieval.v1 import segment_service_pb2 as pb
from clothing_retrieval.v1 import segment_service_pb2_grpc
from export.drawn import drawn_photo
from export.export_parser import load_parser
from export.labels import GARMENTS, LABELS
from export.onnx_files import write_onnx
from export.parser_graphs import ParserGraph
from segment_service import parser
from segment_service.settings import Settings
from serving.engine import Loaded
from serving.images import Raster, letterbox
from serving.models import ModelError
from serving.onnx_engine import OnnxEngine
from tests.servers import channel_to, free_port, health, process, wait_for_health

CONFIGS = Path(__file__).parents[2] / "export" / "configs"
SIZE = (64, 48)
OWN = f"""
_base_ = ["{CONFIGS / "parser_base.py"}"]
model = dict(data_preprocessor=dict(size={SIZE}))
"""
SHIPPED = """
model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(
        type="SegDataPreProcessor", mean=[123.0, 116.0, 103.0], std=[58.0, 57.0, 56.0], bgr_to_rgb=True, size=(64, 48),
        test_cfg=dict(size_divisor=32),
    ),
    backbone=dict(
        type="ResNetV1c", depth=18, base_channels=8, num_stages=4, out_indices=(0, 1, 2, 3), strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4), norm_cfg=dict(type="SyncBN"), style="pytorch", contract_dilation=True,
    ),
    decode_head=dict(
        type="FCNHead", in_channels=64, in_index=3, channels=8, num_convs=1, concat_input=False, num_classes=3,
        norm_cfg=dict(type="SyncBN"), align_corners=False,
    ),
    test_cfg=dict(mode="whole"),
)
"""


def save(folder: Path, text: str, **changes: Any) -> Settings:
    """Writes a config, and a checkpoint of its untrained network as mmengine writes them."""
    (folder / "net.py").write_text(text)
    config = Config.fromfile(folder / "net.py")
    init_default_scope("mmseg")
    torch.manual_seed(0)
    network = MODELS.build(config.model)
    for module in network.decode_head.modules():  # as after training: not the identity
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    torch.nn.init.normal_(network.decode_head.conv_seg.weight, std=0.5)
    classes = LABELS if len(LABELS) == config.model.decode_head.num_classes else ("sky", "top", "coat")
    hub = {"log_scalars": {"train/loss": HistoryBuffer([1.0, 2.0], [1, 1])}, "runtime_info": {"iter": np.int64(2)}}
    checkpoint = {
        "meta": {"dataset_meta": {"classes": classes}, "iter": 2},
        "state_dict": network.state_dict(),
        "message_hub": hub,
    }
    save_checkpoint(checkpoint | changes, str(folder / "net.pth"))
    return settings(folder)


def settings(folder: Path, **changes: Any) -> Settings:
    files = {"config": str(folder / "net.py"), "checkpoint": str(folder / "net.pth")}
    return Settings(**{"engine": "mmseg", **files, **changes})


def load(chosen: Settings) -> Loaded:
    threads = torch.get_num_threads()
    try:
        return parser.load_parser(chosen)
    finally:
        torch.set_num_threads(threads)


def drawn(count: int) -> Raster:
    return np.stack([letterbox(drawn_photo(number, probe=False)[0], *SIZE)[0] for number in range(count)])


def test_it_gives_what_the_onnx_export_of_the_same_checkpoint_gives(tmp_path: Path) -> None:
    chosen = save(tmp_path, OWN)
    network = load_parser(Config.fromfile(chosen.config), Path(chosen.checkpoint))
    write_onnx(ParserGraph(network), tmp_path / "model.onnx", "logits", *SIZE)
    pictures = drawn(4)
    expected = OnnxEngine(tmp_path / "model.onnx", SIZE, "logits", "cpu", threads=1).run(pictures)
    got = load(chosen).engines[0].run(pictures)
    assert (got.shape, got.dtype) == ((4, 15, 16, 12), np.float32)
    difference = float(np.abs(got - expected).max() / np.abs(expected).max())
    print(f"largest difference to ONNX, relative to the logits: {difference:.1e}")
    assert expected.std() > 1e-2
    assert difference < 1e-3


def test_it_describes_what_it_serves(tmp_path: Path) -> None:
    served = load(save(tmp_path, OWN)).model
    manifest = served.manifest
    assert (manifest.name, manifest.version, tuple(manifest.labels)) == ("net", "net", LABELS)
    assert tuple(manifest.garments) == GARMENTS
    assert (manifest.input.height, manifest.input.width) == SIZE
    assert manifest.files["fp32"].sha256 == hashlib.sha256((tmp_path / "net.pth").read_bytes()).hexdigest()


def test_the_digest_is_of_config_and_checkpoint_wherever_they_lie(tmp_path: Path) -> None:
    first = load(save(tmp_path, SHIPPED)).model.digest
    (tmp_path / "there").mkdir()
    for name in ("net.py", "net.pth"):
        (tmp_path / "there" / name).write_bytes((tmp_path / name).read_bytes())
    assert load(settings(tmp_path / "there")).model.digest == first
    (tmp_path / "there" / "net.py").write_text(SHIPPED.replace("123.0", "124.0"))
    assert load(settings(tmp_path / "there")).model.digest != first


@torch.no_grad()
def test_a_config_as_mmsegmentation_ships_them_sees_rgb_by_its_own_mean_at_a_quarter_of_the_size(
    tmp_path: Path,
) -> None:
    chosen = save(tmp_path, SHIPPED)
    loaded = load(chosen)
    assert loaded.model.manifest.garments == ["top"]
    assert load(chosen.model_copy(update={"garments": "coat"})).model.manifest.garments == ["coat"]
    pictures = drawn(2)
    network = MODELS.build(Config.fromfile(chosen.config).model).eval()
    network.load_state_dict(torch.load(chosen.checkpoint, weights_only=False)["state_dict"])
    normal = (pictures.astype(np.float32) - (123, 116, 103)) / (58, 57, 56)
    at_eighth = network(torch.from_numpy(normal.transpose(0, 3, 1, 2)).float(), mode="tensor")
    expected = torch.nn.functional.interpolate(at_eighth, size=(16, 12), mode="bilinear")
    assert at_eighth.shape[2:] == (8, 6)
    np.testing.assert_allclose(loaded.engines[0].run(pictures), expected, atol=1e-4)


def test_a_pipeline_that_loads_bgr_without_turning_it_is_fed_bgr(tmp_path: Path) -> None:
    plain = SHIPPED.replace("bgr_to_rgb=True, ", "")
    pictures = drawn(1)
    rgb = load(save(tmp_path, plain)).engines[0].run(pictures)
    bgr = load(save(tmp_path, plain + 'test_pipeline = [dict(type="LoadImageFromFile")]\n')).engines[0].run(pictures)
    turned = load(save(tmp_path, plain)).engines[0].run(pictures[..., ::-1])
    assert np.abs(bgr - rgb).max() > 1e-3
    np.testing.assert_array_equal(bgr, turned)


def test_one_engine_has_all_cpus_unless_more_are_asked_for(tmp_path: Path) -> None:
    chosen = save(tmp_path, SHIPPED)
    assert len(load(chosen).engines) == 1
    assert len(load(chosen.model_copy(update={"instances": 3})).engines) == 3


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("model = ", r"SEGMENT_CONFIG: .*net\.py cannot be read"),
        ("x = 1", r"model\.data_preprocessor\.size is None: set it to \(height, width\)"),
        (SHIPPED.replace("size=(64, 48)", "size_divisor=32"), r"size is None: set it"),
        (SHIPPED.replace("FCNHead", "NoHead"), "SEGMENT_CONFIG: its model cannot be built: .*NoHead"),
        (
            SHIPPED.replace("channels=8, num_convs", "channels=4, num_convs"),
            "SEGMENT_CHECKPOINT: .* is not of the model",
        ),
    ],
)
def test_a_config_that_cannot_be_served_is_told(tmp_path: Path, text: str, problem: str) -> None:
    save(tmp_path, SHIPPED)
    (tmp_path / "net.py").write_text(text)
    with pytest.raises(ModelError, match=problem):
        load(settings(tmp_path))


class Stranger:
    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (HistoryBuffer.__init__, "__globals__")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"meta": {}}, r"SEGMENT_CHECKPOINT: .* meta\.dataset_meta\.classes"),
        ({"message_hub": Path("x")}, "holds more than mmengine stores"),
        ({"message_hub": Stranger()}, "'__init__' of .* is none that mmengine stores"),
    ],
)
def test_a_checkpoint_that_cannot_be_served_is_told(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        load(save(tmp_path, SHIPPED, **changes))


def test_other_files_are_no_checkpoints(tmp_path: Path) -> None:
    chosen = save(tmp_path, SHIPPED)
    torch.save({}, chosen.checkpoint)
    with pytest.raises(ModelError, match="has no state_dict"):
        load(chosen)
    Path(chosen.checkpoint).write_bytes(b"text")
    with pytest.raises(ModelError, match=r"SEGMENT_CHECKPOINT: .* cannot be read"):
        load(chosen)


def test_another_number_of_classes_than_the_head_has_is_told_by_the_first_run(tmp_path: Path) -> None:
    loaded = load(save(tmp_path, SHIPPED, meta={"dataset_meta": {"classes": ("sky", "top")}}))
    with pytest.raises(ModelError, match="no score for each of the checkpoint's 2 classes"):
        loaded.engines[0].run(drawn(1))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="SEGMENT_DEVICE=cuda: torch finds no CUDA device"):
        load(save(tmp_path, SHIPPED).model_copy(update={"device": "cuda"}))


async def test_a_service_answers_by_it_over_grpc(tmp_path: Path) -> None:
    save(tmp_path, OWN)
    address = f"127.0.0.1:{free_port()}"
    environment = {
        "SEGMENT_ENGINE": "mmseg",
        "SEGMENT_CONFIG": str(tmp_path / "net.py"),
        "SEGMENT_CHECKPOINT": str(tmp_path / "net.pth"),
        "SEGMENT_LISTEN": address,
        "SEGMENT_MIN_CONFIDENCE": "0",
        "SEGMENT_MIN_AREA": "0",
    }
    async with process("segment_service", **environment), channel_to(address) as channel:
        await wait_for_health(channel, "SERVING", timeout_s=60)
        stub = segment_service_pb2_grpc.SegmentServiceStub(channel)
        model = (await stub.GetSegmentModel(pb.GetSegmentModelRequest())).model
        photo, _ = drawn_photo(0, probe=False)
        request = pb.SegmentRequest(cutout_size=32, include_masks=True)
        request.image.pixels.width, request.image.pixels.height = photo.shape[1], photo.shape[0]
        request.image.pixels.rgb = photo.tobytes()
        response = await stub.Segment(request)
        assert await health(channel) == "SERVING"
    assert (model.name, model.version, model.device, tuple(model.categories)) == ("net", "net", "cpu", GARMENTS)
    assert response.model_digest == model.digest != load(settings(tmp_path)).model.digest
    assert (response.image_height, response.image_width) == photo.shape[:2]
    assert {garment.category for garment in response.garments} <= set(GARMENTS)
    assert response.garments
