"""The network between the gateway and its workers slowed, losing packets, and cut: in namespaces of their own."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from clothing_retrieval import AsyncClient, errors
from tests.engines import write_embedder, write_parser
from tests.namespaces import CUT, FINE, Cable, Weather, star
from tests.pictures import patched
from tests.replicas import calling, row
from tests.servers import process
from tests.stack import item

PORT = 50051
CALLS = 60


@asynccontextmanager
async def far_workers(folder: Path, cables: list[Cable]) -> AsyncIterator[str]:
    """A segment worker at the end of each cable, all else in the hub: the gateway's target."""
    write_parser(folder / "models")
    write_embedder(folder / "models")
    target = f"unix:{folder}/gateway"
    models = {"SEGMENT_MODELS_DIR": str(folder / "models"), "EMBED_MODELS_DIR": str(folder / "models")}
    stages = {
        "GATEWAY_SEGMENT_TARGET": f"ipv4:{','.join(f'{cable.address}:{PORT}' for cable in cables)}",
        "GATEWAY_EMBED_TARGET": f"unix:{folder}/embed",
        "GATEWAY_SEARCH_TARGET": f"unix:{folder}/search",
        "SEARCH_DATA_DIR": str(folder / "data"),
    }
    hub = cables[0].hub
    near = {"gateway": "gateway", "embed_service": "embed", "search_service": "search"}
    async with AsyncExitStack() as stack:
        for cable in cables:
            listen = {"SEGMENT_LISTEN": f"{cable.address}:{PORT}", "SEGMENT_PLAINTEXT": "true"}
            await stack.enter_async_context(process("segment_service", cable.namespace, **models, **listen))
        for module, name in near.items():
            listen = {f"{name.upper()}_LISTEN": f"unix:{folder}/{name}"}
            await stack.enter_async_context(process(module, hub, **models, **stages, **listen))
        async with AsyncClient(target) as client:
            await client.wait_ready(60)
            assert [answer.id async for answer in client.import_items([item("a", patched(0))])] == ["a"]
        yield target


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("fault", "weather"),
    [
        ("delayed by 100 ± 20 ms each way", Weather(delay_s=0.1, jitter_s=0.02)),
        ("losing 10% of packets each way", Weather(loss=0.1)),
        ("cut", CUT),
    ],
)
async def test_one_of_two_workers_behind_a_bad_network_fails_no_search(
    tmp_path: Path, fault: str, weather: Weather
) -> None:
    with star(2) as cables:
        async with far_workers(tmp_path, cables) as target, calling(target, 2) as callers:
            await callers.more(20)
            since = len(callers.calls)
            cables[0].weather = weather
            await callers.more(CALLS)
            longest_s = callers.longest_s(since)
            cables[0].weather = FINE
            await callers.more(20)
    assert [str(error) for error in callers.failures] == []
    assert weather.delay_s < longest_s < 9
    assert (cables[0].lost > 0) is (weather.loss > 0)
    row(f"network to one of two segment workers {fault}", f"no failure; the slowest search took {longest_s:.1f} s", "")


@pytest.mark.timeout(300)
async def test_where_the_network_to_all_workers_is_cut_searches_fail_under_the_stages_name_until_it_heals(
    tmp_path: Path,
) -> None:
    with star(1) as (cable,):
        async with (
            far_workers(tmp_path, [cable]) as target,
            AsyncClient(target) as client,
            calling(target, 2) as callers,
        ):
            await callers.more(20)
            cable.weather = CUT
            first = await callers.failed()
            await callers.failed()
            later = await callers.failed()
            importing = asyncio.create_task(anext(client.import_items([item("b", patched(1))])))
            await callers.failed()
            cable.weather = FINE
            healed = time.monotonic()
            await callers.more(1)
            recovered_s = time.monotonic() - healed
            assert (await importing).status.code == 0  # it waited
    assert first.took_s < 11
    for error in callers.failures:
        assert isinstance(error, errors.Unavailable | errors.DeadlineExceeded)
        assert error.metadata["stage"] == "segment"
    row(
        "network to the only segment worker cut",
        f"{callers.failures[0].code.name} (stage segment) after {first.took_s:.1f} s, "
        f"later after {later.took_s:.1f} s; imports wait",
        f"{recovered_s:.1f} s after it heals",
    )
