"""docker-compose.yml with --scale, without an engine: replicas come and go while searches run, and none fails."""

import asyncio
from pathlib import Path

import pytest

from tests.deployment import SERVICES
from tests.engines import write_embedder, write_parser
from tests.servers import channel_to, wait_for_health
from tests.wiring.containers import PORT, Container, engine
from tests.wiring.network import network
from tests.wiring.shopper import Shopper, shopping

SOME = 30


@pytest.mark.timeout(240)
async def test_a_new_replica_gets_calls_a_removed_one_none_and_no_search_fails(tmp_path: Path) -> None:
    write_parser(tmp_path / "models")
    write_embedder(tmp_path / "models")
    settings = {
        **{f"{name}_MODELS_DIR": str(tmp_path / "models") for name in ("SEGMENT", "EMBED")},
        "SEARCH_DATA_DIR": str(tmp_path / "index"),
        "GATEWAY_CACHE_BYTES": "0",  # every search goes all the way
    }
    async with network() as wire, engine(wire, tmp_path, **settings) as containers:
        first = {service: await containers.up(service) for service in SERVICES}
        async with channel_to(f"{first['gateway'].address}:{PORT}") as channel:
            await wait_for_health(channel, "SERVING", timeout_s=90)
            assert all([await container.healthy() for container in first.values()])
            async with shopping(channel) as shopper:
                # --scale segment=3 --scale embed=2
                added = [await containers.up(service) for service in ("segment", "segment", "embed")]
                for container in added:
                    await until_it_works(container, shopper)

                segment, other, _ = added
                segment.withdraw()
                await until_it_rests(segment, shopper)
                assert await moves(other, shopper)
                assert not await moves(segment, shopper)
                assert await segment.stop() == 0

                # an upgrade: the new one serves, the old one goes
                assert await first["embed"].stop() == 0
                first["embed"].withdraw()
                assert await other.stop() == 0
                other.withdraw()
                await shopper.answers(SOME)
                assert await moves(first["segment"], shopper)


async def until_it_works(container: Container, shopper: Shopper) -> None:
    async with asyncio.timeout(60):
        while not await container.healthy() or not await container.work_done():
            await shopper.answers(1)


async def until_it_rests(container: Container, shopper: Shopper) -> None:
    async with asyncio.timeout(30):
        while await moves(container, shopper):
            pass


async def moves(container: Container, shopper: Shopper) -> bool:
    """Whether it has its share of the next searches."""
    before = await container.work_done()
    await shopper.answers(SOME)
    return await container.work_done() > before
