"""Stages that answer with garbage: callers are told which is broken, no request is blamed, and nothing breaks."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.rpc import code_pb2

from clothing_retrieval.v1 import embed_service_pb2, search_service_pb2, segment_service_pb2, types_pb2
from clothing_retrieval.v1 import retrieval_service_pb2 as pb
from gateway.answers import check_garments
from gateway.settings import Settings
from gateway.worker import GatewayWorker
from serving.channels import MAX_MESSAGE_BYTES
from serving.errors import BadAnswer
from serving.interceptor import anyone
from tests.servers import AT_ONCE, channel_to, details, serving
from tests.stack import item
from tests.unit.gateway.fake_stages import SIZE, Gateway, direction, gateway

SEARCH = pb.SearchRequest(image=types_pb2.Image(encoded=b"a photo"))
RIGHT = SIZE * SIZE * 3


def cutout(width: int, height: int, size_bytes: int) -> Any:
    pixels = types_pb2.Pixels(width=width, height=height, rgb=bytes(size_bytes))
    return segment_service_pb2.SegmentResponse(garments=[types_pb2.Garment(category="top", cutout=pixels)])


def vectors(*values: list[float]) -> Any:
    return embed_service_pb2.EmbedResponse(
        embeddings=[types_pb2.Embedding(values=each) for each in values], model_digest="e" * 64
    )


GARBAGE = {
    "a cutout of another size": ("Segment", cutout(3, 3, 27)),
    "a cutout that is not square": ("Segment", cutout(SIZE, 2 * SIZE, 2 * RIGHT)),
    "a cutout of no height": ("Segment", cutout(SIZE, 0, 0)),
    "a cutout of too few bytes": ("Segment", cutout(SIZE, SIZE, RIGHT - 1)),
    "a cutout of an impossible size": ("Segment", cutout(-SIZE, -SIZE, RIGHT)),
    "no cutout": ("Segment", segment_service_pb2.SegmentResponse(garments=[types_pb2.Garment(category="top")])),
    "a message beyond the limit": ("Segment", cutout(SIZE, SIZE, MAX_MESSAGE_BYTES - 100)),
    "no embedding": ("Embed", vectors()),
    "too many embeddings": ("Embed", vectors(direction(0), direction(1), direction(2))),
    "an embedding of another dimension": ("Embed", vectors([1.0, 0.0, 0.0])),
    "an empty embedding": ("Embed", vectors([])),
    "NaN": ("Embed", vectors([math.nan, 0.0])),
    "infinity": ("Embed", vectors([math.inf, 0.0])),
    "an embedding that is not of length 1": ("Embed", vectors([0.0, 0.0])),
    "no results": ("Query", search_service_pb2.QueryResponse()),
    "too many results": ("Query", search_service_pb2.QueryResponse(results=[search_service_pb2.ProbeMatches()] * 9)),
}
STAGES = {"Segment": "segment", "Embed": "embed", "Query": "search"}


def test_a_cutout_may_be_narrower_where_it_may_be_trimmed() -> None:
    asked = segment_service_pb2.SegmentRequest(cutout_size=SIZE, trim_cutouts=True)
    for width, height in ((SIZE, 1), (1, SIZE), (SIZE, SIZE)):
        check_garments(cutout(width, height, 3 * width * height), asked)
    asked.trim_cutouts = False
    with pytest.raises(BadAnswer):
        check_garments(cutout(SIZE, 1, 3 * SIZE), asked)


def answers(garbage: Any) -> Any:
    async def answer(request: Any) -> Any:
        return garbage

    return answer


async def failure(front: Gateway) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as seen:
        await front.retrieval.Search(SEARCH, timeout=20)
    return seen.value


@pytest.mark.parametrize("name", GARBAGE)
async def test_a_stage_that_answers_with_garbage_is_named_and_the_gateway_goes_on(name: str) -> None:
    method, garbage = GARBAGE[name]
    async with gateway(cache_bytes=0) as front:
        await front.retrieval.Search(SEARCH)
        usual = front.stages.on
        front.stages.on = {method: answers(garbage)}
        error = await failure(front)
        front.stages.on = usual
        await front.retrieval.Search(SEARCH)
    assert error.code() is grpc.StatusCode.UNAVAILABLE, error.details()
    info: Any = details(error)["ErrorInfo"]
    assert (info.reason, info.metadata["service"]) == ("BAD_ANSWER", STAGES[method])
    assert (error.details() or "").startswith(f"{STAGES[method]} is broken: it answered with ")


async def test_garbage_around_an_item_is_not_kept() -> None:
    async with gateway() as front:
        front.stages.on["Query"] = answers(search_service_pb2.QueryResponse())
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await front.retrieval.SearchByItem(pb.SearchByItemRequest(id="a"))
    assert seen.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("name", ["a cutout of another size", "NaN", "no embedding"])
async def test_an_import_waits_for_a_sound_answer_and_stores_nothing_of_the_garbage(name: str) -> None:
    method, garbage = GARBAGE[name]
    async with gateway() as front:
        times = 0

        async def garbage_twice(request: Any) -> Any:
            nonlocal times
            times += 1
            return garbage if times <= 2 else None

        front.stages.on[method] = garbage_twice
        (answer,) = [each async for each in front.retrieval.ImportItems(iter([item("a", b"a")]), timeout=30)]
        assert answer.outcome == pb.IMPORT_OUTCOME_CREATED
        assert times == 3


async def test_an_import_whose_stage_stays_broken_is_told_why() -> None:
    async with gateway(import_item_timeout_s=0.5) as front:
        front.stages.on["Embed"] = answers(vectors([math.nan, 0.0]))
        (answer,) = [each async for each in front.retrieval.ImportItems(iter([item("a", b"a")]), timeout=30)]
        assert answer.status.code == code_pb2.UNAVAILABLE
        assert answer.status.message == "embed is broken: it answered with an embedding of length nan, not 1"
        assert front.stages.calls["UpsertItems"] == 0


async def test_an_embedder_without_a_size_is_not_ready() -> None:
    async with gateway() as front:
        front.stages.on["GetEmbedModel"] = answers(
            embed_service_pb2.GetEmbedModelResponse(model=types_pb2.Model(digest="e" * 64))
        )
        with pytest.raises(grpc.aio.AioRpcError, match="embed is broken") as seen:
            await front.retrieval.GetPipeline(pb.GetPipelineRequest())
        assert seen.value.code() is grpc.StatusCode.UNAVAILABLE


class Babbling:
    """Stages whose every answer is bytes that are no message, and whose errors are no statuses."""

    name = "stages"
    services: tuple[str, ...] = ("clothing_retrieval.v1.SegmentService",)
    admit = staticmethod(anyone)

    def __init__(self) -> None:
        self.fails = False

    def register(self, server: grpc.aio.Server) -> None:
        babbling = self

        async def babble(request: bytes, context: Any) -> bytes:
            if babbling.fails:
                trailing = (("grpc-status-details-bin", b"\xff\xff\xff"),)
                await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no", trailing)
            return b"\xff\xff\xff"

        class Handler(grpc.GenericRpcHandler):
            def service(self, details: grpc.HandlerCallDetails) -> Any:
                return grpc.unary_unary_rpc_method_handler(babble)  # type: ignore[arg-type]

        server.add_generic_rpc_handlers((Handler(),))

    async def start(self) -> None: ...

    def needs_restart(self) -> bool:
        return False

    async def check(self) -> str | None:
        return None

    async def stop(self) -> None: ...


@asynccontextmanager
async def babbled() -> AsyncIterator[tuple[Babbling, Any]]:
    stages = Babbling()
    async with serving(stages) as address:
        targets = {f"{stage}_target": f"dns:///{address}" for stage in ("segment", "embed", "search")}
        worker = GatewayWorker(Settings(**AT_ONCE, **targets))
        async with serving(worker) as front, channel_to(front) as channel:
            yield stages, Gateway(stages, channel)  # type: ignore[arg-type]


async def test_bytes_that_are_no_message_are_a_broken_stage() -> None:
    async with babbled() as (stages, front):
        error = await failure(front)
        assert error.code() is grpc.StatusCode.UNAVAILABLE, error.details()
        assert "is broken: it answered with a message that cannot be read" in (error.details() or "")
        stages.fails = True
        error = await failure(front)
        assert error.code() is grpc.StatusCode.FAILED_PRECONDITION, error.details()
        assert details(error)["ErrorInfo"].reason == "FAILED_PRECONDITION"  # type: ignore[attr-defined]
