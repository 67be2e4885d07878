"""Mutual TLS on every hop and API keys at the gateway, with real certificates and real files."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from clothing_retrieval import AsyncClient, errors
from clothing_retrieval.async_client import BROKEN_STREAM
from clothing_retrieval.calls import NewItem
from clothing_retrieval.cli import main
from clothing_retrieval.copying import Copied, SearchServer, copy_collection
from clothing_retrieval.v1.types_pb2 import Item
from gateway.keys import KeyFile, Right
from tests.certificates import Authority, exchange
from tests.pictures import encoded, striped
from tests.servers import channel_to, wait_for_health
from tests.stack import Stack, running

PICTURE = encoded(striped("top", (0, 0, 0), 40))
WORKERS = ("segment", "embed", "search")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "certificates")


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


@asynccontextmanager
async def secured(models: Path, data: Path, authority: Authority, **gateway: Any) -> AsyncIterator[Stack]:
    """Every service shows a certificate and asks for one. Connections live for half a second."""
    certificate, key = authority.issue("gateway-to-workers")
    to_workers = {"workers_ca": authority.file, "workers_certificate": certificate, "workers_key": key}
    settings: dict[str, Mapping[str, Any]] = {
        stage: {**authority.server(stage), "max_connection_age_s": 0.5} for stage in WORKERS
    }
    settings["gateway"] = authority.server("gateway") | to_workers | gateway
    async with running(models, data, **settings) as stack:
        yield stack


def client(stack: Stack, credentials: grpc.ChannelCredentials | None, api_key: str | None = None) -> AsyncClient:
    return AsyncClient(stack.servers["gateway"].address, api_key=api_key, credentials=credentials)


async def load(gateway: AsyncClient) -> None:
    answers = [answer async for answer in gateway.import_items([NewItem(Item(id="shirt"), [PICTURE])])]
    assert [answer.status.code for answer in answers] == [0]


async def found(gateway: AsyncClient) -> list[str]:
    response = await gateway.search(PICTURE, skip_cache=True)
    return [match.item.id for result in response.results for match in result.matches]


async def test_a_photo_goes_its_way_by_mutual_tls_on_every_hop(
    known_models: Path, tmp_path: Path, authority: Authority
) -> None:
    stranger = Authority(tmp_path / "others").client("stranger", trusting=authority.file)
    async with secured(known_models, tmp_path / "data", authority) as stack:
        async with client(stack, authority.client("caller")) as gateway:
            await gateway.wait_ready()
            await load(gateway)
            assert await found(gateway) == ["shirt"]
        for credentials in (None, authority.client(), stranger):
            async with client(stack, credentials) as gateway:
                with pytest.raises(errors.Unavailable):
                    await gateway.get_pipeline()


async def test_a_collection_is_copied_by_mutual_tls(known_models: Path, tmp_path: Path, authority: Authority) -> None:
    async with secured(known_models, tmp_path / "data", authority) as stack:
        async with client(stack, authority.client("caller")) as gateway:
            await load(gateway)

        def copy() -> Copied:
            with SearchServer(stack.servers["search"].address, authority.client("caller")) as server:
                return copy_collection(server, server, "default", "second")

        assert (await asyncio.to_thread(copy)).copied == 1


async def test_workers_take_no_calls_without_a_certificate(
    known_models: Path, tmp_path: Path, authority: Authority
) -> None:
    async with secured(known_models, tmp_path / "data", authority) as stack:
        for stage in WORKERS:
            async with grpc.aio.secure_channel(stack.servers[stage].address, authority.client()) as channel:
                with pytest.raises(grpc.aio.AioRpcError) as seen:
                    await wait_for_health(channel, "SERVING", timeout_s=2)
            assert seen.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


async def test_a_gateway_whose_certificate_no_worker_trusts_says_which_stage_is_missing(
    known_models: Path, tmp_path: Path, authority: Authority
) -> None:
    certificate, key = Authority(tmp_path / "others").issue("gateway")
    strange = {"workers_certificate": certificate, "workers_key": key}
    async with secured(known_models, tmp_path / "data", authority, **strange) as stack:
        async with client(stack, authority.client("caller")) as gateway:
            with pytest.raises(errors.Unavailable) as seen:
                await gateway.search(PICTURE, timeout_s=10)
        assert seen.value.service == "segment" or seen.value.metadata["stage"] in WORKERS


async def test_all_certificates_and_their_authority_are_exchanged_without_one_failed_search(
    known_models: Path, tmp_path: Path, authority: Authority
) -> None:
    next_authority = Authority(tmp_path / "next")
    old, new = authority.file.read_bytes(), next_authority.file.read_bytes()
    async with (
        secured(known_models, tmp_path / "data", authority) as stack,
        client(stack, authority.client("caller")) as gateway,
    ):
        await gateway.wait_ready()
        await load(gateway)
        for trusted, issuer in ((old + new, authority), (old + new, next_authority), (new, next_authority)):
            exchange(authority.file, trusted)
            for name in (*WORKERS, "gateway-to-workers"):
                for fresh in issuer.issue(name) if issuer is next_authority else ():
                    exchange(authority.file.parent / fresh.name, fresh.read_bytes())
            async with asyncio.timeout(30):
                await searched_over_new_connections(gateway)


async def searched_over_new_connections(gateway: AsyncClient) -> None:
    """Searches for three times as long as a connection to a worker lives."""
    until = asyncio.get_running_loop().time() + 1.5
    while asyncio.get_running_loop().time() < until:
        assert await found(gateway) == ["shirt"]


async def unless_broken(call: Callable[[], Awaitable[object]]) -> None:
    """Calls again where all that is known is that the stream broke: where it ends while an item is being sent, grpc.aio
    puts an error of its own in the place of the server's."""
    while True:
        try:
            await call()
            return
        except errors.Unavailable as error:
            if str(error) != BROKEN_STREAM:
                raise


async def test_keys_say_who_may_do_what(known_models: Path, tmp_path: Path, keys: KeyFile) -> None:
    manager, reader = keys.add("crawler", frozenset({Right.MANAGE})), keys.add("web", frozenset({Right.SEARCH}))
    async with running(known_models, tmp_path / "data", gateway={"keys_file": keys.path}) as stack:
        async with client(stack, None, manager) as gateway:
            await gateway.wait_ready()
            await load(gateway)
        async with client(stack, None, reader) as gateway:
            assert await found(gateway) == ["shirt"]
            changes = (lambda: gateway.delete_items(["shirt"]), lambda: gateway.delete_collection("default"))
            for change in (*changes, lambda: load(gateway)):
                with pytest.raises(errors.PermissionDenied, match="'web' has not the right 'manage'"):
                    await unless_broken(change)
            assert await found(gateway) == ["shirt"]
        for wrong in (None, "", reader[:-1]):
            async with client(stack, None, wrong) as gateway:
                await gateway.wait_ready()  # health tells nothing that needs a key
                for call in (lambda: found(gateway), lambda: gateway.list_collections(), lambda: load(gateway)):
                    with pytest.raises(errors.Unauthenticated):
                        await unless_broken(call)


async def test_who_may_not_call_is_refused_before_the_message_is_there(
    known_models: Path, tmp_path: Path, keys: KeyFile
) -> None:
    key = keys.add("web", frozenset({Right.SEARCH}), concurrent_calls=1)
    async with (
        running(known_models, tmp_path / "data", gateway={"keys_file": keys.path}) as stack,
        channel_to(stack.servers["gateway"].address) as channel,
        asyncio.timeout(30),
    ):
        search = channel.stream_unary("/clothing_retrieval.v1.RetrievalService/Search")  # and sends nothing
        assert await search().code() is grpc.StatusCode.UNAUTHENTICATED
        calls = [search(metadata=(("x-api-key", key),)) for _ in range(2)]
        done, waiting = await asyncio.wait(
            [asyncio.create_task(call.code()) for call in calls], return_when=asyncio.FIRST_COMPLETED
        )
        assert [task.result() for task in done] == [grpc.StatusCode.RESOURCE_EXHAUSTED]
        assert len(waiting) == 1
        for call in calls:
            call.cancel()


async def test_a_revoked_key_is_refused_and_a_new_one_let_in_while_the_gateway_runs(
    known_models: Path, tmp_path: Path, keys: KeyFile
) -> None:
    old = keys.add("old", frozenset({Right.SEARCH}))
    async with running(known_models, tmp_path / "data", gateway={"keys_file": keys.path}) as stack:
        async with client(stack, None, old) as gateway, asyncio.timeout(30):
            await gateway.wait_ready()
            await gateway.list_collections()
            keys.revoke("old")
            new = keys.add("new", frozenset({Right.SEARCH}))
            with pytest.raises(errors.Unauthenticated):
                while True:
                    await gateway.list_collections()
        async with client(stack, None, new) as gateway:
            await gateway.list_collections()


async def test_a_limit_of_calls_at_a_time_spares_the_other_keys(
    known_models: Path, tmp_path: Path, keys: KeyFile
) -> None:
    narrow = keys.add("narrow", frozenset({Right.SEARCH}), concurrent_calls=1)
    wide = keys.add("wide", frozenset({Right.SEARCH}))
    async with (
        running(known_models, tmp_path / "data", gateway={"keys_file": keys.path}) as stack,
        client(stack, None, narrow) as one,
        client(stack, None, wide) as other,
    ):
        await one.wait_ready()
        answers = await asyncio.gather(*(one.get_pipeline() for _ in range(20)), return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, errors.ResourceExhausted)]
        assert 1 <= len(refused) < len(answers)
        assert all(answer.reason == "LIMIT_REACHED" and answer.retry_after_s for answer in refused)
        assert not [a for a in answers if isinstance(a, Exception) and not isinstance(a, errors.ResourceExhausted)]
        await asyncio.gather(*(other.get_pipeline() for _ in range(20)))


async def test_the_command_line_calls_by_mutual_tls(
    known_models: Path, tmp_path: Path, authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    certificate, key = authority.issue("caller")
    options = [f"--tls-ca={authority.file}", f"--tls-certificate={certificate}", f"--tls-key={key}"]
    async with secured(known_models, tmp_path / "data", authority) as stack:
        address = stack.servers["gateway"].address
        async with client(stack, authority.client("waiting")) as gateway:
            await gateway.wait_ready()
            await load(gateway)
        for command in (["probe", address], ["collections", "list", "--target", address]):
            with pytest.raises(SystemExit) as left:
                await asyncio.to_thread(main, [*options, *command])
            assert left.value.code == 0
        with pytest.raises(SystemExit) as left:
            await asyncio.to_thread(main, ["probe", address])
        assert left.value.code == 1
    said = capsys.readouterr()
    assert "SERVING" in said.out
    assert "default" in said.out
    assert "does not answer" in said.err
