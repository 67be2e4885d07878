"""Liveness is not readiness: which of their troubles a restart ends."""

import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import gateway.settings
import search_service.settings
import segment_service.settings
from clothing_retrieval.v1 import segment_service_pb2, segment_service_pb2_grpc
from gateway.worker import GatewayWorker
from search_service.index import Index
from search_service.worker import SearchWorker
from segment_service.parser import load_parser
from segment_service.worker import SegmentWorker
from serving.engine import Engine, Loaded
from serving.health import LIVENESS
from serving.images import Raster
from tests.pictures import message, patched
from tests.servers import AT_ONCE, channel_to, free_port, health, serving, wait_for_health


class Hanging:
    """An engine that, once ``stuck``, comes back only when ``released``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.stuck = False
        self.released = threading.Event()

    def run(self, pictures: Raster) -> NDArray[np.float32]:
        if self.stuck:
            assert self.released.wait(60)
        return self._engine.run(pictures)


async def test_a_worker_whose_engine_hangs_gets_no_calls_and_is_to_be_restarted(known_models: Path) -> None:
    settings = segment_service.settings.Settings(**AT_ONCE, models_dir=str(known_models), instances=1, stall_s=0.2)
    loaded = load_parser(settings)
    engine = Hanging(loaded.engines[0])
    async with (
        serving(SegmentWorker(settings, lambda: Loaded(loaded.model, [engine])), settings) as address,
        channel_to(address) as channel,
    ):
        assert await health(channel, LIVENESS) == "SERVING"
        engine.stuck = True
        stub = segment_service_pb2_grpc.SegmentServiceStub(channel)
        call = stub.Segment(segment_service_pb2.SegmentRequest(image=message(patched(0))), timeout=30)
        await wait_for_health(channel, "NOT_SERVING", LIVENESS)
        assert await health(channel) == "NOT_SERVING"
        engine.released.set()
        await call
        await wait_for_health(channel, "SERVING", LIVENESS)
        assert await health(channel) == "SERVING"


async def test_a_gateway_whose_stages_are_away_is_unready_and_no_more() -> None:
    away = f"dns:///127.0.0.1:{free_port()}"
    targets = {"segment_target": away, "embed_target": away, "search_target": away}
    settings = gateway.settings.Settings(**AT_ONCE, **targets)
    async with serving(GatewayWorker(settings), settings) as address, channel_to(address) as channel:
        assert await health(channel) == "NOT_SERVING"
        assert await health(channel, LIVENESS) == "SERVING"


@pytest.mark.parametrize(("method", "liveness"), [("starting", "SERVING"), ("failure", "NOT_SERVING")])
async def test_an_index_that_still_builds_is_unready_and_one_that_stopped_writing_is_to_be_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, liveness: str
) -> None:
    monkeypatch.setattr(Index, method, lambda self: "so the test says")
    settings = search_service.settings.Settings(**AT_ONCE, data_dir=tmp_path)
    async with serving(SearchWorker(settings), settings) as address, channel_to(address) as channel:
        assert await health(channel) == "NOT_SERVING"
        assert await health(channel, LIVENESS) == liveness
