"""Real processes: a fake service under the real supervisor, and the real services under the real ``up``."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from clothing_retrieval import Client, NewItem, errors
from clothing_retrieval.up import Options, Stack, UpError
from clothing_retrieval.up.data_dir import owned
from clothing_retrieval.up.errors import CannotStart
from clothing_retrieval.up.liveness import LOOK_S
from clothing_retrieval.up.service import Service, ServiceSpec
from clothing_retrieval.up.stack import free_port
from clothing_retrieval.v1.retrieval_service_pb2 import IMPORT_OUTCOME_CREATED
from clothing_retrieval.v1.types_pb2 import Item
from tests.fake_gateway import picture


class Ear:
    """Hears what a service and its keeper say."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.said: asyncio.Queue[str] = asyncio.Queue()

    def log(self, service: str, line: str, /) -> None:
        self.lines.append(line)

    def say(self, line: str) -> None:
        self.said.put_nowait(line)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@contextlib.asynccontextmanager
async def running(
    mode: str, folder: Path, ear: Ear, look_s: float = LOOK_S
) -> AsyncIterator[tuple[Service, asyncio.Task[None]]]:
    listen = f"unix:{folder}/fake"
    spec = ServiceSpec("fake", "tests.fake_service", listen, {"FAKE_MODE": mode, "FAKE_LISTEN": listen})
    service = Service(spec, ear.log, ear.say, look_s=look_s)
    keeper = asyncio.create_task(service.keep_running())
    try:
        yield service, keeper
    finally:
        service.kill()
        await asyncio.gather(keeper, return_exceptions=True)


async def test_a_service_that_dies_is_started_again(tmp_path: Path, ear: Ear) -> None:
    async with running("well", tmp_path, ear) as (service, keeper):
        await asyncio.wait_for(service.healthy.wait(), 20)
        first = service.pid
        assert first
        os.kill(first, signal.SIGKILL)
        assert await asyncio.wait_for(ear.said.get(), 20) == "fake died (killed by SIGKILL): starting it again in 0.2 s"
        while ear.lines.count("serving") < 2:
            await asyncio.sleep(0.02)
        assert service.pid not in (None, first)
        await service.stop(10)
        await asyncio.wait_for(keeper, 10)
        assert service.pid is None


async def test_a_service_that_hangs_is_killed_and_started_again(tmp_path: Path, ear: Ear) -> None:
    async with running("well", tmp_path, ear, look_s=0.5) as (service, _):
        await asyncio.wait_for(service.healthy.wait(), 20)
        first = service.pid
        assert first
        os.kill(first, signal.SIGSTOP)
        assert await asyncio.wait_for(ear.said.get(), 30) == "fake hangs: killing it"
        assert "killed by SIGKILL" in await asyncio.wait_for(ear.said.get(), 20)
        while ear.lines.count("serving") < 2:
            await asyncio.sleep(0.02)
        assert service.pid not in (None, first)


async def test_a_service_that_never_becomes_healthy_is_given_up_with_its_last_words(tmp_path: Path, ear: Ear) -> None:
    async with running("crash", tmp_path, ear) as (_, keeper):
        with pytest.raises(CannotStart, match=r"fake cannot start \(exit code 3, 3 times\)") as caught:
            await asyncio.wait_for(keeper, 30)
        assert caught.value.last_lines[-1] == "no model in /models: train one first"


async def test_a_service_that_does_not_stop_is_killed(tmp_path: Path, ear: Ear) -> None:
    async with running("deaf", tmp_path, ear) as (service, keeper):
        await asyncio.wait_for(service.healthy.wait(), 20)
        await service.stop(0.1)
        await asyncio.wait_for(keeper, 10)
        assert "killing it" in await ear.said.get()


def test_a_data_folder_has_one_owner_and_leaves_no_sockets(tmp_path: Path) -> None:
    with owned(tmp_path) as sockets:
        assert sockets.is_dir()
        with pytest.raises(UpError, match=rf"in use by another `up` \(process {os.getpid()}\)"), owned(tmp_path):
            pass
    assert not sockets.exists()


def test_sockets_of_an_up_that_was_killed_are_removed_by_the_next(tmp_path: Path) -> None:
    with owned(tmp_path) as killed:
        left = (tmp_path / "up.lock").read_text()
    killed.mkdir()
    (tmp_path / "up.lock").write_text(left)
    with owned(tmp_path):
        assert not killed.exists()


async def test_a_taken_port_is_told(tmp_path: Path, ear: Ear) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UpError, match=f"port {port} is taken"):
            async with Stack(Options(tmp_path, port), ear.log, ear.say):
                pass


@pytest.fixture
def short_folder() -> Iterator[str]:
    """A temporary folder whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="up-") as folder:
        yield folder


@pytest.fixture
def command(tmp_path: Path, short_folder: str) -> Iterator[subprocess.Popen[str]]:
    """``clothing-retrieval up``, as soon as it has said that it is ready."""
    arguments = ["up", "--port", str(free_port()), "--data-dir", "data", "--log-dir", "logs"]
    program = "from clothing_retrieval.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": short_folder},
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("ready on 127.0.0.1:"), line
        yield process
        process.terminate()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until_gone(pids: list[int], timeout_s: float = 10) -> None:
    until = time.monotonic() + timeout_s
    while any(_is_running(pid) for pid in pids):
        assert time.monotonic() < until, f"still there: {[pid for pid in pids if _is_running(pid)]}"
        time.sleep(0.02)


def _is_running(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_up_answers_searches_and_leaves_nothing_behind(command: subprocess.Popen[str], tmp_path: Path) -> None:
    services = children(command.pid)
    sockets = Path((tmp_path / "data" / "up.lock").read_text().splitlines()[1])
    with Client(f"127.0.0.1:{_port(command)}") as client:
        pipeline = client.get_pipeline()
    assert pipeline.embed_model.dimension > 0
    assert len(services) == 4
    assert sockets.is_dir()

    command.send_signal(signal.SIGTERM)

    assert command.wait(20) == 0
    wait_until_gone(services)
    assert not sockets.exists()
    assert {path.name for path in (tmp_path / "logs").iterdir()} == {
        "segment.log",
        "embed.log",
        "search.log",
        "gateway.log",
    }


def test_services_do_not_outlive_an_up_that_was_killed(command: subprocess.Popen[str]) -> None:
    services = children(command.pid)
    assert len(services) == 4
    command.kill()
    command.wait(10)
    wait_until_gone(services)


def test_search_works_again_after_any_service_was_killed(command: subprocess.Popen[str]) -> None:
    with Client(f"127.0.0.1:{_port(command)}") as client:
        [answer] = client.import_items([NewItem(Item(id="a"), [photo := picture(size=(200, 200))])])
        assert answer.outcome == IMPORT_OUTCOME_CREATED
        for pid in children(command.pid):
            os.kill(pid, signal.SIGKILL)
            wait_until_gone([pid])
            assert searched(client, photo, timeout_s=30) == ["a"]


def searched(client: Client, photo: bytes, timeout_s: float) -> list[str]:
    """The ids that are found, as soon as a search succeeds."""
    until = time.monotonic() + timeout_s
    while True:
        try:
            return [match.item.id for match in client.search(photo, whole_image=True).results[0].matches]
        except errors.TransientError:
            assert time.monotonic() < until


def _port(command: subprocess.Popen[str]) -> str:
    arguments = command.args
    assert isinstance(arguments, list)
    return str(arguments[arguments.index("--port") + 1])
