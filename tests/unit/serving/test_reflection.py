from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.unit.serving.scripted import EMBED, RETRIEVAL, scripted


async def ask(channel: grpc.aio.Channel, **question: Any) -> reflection_pb2.ServerReflectionResponse:
    async def requests() -> AsyncIterator[Any]:
        yield reflection_pb2.ServerReflectionRequest(**question)

    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    return [response async for response in stub.ServerReflectionInfo(requests())][0]


def files(response: reflection_pb2.ServerReflectionResponse) -> dict[str, descriptor_pb2.FileDescriptorProto]:
    parsed = map(descriptor_pb2.FileDescriptorProto.FromString, response.file_descriptor_response.file_descriptor_proto)
    return {file.name: file for file in parsed}


async def test_it_lists_the_services_with_health_and_itself() -> None:
    async with scripted() as (_, channel):
        response = await ask(channel, list_services="")
    assert {service.name for service in response.list_services_response.service} == {
        EMBED,
        RETRIEVAL,
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


@pytest.mark.parametrize(
    "symbol",
    [
        RETRIEVAL,
        f"{RETRIEVAL}.Search",  # what ghz asks for
        f"{RETRIEVAL}.ImportItems",
        "clothing_retrieval.v1.SearchRequest",
    ],
)
async def test_it_finds_the_file_of_a_service_a_method_and_a_message(symbol: str) -> None:
    async with scripted() as (_, channel):
        found = files(await ask(channel, file_containing_symbol=symbol))
    (service,) = found["clothing_retrieval/v1/retrieval_service.proto"].service
    assert "Search" in {method.name for method in service.method}


@pytest.mark.parametrize("symbol", [f"{RETRIEVAL}.Tailor", "clothing_retrieval.v1.Tailor.Sew", "Sew", "", "."])
async def test_what_has_no_such_name_is_not_found(symbol: str) -> None:
    async with scripted() as (_, channel):
        response = await ask(channel, file_containing_symbol=symbol)
    assert response.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
