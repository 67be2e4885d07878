"""What the segment service brings to its server."""

from collections.abc import Callable

import grpc

from clothing_retrieval.v1 import segment_service_pb2_grpc
from segment_service.segmenter import STAGE, Segmenter
from segment_service.servicer import SegmentServicer
from segment_service.settings import Settings
from serving.engine import Loaded
from serving.interceptor import anyone


class SegmentWorker:
    name = STAGE
    services: tuple[str, ...] = ("clothing_retrieval.v1.SegmentService",)
    admit = staticmethod(anyone)

    def __init__(self, settings: Settings, load: Callable[[], Loaded] | None = None) -> None:
        self._segmenter = Segmenter(settings, load)

    def register(self, server: grpc.aio.Server) -> None:
        segment_service_pb2_grpc.add_SegmentServiceServicer_to_server(SegmentServicer(self._segmenter), server)

    async def start(self) -> None:
        await self._segmenter.start()

    async def check(self) -> str | None:
        return await self._segmenter.runner.check()

    def needs_restart(self) -> bool:
        return True

    async def stop(self) -> None:
        await self._segmenter.stop()
