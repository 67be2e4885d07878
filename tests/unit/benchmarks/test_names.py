import struct

import grpc

from benchmarks.names import NAME, answer, names
from clothing_retrieval.v1 import embed_service_pb2, embed_service_pb2_grpc
from tests.servers import serving
from tests.unit.serving.scripted import ScriptedWorker, answer_nothing


def query(kind: int) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in NAME.split("."))
    return struct.pack("!HHHHHH", 4711, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)


def test_a_name_has_the_addresses_that_it_was_given() -> None:
    asked = query(kind=1)
    answered = answer(asked, ["127.0.0.1", "127.0.0.2"])
    assert struct.unpack_from("!HHHHHH", answered) == (4711, 0x8180, 1, 2, 0, 0)
    assert answered[12 : len(asked)] == asked[12:]
    assert answered[-4:] == bytes([127, 0, 0, 2])
    assert answered[-20:-16] == bytes([127, 0, 0, 1])


def test_a_name_has_no_ipv6_address() -> None:
    assert struct.unpack_from("!HHHHHH", answer(query(kind=28), ["127.0.0.1"]))[3] == 0


async def test_grpc_finds_a_server_by_such_a_name() -> None:
    async with serving(ScriptedWorker(answer_nothing)) as address, names() as dns:
        dns.addresses = ("127.0.0.1",)
        port = address.rpartition(":")[2]
        async with grpc.aio.insecure_channel(f"{dns.target}:{port}") as channel:
            stub = embed_service_pb2_grpc.EmbedServiceStub(channel)
            await stub.Embed(embed_service_pb2.EmbedRequest(), timeout=10)
