"""A catalogue into a gateway: every item is answered for, whatever breaks on the way."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from clothing_retrieval import calls, errors
from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.calls import NewItem
from clothing_retrieval.catalog.entry import BadEntry, Entry
from clothing_retrieval.pictures import UnreadablePicture, thumbnail
from clothing_retrieval.v1.retrieval_service_pb2 import ImportItemsRequest, ImportItemsResponse, ImportOutcome

_CONCERNS_ALL = (errors.FailedPrecondition, errors.Unauthenticated, errors.PermissionDenied, errors.Unimplemented)


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

    @property
    def settled(self) -> int:
        return self.created + self.updated + self.unchanged + len(self.failures)

    @property
    def complete(self) -> bool:
        return not self.failures and self.stopped is None


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


class Importer:
    """Imports items over one stream at a time. An item is sent again after a passing error, alone or with its stream.

    At most ``window`` items are sent and not answered, and a picture is read when its item is sent: memory does not
    grow with the catalogue.
    """

    def __init__(
        self,
        client: AsyncClient,
        *,
        collection: str = "",
        whole_image: bool = False,
        patience: Patience | None = None,
        window: int = 64,
        on_progress: Callable[[Report], None] = lambda report: None,
        on_wait: Callable[[errors.RetrievalError, float], None] = lambda error, wait_s: None,
    ) -> None:
        """``on_wait`` is told why a stream broke, and in how many seconds the next one is opened."""
        self._client = client
        self._collection = collection
        self._whole_image = whole_image
        self._patience = patience or Patience()
        self._window = window
        self._on_progress = on_progress
        self._on_wait = on_wait
        self.report = Report()
        self._sent: dict[str, _Job] = {}
        self._again: deque[_Job] = deque()
        self._slots = asyncio.Semaphore(window)
        self._least_wait_s = 0.0

    async def run(self, entries: Iterable[Entry | BadEntry]) -> Report:
        """Imports all that ``entries`` yields.

        Raises:
            RetrievalError: one that stands in the way of every item, such as a missing right. ``report`` has what was
                done before.
        """
        jobs = self._jobs(iter(entries))
        waiting: deque[_Job] = deque()
        while (job := waiting.popleft() if waiting else next(jobs, None)) is not None:
            waiting.appendleft(job)
            broken, answered = await self._stream(waiting, jobs)
            waiting.extendleft(reversed(self._again))
            self._again.clear()
            if broken and not answered and any(job.attempts >= self._patience.attempts for job in waiting):
                self.report.stopped = broken
                break
            if attempts := max((job.attempts for job in waiting), default=0):
                wait_s = max(self._patience.wait_s(attempts), self._least_wait_s)
                if broken:
                    self._on_wait(broken, wait_s)
                await asyncio.sleep(wait_s)
        return self.report

    def _jobs(self, entries: Iterator[Entry | BadEntry]) -> Iterator[_Job]:
        seen: set[str] = set()
        for entry in entries:
            if isinstance(entry, BadEntry):
                self._fail(Failure(entry.id, entry.source, "INVALID_ARGUMENT", "BAD_ENTRY", entry.problem))
            elif entry.item.id in seen:
                problem = f"the id {entry.item.id!r} stands in the catalogue twice"
                self._fail(_failure(entry, "INVALID_ARGUMENT", "DUPLICATE_ID", problem))
            else:
                seen.add(entry.item.id)
                yield _Job(entry)

    async def _stream(self, waiting: deque[_Job], jobs: Iterator[_Job]) -> tuple[errors.RetrievalError | None, int]:
        """One stream, until all is answered, it breaks, or much has to be sent again. Returns why it broke, if it did,
        and how many answers came."""
        self._slots = asyncio.Semaphore(self._window)
        self._least_wait_s = 0.0
        answered = 0
        broken: errors.RetrievalError | None = None
        requests = self._requests(waiting, jobs)
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
        for job in self._sent.values():
            self._try_again(job, broken or errors.Unavailable("the stream ended without an answer"), spare=not answered)
        self._sent.clear()
        return broken, answered

    async def _next(self, answers: AsyncGenerator[ImportItemsResponse, None]) -> ImportItemsResponse | None:
        async with asyncio.timeout(self._patience.idle_s):
            return await anext(answers, None)

    async def _requests(self, waiting: deque[_Job], jobs: Iterator[_Job]) -> AsyncGenerator[ImportItemsRequest, None]:
        while len(self._again) < self._window:
            await self._slots.acquire()
            job = waiting.popleft() if waiting else next(jobs, None)
            if job is None:
                return
            self._sent[job.entry.item.id] = job  # before it is read, lest it be lost where the stream breaks meanwhile
            request = await asyncio.to_thread(self._prepare, job.entry)
            if isinstance(request, Failure):
                del self._sent[job.entry.item.id]
                self._slots.release()
                self._fail(request)
                continue
            yield request

    def _prepare(self, entry: Entry) -> ImportItemsRequest | Failure:
        path = Path()
        try:
            photos = []
            for path in entry.pictures:
                photos.append(path.read_bytes())
            path = entry.pictures[0]
            new = NewItem(entry.item, photos, thumbnail(photos[0]), self._whole_image)
            return calls.import_request(new, self._collection)
        except UnreadablePicture as error:
            return _failure(entry, "INVALID_ARGUMENT", "INVALID_IMAGE", f"{path}: {error}")
        except OSError as error:
            return _failure(entry, "INVALID_ARGUMENT", "UNREADABLE_FILE", f"{path}: {error.strerror or error}")
        except errors.InvalidArgument as error:
            return _failure(entry, error.code.name, error.reason, str(error))

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


def _failure(entry: Entry, code: str, reason: str, message: str) -> Failure:
    return Failure(entry.item.id, str(entry.pictures[0]), code, reason, message)
