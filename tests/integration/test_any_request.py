"""No request, however odd, is answered with a bug: only with an answer or an error that the caller can act on."""

import math
import random
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.rpc import code_pb2

from clothing_retrieval.v1 import catalog_service_pb2 as catalog_pb
from clothing_retrieval.v1 import embed_service_pb2, retrieval_service_pb2, search_service_pb2, segment_service_pb2
from clothing_retrieval.v1 import retrieval_service_pb2 as pb
from tests.pictures import encoded, noise, photo, striped
from tests.servers import details
from tests.stack import Stack, item

ROUNDS = 40
ALLOWED = ("INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION")
VALUES: dict[int, tuple[Any, ...]] = {
    FieldDescriptor.TYPE_STRING: (
        "", "default", "a", "item 1", "top", "category", "price", "attributes.colour", "x" * 200, "衣" * 40, "\0",
        "a b", "e" * 64, "%s%n", "../../etc", "' OR 1=1 --", "x" * 100_000,
    ),
    FieldDescriptor.TYPE_BYTES: (
        b"", b"text", encoded(striped("top", (0, 0, 0), 40)), encoded(noise(20, 20)), encoded(noise(1, 1)),
        encoded(photo(("bag", (0, 0, 40, 40)), size=(48, 48)), "JPEG"),
    ),
    FieldDescriptor.TYPE_BOOL: (False, True),
    FieldDescriptor.TYPE_ENUM: (0, 1, 2, 3, 99),
    FieldDescriptor.TYPE_INT32: (0, 1, -1, 5, 64, 100, 101, 512, 2**31 - 1, -(2**31)),
    FieldDescriptor.TYPE_INT64: (0, 1, -1, 2**63 - 1, -(2**63)),
    FieldDescriptor.TYPE_FLOAT: (0.0, 1.0, -1.0, 0.5, 1e-30, 1e30, math.nan, math.inf, -math.inf),
    FieldDescriptor.TYPE_DOUBLE: (0.0, -1.0, 0.5, 1e300, math.nan, math.inf),
}  # fmt: skip


def filled(message: Any, chance: random.Random, depth: int = 0) -> Any:
    """The message with most of its fields set, each to a value that someone might send."""
    for field in message.DESCRIPTOR.fields:
        if depth > 5 or chance.random() < 0.35:
            continue
        if field.message_type and field.message_type.GetOptions().map_entry:
            message_map = getattr(message, field.name)
            if field.message_type.fields_by_name["value"].type == FieldDescriptor.TYPE_STRING:
                message_map[chance.choice(VALUES[FieldDescriptor.TYPE_STRING])] = "a"
        elif field.is_repeated:
            values = getattr(message, field.name)
            for _ in range(chance.choice((1, 1, 1, 2, 3, 70))):
                if field.message_type:
                    filled(values.add(), chance, depth + 1)
                else:
                    values.append(chance.choice(VALUES[field.type]))
        elif field.message_type:
            getattr(message, field.name).SetInParent()
            filled(getattr(message, field.name), chance, depth + 1)
        else:
            setattr(message, field.name, chance.choice(VALUES[field.type]))
    if "collection" in message.DESCRIPTOR.fields_by_name and chance.random() < 0.6:
        message.collection = ""
    return message


STREAMED = "/clothing_retrieval.v1.RetrievalService/ImportItems"
SLOW = "/clothing_retrieval.v1.SearchService/CreateBackup"  # it has no fields, and writes a copy each time


def calls(stack: Stack) -> dict[str, tuple[Any, type[Message]]]:
    """Every RPC of every service but the one that streams, by its path: a method, and its request."""
    found: dict[str, tuple[Any, type[Message]]] = {}
    for module, stage in (
        (retrieval_service_pb2, "gateway"),
        (catalog_pb, "gateway"),
        (segment_service_pb2, "segment"),
        (embed_service_pb2, "embed"),
        (search_service_pb2, "search"),
    ):
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                path = f"/{service.full_name}/{method.name}"
                kind = message_factory.GetMessageClass(method.input_type)
                answer = message_factory.GetMessageClass(method.output_type)
                unary = stack.channels[stage].unary_unary(path, kind.SerializeToString, answer.FromString)
                found[path] = unary, kind
    assert found.pop(STREAMED)
    return found


def test_the_list_is_whole(stack: Stack) -> None:
    assert len(calls(stack)) == 20


@pytest.mark.parametrize("seed", range(3))
async def test_any_request_gets_an_answer_or_an_error_to_act_on(stack: Stack, seed: int) -> None:
    chance = random.Random(seed)
    await stack.load(*(item(f"item {number}", striped("top", (0, 0, 0), number * 10)) for number in range(8)))
    every = calls(stack)
    backup, request = every.pop(SLOW)
    assert (await backup(request())).name
    for method, kind in list(every.values()) * ROUNDS:
        request = filled(kind(), chance)
        try:
            await method(request, timeout=20)
        except grpc.aio.AioRpcError as error:
            assert error.code().name in ALLOWED, f"{kind.__name__}: {error.details()} {str(request)[:2000]}"
            assert "ErrorInfo" in details(error)
    shirt = striped("top", (0, 0, 0), 0)
    await stack.load(item("item 0", shirt, collection="after"))
    assert (await stack.find(shirt, collection="after")).results[0].matches


async def test_bytes_that_are_no_message_are_told_so_and_tell_nothing_of_the_inside(stack: Stack) -> None:
    chance = random.Random(0)
    for path in calls(stack):
        stage = {"SegmentService": "segment", "EmbedService": "embed", "SearchService": "search"}.get(
            path.split("/")[1].rpartition(".")[2], "gateway"
        )
        for data in (b"\xff", b"\x0a\xff\xff\xff\xff\x0f", chance.randbytes(1000)):
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await stack.channels[stage].unary_unary(path)(data, timeout=20)  # type: ignore[arg-type]
            assert seen.value.code() is grpc.StatusCode.INVALID_ARGUMENT, f"{path}: {seen.value}"
            assert "DecodeError" not in (seen.value.details() or "")


async def test_bytes_that_are_no_item_end_the_stream_after_the_answers_to_the_items_before(stack: Stack) -> None:
    requests = [item("a", striped("top", (0, 0, 0), 40)).SerializeToString(), b"\xff"]
    stream = stack.channels["gateway"].stream_stream(STREAMED)(iter(requests), timeout=20)  # type: ignore[arg-type]
    assert pb.ImportItemsResponse.FromString(await stream.read()).id == "a"  # type: ignore[arg-type]
    with pytest.raises(grpc.aio.AioRpcError) as seen:
        await stream.read()
    assert seen.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_any_item_is_answered_once_and_stored_or_refused(stack: Stack) -> None:
    chance = random.Random(0)
    requests = [filled(pb.ImportItemsRequest(), chance) for _ in range(400)]
    answers = [answer async for answer in stack.retrieval.ImportItems(iter(requests), timeout=60)]
    assert sorted(answer.id for answer in answers) == sorted(request.item.id for request in requests)
    codes = {code_pb2.Code.Name(answer.status.code) for answer in answers}
    assert codes <= {"OK", *ALLOWED}
    assert "OK" in codes
