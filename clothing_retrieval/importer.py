"""A catalogue into a gateway: every item is answered for, whatever breaks on the way."""

import asyncio
import contextlib
import itertools
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from clothing_retrieval import calls, errors
from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.calls import NewItem
from clothing_retrieval.catalog.entry import BadEntry, CatalogueError, Entry
from clothing_retrieval.photos import BadPicture, FilePhotos, Photos
from clothing_retrieval.pictures import UnreadablePicture, thumbnail
from clothing_retrieval.v1.retrieval_service_pb2 import ImportItemsRequest, ImportItemsResponse, ImportOutcome

_CONCERNS_ALL = (errors.FailedPrecondition, errors.Unauthenticated, errors.PermissionDenied, errors.Unimplemented)

READ_AT_ONCE = 16
"""Entries, where the source has them ready."""
_READ_FOR_S = 0.02
_PREPARED_AT_ONCE = 8


@dataclass(frozen=True)
class Failure:
    """Why an item was not stored."""

    id: str
    source: str
    code: str
    reason: str
    message: str


@dataclass
class Report:
    """What became of the items."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failures: list[Failure] = field(default_factory=list)
    again: int = 0
    """Items that were sent once more after a passing error, counted each time."""
    stopped: errors.RetrievalError | None = None
    """Why the import ended before the source did."""
    unread: str = ""
    """Why the source could not be read to its end."""

    @property
    def settled(self) -> int:
        return self.created + self.updated + self.unchanged + len(self.failures)

    @property
    def complete(self) -> bool:
        return not self.failures and not self.unread and self.stopped is None


@dataclass(frozen=True)
class Patience:
    """How long passing errors are borne: about 45 s of an absent gateway."""

    attempts: int = 9
    """For each item."""
    first_wait_s: float = 0.5
    longest_wait_s: float = 10.0
    idle_s: float = 180.0
    """A stream that answers nothing for so long is given up and opened anew."""

    def wait_s(self, attempts: int) -> float:
        """Before the next attempt: doubles each time, and is spread so that importers do not come back at once."""
        return min(self.longest_wait_s, self.first_wait_s * 2.0 ** (attempts - 1)) * random.uniform(0.8, 1.0)


@dataclass
class _Job:
    entry: Entry
    attempts: int = 0
    prepared: asyncio.Task[ImportItemsRequest | None] | None = None
    """Until it is sent: a host's pictures may take longer than a stream lasts."""
    sent: bool = False
    """In the stream that is open."""


class Importer:
    """Imports items over one stream at a time. An item is sent again after a passing error, alone or with its stream.

    At most ``window`` items are read and not answered, and a picture is read when its item is sent: memory does not
    grow with the catalogue, but for the ids.
    """

    def __init__(
        self,
        client: AsyncClient,
        *,
        collection: str = "",
        whole_image: bool = False,
        patience: Patience | None = None,
        window: int = 64,
        photos: Photos | None = None,
        report: Report | None = None,
        on_progress: Callable[[Report], None] = lambda report: None,
        on_wait: Callable[[errors.RetrievalError, float], None] = lambda error, wait_s: None,
    ) -> None:
        """
        Args:
            photos: reads the pictures of items; by default from files.
            report: where to note what becomes of the items; by default a new one.
            window: how many items may be sent and not answered.
            on_wait: is told why a stream broke, and in how many seconds the next one is opened.
        """
        self._client = client
        self._collection = collection
        self._whole_image = whole_image
        self._patience = patience or Patience()
        self._window = window
        self._on_progress = on_progress
        self._on_wait = on_wait
        self.report = report or Report()
        self._photos = photos or FilePhotos()
        self._source: asyncio.Queue[_Job | None] = asyncio.Queue(1)
        self._source_ended = False
        self._waiting: deque[_Job] = deque()
        self._sent: dict[str, _Job] = {}
        self._again: deque[_Job] = deque()
        self._slots = asyncio.Semaphore(window)
        self._least_wait_s = 0.0

    async def run(self, entries: Iterable[Entry | BadEntry]) -> Report:
        """Imports all that ``entries`` yields; it is iterated in a thread, as it may wait for a network.

        Raises:
            RetrievalError: one that stands in the way of every item, such as a missing right. ``report`` has what was
                done before.
        """
        reading = asyncio.create_task(self._read_source(iter(entries)))
        fruitless = 0
        try:
            while await self._more():
                broken, answered = await self._stream()
                fruitless = fruitless + 1 if broken and not answered else 0
                self._waiting.extendleft(reversed(self._again))
                self._again.clear()
                if fruitless >= self._patience.attempts:
                    self.report.stopped = broken
                    return self.report
                if attempts := max((fruitless, *(job.attempts for job in self._waiting))):
                    wait_s = max(self._patience.wait_s(attempts), self._least_wait_s)
                    if broken:
                        self._on_wait(broken, wait_s)
                    await asyncio.sleep(wait_s)
            await reading
        finally:
            jobs = (*self._waiting, *self._again, *self._sent.values())
            tasks = [reading, *(job.prepared for job in jobs if job.prepared)]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self.report

    async def _read_source(self, entries: Iterator[Entry | BadEntry]) -> None:
        seen: set[str] = set()
        try:
            more = True
            while more:
                some, error = await asyncio.to_thread(_some, entries)
                more = bool(some) and error is None
                self.report.unread = str(error or "")
                for entry in some:
                    await self._take(entry, seen)
        finally:
            self._source_ended = True
            with contextlib.suppress(asyncio.QueueFull):  # whoever empties it looks at source_ended
                self._source.put_nowait(None)

    async def _take(self, entry: Entry | BadEntry, seen: set[str]) -> None:
        if failure := refusal(entry, seen):
            self._fail(failure)
        elif isinstance(entry, Entry):
            await self._source.put(_Job(entry))

    async def _more(self) -> bool:
        """Whether there is anything to send."""
        if not self._waiting and (job := await self._next_job()):
            self._waiting.append(job)
        return bool(self._waiting)

    async def _next_job(self) -> _Job | None:
        """What is to be sent again comes first."""
        if self._waiting:
            return self._waiting.popleft()
        if self._source_ended and self._source.empty():
            return None
        job = await self._source.get()
        if self._source_ended and self._source.empty():
            self._source.put_nowait(None)  # for the others who wait
        return job

    async def _stream(self) -> tuple[errors.RetrievalError | None, int]:
        """One stream, until all is answered, it breaks, or much has to be sent again. Returns why it broke, if it did,
        and how many answers came."""
        self._slots = asyncio.Semaphore(self._window)
        self._least_wait_s = 0.0
        requests = self._requests()
        try:
            # The stream is opened only then: a gateway ends one that says nothing for long.
            if (first := await anext(requests, None)) is None:
                return None, 0
            broken, answered = await self._exchange(_chained(first, requests))
        finally:
            await requests.aclose()
        unsent = [job for job in self._sent.values() if not job.sent]
        if unanswered := [job for job in self._sent.values() if job.sent]:
            broken = broken or errors.Unavailable("the stream ended without an answer")
            for job in unanswered:
                self._try_again(job, broken, spare=not answered)
        # First, so that no more of them are held than are prepared at once.
        self._again.extendleft(reversed(unsent))
        self._sent.clear()
        return broken, answered

    async def _exchange(
        self, requests: AsyncGenerator[ImportItemsRequest, None]
    ) -> tuple[errors.RetrievalError | None, int]:
        """Why the stream broke, if it did, and how many answers came."""
        answered = 0
        broken: errors.RetrievalError | None = None
        answers = self._client.import_items(requests, collection=self._collection)
        try:
            while response := await self._next(answers):
                answered += 1
                self._settle(response)
        except errors.TransientError as error:
            broken = error
        except TimeoutError:
            broken = errors.DeadlineExceeded(f"no answer for {self._patience.idle_s:.0f} s", reason="IDLE")
        finally:
            await answers.aclose()
            await requests.aclose()
        return broken, answered

    async def _next(self, answers: AsyncGenerator[ImportItemsResponse, None]) -> ImportItemsResponse | None:
        """Raises TimeoutError where nothing is answered for long, though something was sent."""
        answer = asyncio.ensure_future(anext(answers, None))
        try:
            while not (await asyncio.wait((answer,), timeout=self._patience.idle_s))[0]:
                if any(job.sent for job in self._sent.values()):
                    raise TimeoutError
            return answer.result()
        finally:
            answer.cancel()
            await asyncio.wait((answer,))

    async def _requests(self) -> AsyncGenerator[ImportItemsRequest, None]:
        """Several are prepared at once: pictures in the web take their time to come."""
        ready: asyncio.Queue[tuple[_Job, ImportItemsRequest] | None] = asyncio.Queue(1)

        async def prepare_each() -> None:
            while len(self._again) < self._window:
                await self._slots.acquire()
                job = await self._next_job()
                if job is None:
                    return
                # Before its pictures are read, lest it be lost where the stream breaks meanwhile.
                self._sent[job.entry.item.id] = job
                job.prepared = job.prepared or asyncio.create_task(self._prepare(job.entry))
                if request := await asyncio.shield(job.prepared):
                    await ready.put((job, request))
                else:
                    del self._sent[job.entry.item.id]
                    self._slots.release()

        async def finish() -> None:
            await asyncio.wait(workers)
            await ready.put(None)

        workers = [asyncio.create_task(prepare_each()) for _ in range(min(_PREPARED_AT_ONCE, self._window))]
        finishing = asyncio.create_task(finish())
        try:
            while prepared := await ready.get():
                job, request = prepared
                job.sent, job.prepared = True, None
                yield request
            for worker in workers:
                worker.result()  # raises what broke it
        finally:
            for task in (*workers, finishing):
                task.cancel()
            await asyncio.gather(*workers, finishing, return_exceptions=True)

    async def _prepare(self, entry: Entry) -> ImportItemsRequest | None:
        """None: it need not be sent, or cannot be."""
        try:
            photos = await self._photos.read(entry)
            if photos is not None:
                return await asyncio.to_thread(self._request, entry, photos)
            self.report.unchanged += 1
            self._photos.stored(entry)
            self._on_progress(self.report)
        except BadPicture as error:
            self._fail(_failure(entry, "INVALID_ARGUMENT", error.reason, str(error)))
        except UnreadablePicture as error:
            message = f"{entry.first_picture}: {error}"
            self._fail(_failure(entry, "INVALID_ARGUMENT", "INVALID_IMAGE", message))
        except errors.InvalidArgument as error:
            self._fail(_failure(entry, error.code.name, error.reason, str(error)))
        return None

    def _request(self, entry: Entry, photos: Sequence[bytes]) -> ImportItemsRequest:
        """Raises UnreadablePicture, InvalidArgument."""
        new = NewItem(entry.item, photos, thumbnail(photos[0]), self._whole_image)
        return calls.import_request(new, self._collection)

    def _settle(self, response: ImportItemsResponse) -> None:
        job = self._sent.pop(response.id, None)
        if job is None:
            return
        self._slots.release()
        match response.outcome:
            case ImportOutcome.IMPORT_OUTCOME_CREATED:
                self.report.created += 1
            case ImportOutcome.IMPORT_OUTCOME_UPDATED:
                self.report.updated += 1
            case ImportOutcome.IMPORT_OUTCOME_UNCHANGED:
                self.report.unchanged += 1
            case _:
                self._refused(job, errors.from_status(response.status))
                self._on_progress(self.report)
                return
        self._photos.stored(job.entry)
        self._on_progress(self.report)

    def _refused(self, job: _Job, error: errors.RetrievalError) -> None:
        if isinstance(error, _CONCERNS_ALL):
            raise error
        if isinstance(error, errors.TransientError):
            self._try_again(job, error)
        else:
            self._fail(_failure(job.entry, error.code.name, error.reason, str(error)))

    def _try_again(self, job: _Job, error: errors.RetrievalError, *, spare: bool = False) -> None:
        """``spare``: the item is not to blame, and is kept even after its last attempt."""
        job.attempts += 1
        job.sent = False
        if isinstance(error, errors.ResourceExhausted) and error.retry_after_s:
            self._least_wait_s = max(self._least_wait_s, error.retry_after_s)
        if job.attempts < self._patience.attempts or spare:
            self.report.again += 1
            self._again.append(job)
        else:
            self._fail(_failure(job.entry, error.code.name, error.reason, f"{error} ({job.attempts} attempts)"))

    def _fail(self, failure: Failure) -> None:
        self.report.failures.append(failure)
        self._on_progress(self.report)


def refusal(entry: Entry | BadEntry, seen: set[str]) -> Failure | None:
    """Why no gateway needs to be asked. ``seen``: the ids so far; that of an entry that may be sent is added."""
    if isinstance(entry, BadEntry):
        return Failure(entry.id, entry.source, "INVALID_ARGUMENT", "BAD_ENTRY", entry.problem)
    if entry.item.id in seen:
        problem = f"the id {entry.item.id!r} stands in the catalogue twice"
        return _failure(entry, "INVALID_ARGUMENT", "DUPLICATE_ID", problem)
    seen.add(entry.item.id)
    return None


async def _chained(
    first: ImportItemsRequest, others: AsyncGenerator[ImportItemsRequest, None]
) -> AsyncGenerator[ImportItemsRequest, None]:
    yield first
    async for request in others:
        yield request


def _failure(entry: Entry, code: str, reason: str, message: str) -> Failure:
    return Failure(entry.item.id, entry.first_picture, code, reason, message)


def _some(entries: Iterator[Entry | BadEntry]) -> tuple[list[Entry | BadEntry], CatalogueError | None]:
    """The next few, no more than come at once; none at the end. And why there are no more, where that is no end."""
    until = time.monotonic() + _READ_FOR_S
    some: list[Entry | BadEntry] = []
    try:
        for entry in itertools.islice(entries, READ_AT_ONCE):
            some.append(entry)
            if time.monotonic() > until:
                break
    except CatalogueError as error:
        return some, error
    return some, None
