import asyncio
import io
import threading
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from pathlib import Path, PosixPath

import grpc
import PIL.Image
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from clothing_retrieval import AsyncClient, errors
from clothing_retrieval.async_client import BROKEN_STREAM
from clothing_retrieval.catalog.entry import BadEntry, Entry
from clothing_retrieval.importer import READ_AT_ONCE, Importer, Patience, Report
from clothing_retrieval.photos import FilePhotos
from clothing_retrieval.v1.retrieval_service_pb2 import ImportItemsRequest, ImportItemsResponse
from clothing_retrieval.v1.types_pb2 import Item
from tests.fake_gateway import FakeGateway, picture, refusal, status

HASTE = Patience(attempts=4, first_wait_s=0.01, longest_wait_s=0.02)
AWAY = status(grpc.StatusCode.UNAVAILABLE, "search is restarting", reason="UNAVAILABLE", service="search")
BUSY = status(
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    "embed queue is full",
    error_details_pb2.RetryInfo(retry_delay=Duration(nanos=30_000_000)),
)


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    with FakeGateway() as gateway:
        yield gateway


@pytest.fixture
async def client(gateway: FakeGateway) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(gateway.target) as client:
        yield client


@pytest.fixture
def entries(tmp_path: Path) -> list[Entry | BadEntry]:
    (tmp_path / "picture.jpg").write_bytes(picture(size=(300, 200)))
    return [Entry(Item(id=f"{number:03}"), (tmp_path / "picture.jpg",)) for number in range(150)]


def sends(gateway: FakeGateway) -> dict[str, int]:
    counts: dict[str, int] = {}
    for request in gateway.requests:
        counts[request.item.id] = counts.get(request.item.id, 0) + 1
    return counts


async def test_items_are_imported_with_a_small_picture(
    gateway: FakeGateway, client: AsyncClient, entries: list[Entry | BadEntry]
) -> None:
    seen: list[int] = []
    report = await Importer(client, collection="shop", on_progress=lambda now: seen.append(now.settled)).run(entries)

    assert (report.created, report.complete, report.again) == (150, True, 0)
    assert seen[-1] == 150
    request: ImportItemsRequest = gateway.requests[0]
    assert request.collection == "shop"
    with PIL.Image.open(io.BytesIO(request.picture_jpeg)) as small:
        assert small.size == (256, 171)


async def test_running_it_again_changes_nothing(client: AsyncClient, entries: list[Entry | BadEntry]) -> None:
    await Importer(client).run(entries)
    report = await Importer(client).run(entries)
    assert (report.created, report.unchanged) == (0, 150)


async def test_a_picture_that_cannot_be_read_is_that_items_failure(
    gateway: FakeGateway, client: AsyncClient, entries: list[Entry | BadEntry], tmp_path: Path
) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    bad: list[Entry | BadEntry] = [
        Entry(Item(id="text"), (tmp_path / "text.jpg",)),
        Entry(Item(id="gone"), (tmp_path / "gone.jpg",)),
        BadEntry("row", "items.csv, line 3", "price 'x' is no amount of money"),
    ]
    report = await Importer(client).run([*bad, *entries])

    assert report.created == 150
    assert {(failure.id, failure.reason) for failure in report.failures} == {
        ("text", "INVALID_IMAGE"),
        ("gone", "UNREADABLE_FILE"),
        ("row", "BAD_ENTRY"),
    }
    assert not report.complete


async def test_an_id_that_comes_twice_is_a_failure(client: AsyncClient, entries: list[Entry | BadEntry]) -> None:
    report = await Importer(client).run([*entries, entries[0]])
    assert [(failure.id, failure.reason) for failure in report.failures] == [("000", "DUPLICATE_ID")]


async def test_a_refused_item_is_not_sent_again(
    gateway: FakeGateway, client: AsyncClient, entries: list[Entry | BadEntry]
) -> None:
    why = status(grpc.StatusCode.INVALID_ARGUMENT, "images[0]: too small", reason="INVALID_IMAGE")
    gateway.on_import = lambda request: refusal(request.item.id, why) if request.item.id == "007" else None
    report = await Importer(client, patience=HASTE).run(entries)
    assert [(failure.id, failure.code, failure.message) for failure in report.failures] == [
        ("007", "INVALID_ARGUMENT", "images[0]: too small")
    ]
    assert sends(gateway)["007"] == 1


@pytest.mark.parametrize("why", [AWAY, BUSY], ids=["away", "busy"])
async def test_an_item_is_sent_again_after_a_passing_error(
    gateway: FakeGateway, client: AsyncClient, entries: list[Entry | BadEntry], why: Status
) -> None:
    refused: set[str] = set()

    def once(request: ImportItemsRequest) -> ImportItemsResponse | None:
        if request.item.id in refused or int(request.item.id) % 3:
            return None
        refused.add(request.item.id)
        return refusal(request.item.id, why)

    gateway.on_import = once
    report = await Importer(client, patience=HASTE).run(entries)
    assert (report.created, report.again, report.complete) == (150, 50, True)


async def test_an_item_that_never_succeeds_fails_after_some_attempts(
    gateway: FakeGateway, client: AsyncClient, entries: list[Entry | BadEntry]
) -> None:
    gateway.on_import = lambda request: refusal("007", AWAY) if request.item.id == "007" else None
    report = await Importer(client, patience=HASTE).run(entries)
    assert [failure.message for failure in report.failures] == ["search is restarting (4 attempts)"]
    assert sends(gateway)["007"] == HASTE.attempts
    assert report.stopped is None


async def test_a_broken_stream_is_opened_again_and_goes_on(
    gateway: FakeGateway, client: AsyncClient, entries: list[Entry | BadEntry]
) -> None:
    broken = False

    def break_once(request: ImportItemsRequest) -> Status | None:
        nonlocal broken
        if request.item.id == "075" and not broken:
            broken = True
            return AWAY
        return None

    gateway.on_import = break_once
    report = await Importer(client, patience=HASTE).run(entries)
    assert (report.complete, report.settled) == (True, 150)
    assert set(gateway.items) == {f"{number:03}" for number in range(150)}


async def test_a_gateway_that_stays_away_stops_the_import(
    gateway: FakeGateway, client: AsyncClient, entries: list[Entry | BadEntry]
) -> None:
    gateway.stop()
    report = await Importer(client, patience=HASTE).run(entries)
    assert isinstance(report.stopped, errors.Unavailable)
    assert report.settled == 0


async def test_a_gateway_that_ends_each_stream_without_an_answer_stops_the_import(
    client: AsyncClient, entries: list[Entry | BadEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_answers(
        requests: AsyncGenerator[ImportItemsRequest, None], **_: object
    ) -> AsyncGenerator[ImportItemsResponse, None]:
        await anext(requests)
        for response in ():
            yield response

    monkeypatch.setattr(client, "import_items", no_answers)
    async with asyncio.timeout(30):
        report = await Importer(client, patience=HASTE).run(entries)
    assert "ended without an answer" in str(report.stopped)
    assert report.settled == 0


async def test_an_error_that_concerns_all_items_is_raised(
    gateway: FakeGateway, client: AsyncClient, entries: list[Entry | BadEntry]
) -> None:
    mismatch = status(grpc.StatusCode.FAILED_PRECONDITION, "another model", reason="MODEL_MISMATCH")
    gateway.on_import = lambda request: refusal(request.item.id, mismatch)
    with pytest.raises(errors.FailedPrecondition, match="another model"):
        await Importer(client).run(entries)
    assert len(gateway.requests) <= 65


async def test_little_is_read_ahead(gateway: FakeGateway, client: AsyncClient, entries: list[Entry | BadEntry]) -> None:
    taken = 0
    most = 0

    def source() -> Iterator[Entry | BadEntry]:
        nonlocal taken
        for entry in entries:
            taken += 1
            yield entry

    def watch(report: Report) -> None:
        nonlocal most
        most = max(most, taken - report.settled)

    await Importer(client, window=5, on_progress=watch).run(source())
    assert most <= 5 + READ_AT_ONCE + 1


class SlowPath(PosixPath):
    """A picture that is read only when ``may_go`` is set."""

    may_go = threading.Event()

    def read_bytes(self) -> bytes:
        assert self.may_go.wait(20)
        return super().read_bytes()


async def test_an_item_that_is_being_read_when_the_stream_breaks_is_not_lost(
    gateway: FakeGateway, client: AsyncClient, entries: list[Entry | BadEntry], tmp_path: Path
) -> None:
    slow = Entry(Item(id="slow"), (SlowPath(tmp_path / "picture.jpg"),))

    def break_first(request: ImportItemsRequest) -> Status | None:
        if len(gateway.requests) == 1:
            return AWAY
        SlowPath.may_go.set()
        return None

    gateway.on_import = break_first
    report = await Importer(client, patience=HASTE).run([entries[0], slow, entries[1]])
    assert (report.created, report.complete) == (3, True)


class SlowPhotos(FilePhotos):
    """Of "slow", only when ``may_go`` is set."""

    def __init__(self) -> None:
        self.may_go = threading.Event()
        self.reads: Counter[str] = Counter()

    async def read(self, entry: Entry) -> Sequence[bytes]:
        self.reads[entry.item.id] += 1
        if entry.item.id == "slow":
            await asyncio.to_thread(self.may_go.wait, 20)
        return await super().read(entry)


async def test_pictures_that_take_longer_than_streams_last_are_read_once_and_count_as_no_attempts(
    gateway: FakeGateway, client: AsyncClient, entries: list[Entry | BadEntry], tmp_path: Path
) -> None:
    photos = SlowPhotos()

    def break_often(request: ImportItemsRequest) -> Status | None:
        if len(gateway.requests) == 20:
            photos.may_go.set()
        return None if photos.may_go.is_set() or len(gateway.requests) % 2 else AWAY

    gateway.on_import = break_often
    slow = Entry(Item(id="slow"), (tmp_path / "picture.jpg",))
    report = await Importer(client, patience=HASTE, photos=photos, window=2).run([slow, *entries[:20]])
    assert (report.created, report.complete, photos.reads["slow"]) == (21, True, 1)


class KnownPhotos(FilePhotos):
    async def read(self, entry: Entry) -> None:  # type: ignore[override]
        """All is stored already."""


async def test_no_stream_is_opened_before_there_is_something_to_send(
    gateway: FakeGateway, client: AsyncClient, entries: list[Entry | BadEntry]
) -> None:
    report = await Importer(client, photos=KnownPhotos()).run(entries)
    assert (report.unchanged, gateway.metadata) == (150, [])


async def test_a_wait_for_the_gateway_is_told(
    gateway: FakeGateway, client: AsyncClient, entries: list[Entry | BadEntry]
) -> None:
    told: list[str] = []
    gateway.failures["ImportItems"].append(AWAY)
    importer = Importer(client, patience=HASTE, on_wait=lambda error, wait_s: told.append(str(error)))
    await importer.run(entries)
    assert told in (["search is restarting"], [BROKEN_STREAM])  # the second, where an item was on its way just then
