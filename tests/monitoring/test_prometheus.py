"""A real Prometheus watches the real services by the shipped configuration; rules and dashboard find what they name."""

import itertools
import json
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

from benchmarks.services import free_ports
from clothing_retrieval import AsyncClient, NewItem, errors
from clothing_retrieval.up import Options, Stack
from clothing_retrieval.v1.retrieval_service_pb2 import IMPORT_OUTCOME_CREATED
from clothing_retrieval.v1.search_service_pb2 import CreateCollectionRequest
from clothing_retrieval.v1.search_service_pb2_grpc import SearchServiceStub
from clothing_retrieval.v1.types_pb2 import Item
from tests.engines import DIMENSION, write_embedder, write_parser
from tests.monitoring.prometheus import Prometheus, Samples, labels, program, prometheus
from tests.pictures import encoded, patched
from tests.servers import REPOSITORY

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(program() is None, reason="no Prometheus here: `make test-monitoring` unpacks one"),
]
DEPLOY = REPOSITORY / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana/dashboards/clothing-retrieval.json").read_text())
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"] if panel["type"] != "row"}
JOBS = ("gateway", "segment", "embed", "search")
SEARCH = labels(job="gateway", method="/clothing_retrieval.v1.RetrievalService/Search")
SEARCHES = 'job="gateway", method=~".*/Search"'
OUTCOMES = ("created", "updated", "unchanged", "failed")
ROUNDS = 6
ITEMS = 2 + ROUNDS


@dataclass(frozen=True)
class Watched:
    stack: Stack
    prometheus: Prometheus


class Caller:
    """A round is an item and four searches: two of new photos, one of a photo that is known, one that fails."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._photos: Iterator[bytes] = (encoded(patched(number)) for number in itertools.count())
        self._known = next(self._photos)

    async def begin(self) -> None:
        await self._add()
        await self._client.search(self._known, collection="shop")

    async def round(self) -> None:
        await self._add()
        for photo in (next(self._photos), next(self._photos), self._known):
            await self._client.search(photo, collection="shop")
        with pytest.raises(errors.FailedPrecondition):
            await self._client.search(next(self._photos), collection="other")

    async def _add(self) -> None:
        photo = next(self._photos)
        item = NewItem(Item(id=sha256(photo).hexdigest()), [photo])
        (answer,) = [answer async for answer in self._client.import_items([item], collection="shop")]
        assert answer.outcome == IMPORT_OUTCOME_CREATED


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def watched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    """The four services after some rounds of calls, all but the first of which Prometheus has seen to come."""
    folder = tmp_path_factory.mktemp("watched")
    port = free_ports(1 + len(JOBS))
    with pytest.MonkeyPatch.context() as environment:
        for stage, write in (("SEGMENT", write_parser), ("EMBED", write_embedder)):
            write(folder / "models")
            environment.setenv(f"{stage}_MODELS_DIR", str(folder / "models"))
        stack = Stack(Options(folder / "data", port, port + 1), lambda service, line: print(service, line), print)
        async with stack, AsyncClient(stack.target) as client:
            await stack.ready()
            await make_collection_of_another_model(folder / "data")
            caller = Caller(client)
            await caller.begin()
            await caller.round()
            async with prometheus(configuration(folder, port + 1), folder / "prometheus") as started:
                await started.until("sum by (job) (up)", {labels(job=job): 1 for job in JOBS})
                for _ in range(ROUNDS):
                    await caller.round()
                await started.until(f"sum(clothing_rpc_calls_total{{{SEARCHES}}})", {labels(): 1 + 4 * (1 + ROUNDS)})
                yield Watched(stack, started)


async def make_collection_of_another_model(data_dir: Path) -> None:
    sockets = (data_dir / "up.lock").read_text().splitlines()[1]
    async with grpc.aio.insecure_channel(f"unix:{sockets}/search") as channel:
        request = CreateCollectionRequest(name="other", model_digest="f" * 64, dimension=DIMENSION)
        await SearchServiceStub(channel).CreateCollection(request, timeout=20)


def configuration(folder: Path, first_port: int) -> Path:
    """That for `up`, with other ports, and looking more often."""
    shutil.copy(DEPLOY / "prometheus/rules.yml", folder)
    text = re.sub(
        r"127\.0\.0\.1:910(\d)",
        lambda port: f"127.0.0.1:{first_port + int(port[1]) - 1}",
        (DEPLOY / "prometheus/local.yml").read_text(),
    )
    file = folder / "local.yml"
    file.write_text(text.replace("interval: 5s", "interval: 500ms"))
    return file


def at(stage: str) -> Samples:
    return {labels(stage=stage): 1.0}


async def test_every_call_is_counted(watched: Watched) -> None:
    await watched.prometheus.until(
        f"sum by (code) (clothing_rpc_calls_total{{{SEARCHES}}})",
        {labels(code="OK"): 1 + 3 * (1 + ROUNDS), labels(code="FAILED_PRECONDITION"): 1 + ROUNDS},
    )
    await watched.prometheus.until(
        "sum by (collection) (clothing_index_items)", {labels(collection="shop"): ITEMS, labels(collection="other"): 0}
    )
    await watched.prometheus.until(
        "sum by (outcome) (clothing_imported_items_total)",
        {labels(outcome=outcome): ITEMS * (outcome == "created") for outcome in OUTCOMES},
    )


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ("job_method:clothing_rpc_errors:ratio_rate5m{" + SEARCHES + "}", {SEARCH: 0.25}),
        ("job_method:clothing_rpc_refusals:ratio_rate5m{" + SEARCHES + "}", {SEARCH: 0.0}),
        ("job:clothing_cache_hits:ratio_rate5m", {labels(job="gateway"): 0.25}),
        ("stage:clothing_batch_size:mean_rate5m", {**at("segment"), **at("embed")}),
    ],
)
async def test_what_is_recorded_is_what_happened(watched: Watched, recorded: str, expected: Samples) -> None:
    await watched.prometheus.until(recorded, expected, tolerance=0.02)


async def test_recorded_times_and_shares_are_of_the_right_size(watched: Watched) -> None:
    async def count(expression: str, expected: int) -> None:
        await watched.prometheus.until(f"count({expression})", {labels(): expected})

    p50, p95, p99 = (f"job_method:clothing_rpc_seconds:{each}_rate5m{{{SEARCHES}}}" for each in ("p50", "p95", "p99"))
    await count(f"({p50} > 0) <= on () ({p95} <= on () {p99})", 1)
    await count("stage_priority:clothing_queue_seconds:p95_rate5m > 0", 4)
    await count("stage:clothing_engines_busy:ratio_rate5m > 0 < 1", 2)
    await count("job_instance:clothing_loop_lag_seconds:p99_rate5m > 0", len(JOBS))


@pytest.mark.parametrize("title", PANELS)
async def test_every_panel_of_the_dashboard_shows_something(watched: Watched, title: str) -> None:
    for target in PANELS[title]["targets"]:
        found = await watched.prometheus.some(target["expr"].replace("$__rate_interval", "1m"))
        told = {name for sample in found for name, _ in sample}
        assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= told


async def test_an_alert_is_raised_where_a_worker_hangs_and_taken_back_where_it_goes_on(watched: Watched) -> None:
    alert = 'count by (job) (ALERTS{alertname="ClothingNoReplicaServes"})'
    pid = watched.stack.pids["embed"]
    assert pid
    await watched.prometheus.until(alert, {})
    os.kill(pid, signal.SIGSTOP)
    try:
        await watched.prometheus.until(alert, {labels(job="embed"): 1, labels(job="gateway"): 1})
    finally:
        os.kill(pid, signal.SIGCONT)
    await watched.prometheus.until(alert, {})
    await watched.prometheus.until("sum by (job) (clothing_serving)", {labels(job=job): 1 for job in JOBS})
