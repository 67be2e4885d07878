"""Items in: each is segmented, embedded and stored, unless it is there already, made from the very same."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from google.rpc import code_pb2, status_pb2

from clothing_retrieval.v1 import retrieval_service_pb2, search_service_pb2, segment_service_pb2, types_pb2
from gateway.calls import call
from gateway.categories import parser_label
from gateway.patience import patiently
from gateway.pipeline import Pipeline
from gateway.stages import Stages
from serving import telemetry
from serving.deadline import Deadline
from serving.errors import InvalidField, ModelChanged, ServiceError, StageFailed, StreamSilent
from serving.tasks import all_of

log = logging.getLogger(__name__)

Request = retrieval_service_pb2.ImportItemsRequest
Response = retrieval_service_pb2.ImportItemsResponse

_OUTCOMES = {
    retrieval_service_pb2.IMPORT_OUTCOME_CREATED: "created",
    retrieval_service_pb2.IMPORT_OUTCOME_UPDATED: "updated",
    retrieval_service_pb2.IMPORT_OUTCOME_UNCHANGED: "unchanged",
    retrieval_service_pb2.IMPORT_OUTCOME_FAILED: "failed",
}
_LONGEST_ID = 128
_MOST_IMAGES = 16
_LARGEST_PICTURE_BYTES = 64 * 2**10
_FINGERPRINT_VERSION = b"1"
"""To be raised where the code makes other vectors of the same pictures by the same models."""


class ItemImporter:
    def __init__(self, stages: Stages, pipeline: Pipeline) -> None:
        self._stages = stages
        self._pipeline = pipeline
        for outcome in _OUTCOMES.values():
            telemetry.IMPORTED_ITEMS.labels(outcome)  # 0 from the start, so that the first is seen to come

    async def import_item(self, request: Request, deadline: Deadline) -> Response:
        """Stores one item. Waits for busy or restarting workers until the deadline.

        Raises ServiceError: why the item was not stored.
        """
        _check(request)
        return await patiently(lambda: self._import(request, deadline), deadline, kind=ModelChanged)

    async def _import(self, request: Request, deadline: Deadline) -> Response:
        """Raises ModelChanged, too: the pictures were not cut out for the model that embedded them."""
        segment_model, embed_model = await patiently(lambda: self._pipeline.models(deadline), deadline)
        fingerprint = _fingerprint(request, segment_model.digest, embed_model.digest)
        known = await self._known_fingerprint(request, embed_model, deadline)
        if known == fingerprint:
            return Response(id=request.item.id, outcome=retrieval_service_pb2.IMPORT_OUTCOME_UNCHANGED)
        garments, parsers = await self._garments(request, embed_model.input_size, deadline)
        pictures = _pictures(request.images, garments)
        embedded = await patiently(lambda: self._stages.embed(pictures, deadline, background=True), deadline)
        if embedded.model_digest != embed_model.digest:
            raise ModelChanged("embed")
        if parsers not in ([], [segment_model.digest]):  # workers are being exchanged
            fingerprint = _fingerprint(request, *parsers, embed_model.digest)
        item = types_pb2.Item()
        item.CopyFrom(request.item)
        item.category = item.category or _largest_category(garments)
        views = [
            search_service_pb2.View(
                category=parser_label(request.item.category) or garment.category, embedding=embedding
            )
            for garment, embedding in zip(garments, embedded.embeddings, strict=True)
        ]
        indexed = search_service_pb2.IndexedItem(
            item=item, views=views, fingerprint=fingerprint, picture_jpeg=request.picture_jpeg
        )
        outcome = await self._store(request.collection, embedded.model_digest, indexed, deadline)
        for garment in garments:
            garment.ClearField("cutout")
        return Response(id=item.id, outcome=outcome, garments=garments)

    async def _known_fingerprint(self, request: Request, model: types_pb2.Model, deadline: Deadline) -> str | None:
        """The item's fingerprint in the collection, which is made if it does not exist yet."""
        try:
            response = await patiently(
                lambda: call(
                    "search",
                    self._stages.search.GetFingerprints,
                    search_service_pb2.GetFingerprintsRequest(collection=request.collection, ids=[request.item.id]),
                    deadline,
                ),
                deadline,
            )
        except StageFailed as error:
            if error.code != code_pb2.NOT_FOUND:
                raise
            await patiently(
                lambda: call(
                    "search",
                    self._stages.search.CreateCollection,
                    search_service_pb2.CreateCollectionRequest(
                        name=request.collection, model_digest=model.digest, dimension=model.dimension
                    ),
                    deadline,
                    renamed=("name", "collection"),
                ),
                deadline,
            )
            return None
        return response.fingerprints.get(request.item.id)

    async def _garments(
        self, request: Request, cutout_size: int, deadline: Deadline
    ) -> tuple[list[types_pb2.Garment], list[str]]:
        """One garment for each picture; without a cutout where the whole picture stands for it.

        And the digests of the models that found them.
        """
        if request.whole_image:
            return [types_pb2.Garment(area=1.0) for _ in request.images], []
        label = parser_label(request.item.category)
        parsers: set[str] = set()

        async def segment(index: int) -> types_pb2.Garment:
            wanted = segment_service_pb2.SegmentRequest(cutout_size=cutout_size, trim_cutouts=True, background=True)
            wanted.image.CopyFrom(request.images[index])
            response = await patiently(
                lambda: self._stages.segment(wanted, deadline, field=f"images[{index}]"), deadline
            )
            parsers.add(response.model_digest)
            return _item_garment(response, label)

        garments = await all_of(segment(index) for index in range(len(request.images)))
        return garments, sorted(parsers)

    async def _store(
        self, collection: str, digest: str, item: search_service_pb2.IndexedItem, deadline: Deadline
    ) -> retrieval_service_pb2.ImportOutcome:
        response = await patiently(
            lambda: call(
                "search",
                self._stages.search.UpsertItems,
                search_service_pb2.UpsertItemsRequest(collection=collection, model_digest=digest, items=[item]),
                deadline,
            ),
            deadline,
        )
        if response.created:
            return retrieval_service_pb2.IMPORT_OUTCOME_CREATED
        return retrieval_service_pb2.IMPORT_OUTCOME_UPDATED


async def answer_each(
    requests: AsyncIterator[Request],
    work: Callable[[Request], Awaitable[Response]],
    in_flight: int,
    silence_s: float | None = None,
) -> AsyncIterator[Response]:
    """Answers every request once, in any order, with at most ``in_flight`` in work and as many answers waiting.

    Raises StreamSilent where no request comes for ``silence_s``, after the answers to those that came.
    """
    answers: asyncio.Queue[Response | None] = asyncio.Queue(in_flight)
    turn = asyncio.Lock()
    over = False

    async def take_turns() -> None:
        nonlocal over
        while True:
            async with turn:
                if over:
                    return
                try:
                    async with asyncio.timeout(silence_s):
                        request = await anext(requests, None)
                except TimeoutError:
                    over = True
                    raise StreamSilent(silence_s or 0.0) from None
            if request is None:
                return
            answer = await _answer(request, work)
            telemetry.IMPORTED_ITEMS.labels(_OUTCOMES[answer.outcome]).inc()
            await answers.put(answer)

    async def finish() -> None:
        """Marks the end; raises what broke the request stream."""
        ended = await asyncio.gather(*workers, return_exceptions=True)
        await answers.put(None)
        for failure in filter(None, ended):
            raise failure

    workers = [asyncio.create_task(take_turns()) for _ in range(in_flight)]
    finisher = asyncio.create_task(finish())
    try:
        while (answer := await answers.get()) is not None:
            yield answer
        await finisher
    finally:
        for task in (*workers, finisher):
            task.cancel()
        await asyncio.gather(*workers, finisher, return_exceptions=True)


async def _answer(request: Request, work: Callable[[Request], Awaitable[Response]]) -> Response:
    try:
        return await work(request)
    except ServiceError as error:
        status = error.status()
    except Exception:  # a bug with this item stops no other
        log.exception("importing item %r failed", request.item.id)
        status = status_pb2.Status(code=code_pb2.INTERNAL, message="internal error; the gateway's log tells more")
    return Response(id=request.item.id, status=status, outcome=retrieval_service_pb2.IMPORT_OUTCOME_FAILED)


def _check(request: Request) -> None:
    if not 1 <= len(request.item.id) <= _LONGEST_ID:
        raise InvalidField("item.id", f"has {len(request.item.id)} characters, 1 to {_LONGEST_ID} are allowed")
    if not 1 <= len(request.images) <= _MOST_IMAGES:
        raise InvalidField("images", f"has {len(request.images)} pictures, 1 to {_MOST_IMAGES} are allowed")
    if len(request.picture_jpeg) > _LARGEST_PICTURE_BYTES:
        raise InvalidField(
            "picture_jpeg", f"has {len(request.picture_jpeg)} bytes, at most {_LARGEST_PICTURE_BYTES} are stored"
        )


def _fingerprint(request: Request, *digests: str) -> str:
    """SHA-256 over all that the stored item is made from: the request as it came, and the models."""
    content = Request()
    content.CopyFrom(request)
    content.ClearField("collection")
    content.item.ClearField("update_time")
    serialized = content.SerializeToString(deterministic=True)
    return hashlib.sha256(
        b"\0".join((_FINGERPRINT_VERSION, *(digest.encode() for digest in digests), serialized))
    ).hexdigest()


def _item_garment(response: segment_service_pb2.SegmentResponse, label: str | None) -> types_pb2.Garment:
    """The garment that is the item: the largest of its label, else the largest; else the whole picture."""
    named = [garment for garment in response.garments if garment.category == label]
    whole = types_pb2.Garment(area=1.0, box=types_pb2.Box(width=response.image_width, height=response.image_height))
    return next(iter((*named, *response.garments)), whole)


def _pictures(
    images: Sequence[types_pb2.Image], garments: Sequence[types_pb2.Garment]
) -> list[types_pb2.Image | types_pb2.Pixels]:
    return [
        garment.cutout if garment.HasField("cutout") else image for image, garment in zip(images, garments, strict=True)
    ]


def _largest_category(garments: Sequence[types_pb2.Garment]) -> str:
    return max(garments, key=lambda garment: garment.area if garment.category else 0.0).category
