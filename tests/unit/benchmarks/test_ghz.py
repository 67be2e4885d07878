"""The files that ghz is given, read as ghz reads them."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks.ghz.data import COLLECTION, imports, read_messages, searches, write_messages
from clothing_retrieval.v1 import retrieval_service_pb2
from clothing_retrieval.v1.retrieval_service_pb2 import ImportItemsRequest, SearchRequest
from serving.images import ImageLimits, decode_file

FOLDER = Path(__file__).resolve().parents[3] / "benchmarks" / "ghz"
CONFIGS = sorted(FOLDER.glob("*.json"))
KNOWN = {
    "proto", "protoset", "call", "cacert", "cert", "key", "count-errors", "skipTLS", "skipFirst", "cname", "authority",
    "insecure", "total", "async", "concurrency", "concurrency-schedule", "concurrency-start", "concurrency-end",
    "concurrency-step", "concurrency-step-duration", "concurrency-max-duration", "connections", "rps", "duration",
    "duration-stop", "max-duration", "timeout", "data", "data-file", "binary-file", "metadata", "metadata-file",
    "stream-interval", "stream-call-duration", "stream-call-count", "stream-dynamic-messages", "output", "format",
    "connect-timeout", "keepalive", "cpus", "import-paths", "name", "tags", "reflect-metadata", "debug", "host",
    "enable-compression", "load-schedule", "load-start", "load-end", "load-step", "load-step-duration",
    "load-max-duration", "lb-strategy", "max-recv-message-size", "max-send-message-size", "disable-template-functions",
    "disable-template-data",
}  # fmt: skip
"""The keys of Config in ghz's runner/config.go; it takes no notice of others."""
DURATIONS = ("duration", "timeout")


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    files = [tmp_path / "catalogue" / "dress" / f"{number}.jpg" for number in range(3)]
    files[0].parent.mkdir(parents=True)
    for number, file in enumerate(files):
        Image.new("RGB", (40, 60), (80 * number, 30, 30)).save(file)
    return files


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def test_each_message_stands_behind_its_length(tmp_path: Path, pictures: list[Path]) -> None:
    file = tmp_path / "search.bin"
    write_messages(file, searches(pictures))
    data, at, found = file.read_bytes(), 0, []
    while at < len(data):
        length, at = varint(data, at)
        found.append(SearchRequest.FromString(data[at : at + length]).image.encoded)
        at += length
    assert found == [picture.read_bytes() for picture in pictures]


def test_what_was_written_is_read_again(tmp_path: Path, pictures: list[Path]) -> None:
    file = tmp_path / "import.bin"
    write_messages(file, imports(tmp_path / "catalogue", most=2))
    found = list(read_messages(file, ImportItemsRequest))
    assert [message.collection for message in found] == [COLLECTION] * 2
    assert [message.item.category for message in found] == ["dress"] * 2
    assert [message.images[0].encoded for message in found] == [pictures[0].read_bytes(), pictures[1].read_bytes()]


def test_there_is_a_config_for_each_run() -> None:
    assert [config.stem for config in CONFIGS] == ["import", "latency", "overload", "smoke", "throughput"]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: str(config.stem))
def test_a_config_says_only_what_ghz_knows(config: Path) -> None:
    settings: dict[str, Any] = json.loads(config.read_text())
    assert set(settings) <= KNOWN
    assert all(re.fullmatch(r"\d+(s|m)", settings[key]) for key in DURATIONS if key in settings)
    assert settings["concurrency"] >= settings.get("connections", 1)
    assert settings.get("total", settings["concurrency"]) >= settings["concurrency"]
    service, _, method = settings["call"].rpartition(".")
    methods = retrieval_service_pb2.DESCRIPTOR.services_by_name["RetrievalService"].methods_by_name
    assert service == "clothing_retrieval.v1.RetrievalService"
    assert method in methods


def test_the_smoke_config_brings_a_picture_of_its_own() -> None:
    data = json.loads((FOLDER / "smoke.json").read_text())["data"]
    picture = decode_file(base64.b64decode(data["image"]["encoded"], validate=True), ImageLimits(), "image")
    assert picture.pixels.shape == (128, 96, 3)
