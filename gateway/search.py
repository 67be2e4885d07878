"""One photo's way through the stages: segment, embed all garments in one call, query all vectors in one call."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration

from clothing_retrieval.v1 import retrieval_service_pb2, search_service_pb2, segment_service_pb2, types_pb2
from gateway.cache import Cache, Seen, key_of
from gateway.matching import Confusion, Matching, Scope, merge, scopes_of
from gateway.pipeline import Pipeline
from gateway.settings import Settings
from gateway.stages import Stages
from gateway.throttle import Throttle
from serving import telemetry
from serving.deadline import Deadline
from serving.errors import InvalidField

_MATCHING = {
    retrieval_service_pb2.CATEGORY_MATCHING_STRICT: Matching.STRICT,
    retrieval_service_pb2.CATEGORY_MATCHING_PREFER: Matching.PREFER,
    retrieval_service_pb2.CATEGORY_MATCHING_IGNORE: Matching.IGNORE,
}
_DEFAULT_TOP_K = 5
_LARGEST_TOP_K = 100
_LARGE = 1 << 20  # bytes: to hash more would keep the event loop from other calls
_MOST_PROBES = 64
"""Of one query, by the search service."""


@dataclass(frozen=True)
class _Found:
    """The garments of a photo, and the picture to embed for each."""

    garments: Sequence[types_pb2.Garment]
    pictures: Sequence[types_pb2.Image | types_pb2.Pixels]
    model_digest: str
    """Of the model that found them; empty where none was asked."""


@dataclass(frozen=True)
class _Sought:
    """A garment, and what its cutouts look like."""

    garment: types_pb2.Garment
    embeddings: list[types_pb2.Embedding]


class PhotoSearch:
    def __init__(self, settings: Settings, stages: Stages, pipeline: Pipeline) -> None:
        self._settings = settings
        self._stages = stages
        self._pipeline = pipeline
        self._cache = Cache(settings.cache_bytes)
        self._throttle = Throttle()
        self._default_matching = Matching(settings.category_matching)

    async def search(
        self, request: retrieval_service_pb2.SearchRequest, deadline: Deadline
    ) -> retrieval_service_pb2.SearchResponse:
        """Raises InvalidField, StageFailed or DeadlineExceeded: a search is never half an answer."""
        top_k = checked_top_k(request.top_k)
        seen, times = await self._look(request, deadline)
        began = time.monotonic()
        sought = _sought(seen)
        matches = await self._query(request, sought, seen.embed_digest, top_k, deadline)
        times.query.CopyFrom(_duration(time.monotonic() - began))
        return retrieval_service_pb2.SearchResponse(
            results=[
                retrieval_service_pb2.GarmentMatches(garment=each.garment, matches=nearest)
                for each, nearest in zip(sought, matches, strict=True)
            ],
            stage_times=times,
        )

    async def _look(
        self, request: retrieval_service_pb2.SearchRequest, deadline: Deadline
    ) -> tuple[Seen, retrieval_service_pb2.StageTimes]:
        """What the models see in the photo, by asking them only where that is not known."""
        digests = self._pipeline.digests()
        if digests is None or request.skip_cache or not self._settings.cache_bytes:
            return await self._ask_models(request, deadline)
        large = request.ByteSize() > _LARGE
        key = await asyncio.to_thread(key_of, request, *digests) if large else key_of(request, *digests)
        if seen := self._cache.find(key):
            return seen, retrieval_service_pb2.StageTimes(segment=_duration(0), embed=_duration(0))
        seen, times = await self._ask_models(request, deadline)
        if (seen.segment_digest or digests[0], seen.embed_digest) == digests:  # else models are being changed
            self._cache.keep(key, seen)
        return seen, times

    async def _ask_models(
        self, request: retrieval_service_pb2.SearchRequest, deadline: Deadline
    ) -> tuple[Seen, retrieval_service_pb2.StageTimes]:
        began = time.monotonic()
        found = await self._segment(request, deadline)
        segmented = time.monotonic()
        # Where the whole photo stands for the garment, it is what the caller calls `image`.
        with telemetry.STAGE_SECONDS.labels("embed").time():
            embedded = await self._stages.embed(found.pictures, deadline, field="image")
        finished = time.monotonic()
        garments = found.garments if request.include_cutouts else list(map(without_cutout, found.garments))
        times = retrieval_service_pb2.StageTimes(
            segment=_duration(segmented - began), embed=_duration(finished - segmented)
        )
        return Seen(garments, embedded.embeddings, found.model_digest, embedded.model_digest), times

    async def _segment(self, request: retrieval_service_pb2.SearchRequest, deadline: Deadline) -> _Found:
        if request.whole_image:
            return _Found([types_pb2.Garment(area=1.0)], [request.image], "")
        cutout_size = await self._pipeline.cutout_size(deadline)

        def ask() -> Awaitable[segment_service_pb2.SegmentResponse]:
            wanted = segment_service_pb2.SegmentRequest(
                categories=request.categories,
                cutout_size=cutout_size,
                include_masks=request.include_masks,
                include_alternatives=request.include_alternatives,
                trim_cutouts=not request.include_cutouts,
            )
            wanted.image.CopyFrom(request.image)  # a photo of 1 MB: 0.02 ms, as an argument 1.2 ms
            return self._stages.segment(wanted, deadline)

        with telemetry.STAGE_SECONDS.labels("segment").time():
            response = await self._throttle.run(ask)
        if not response.garments:
            box = types_pb2.Box(width=response.image_width, height=response.image_height)
            return _Found([types_pb2.Garment(area=1.0, box=box)], [request.image], response.model_digest)
        cutouts = [garment.cutout for garment in response.garments]
        return _Found(response.garments, cutouts, response.model_digest)

    async def _query(
        self,
        request: retrieval_service_pb2.SearchRequest,
        sought: Sequence[_Sought],
        model_digest: str,
        top_k: int,
        deadline: Deadline,
    ) -> list[list[types_pb2.Match]]:
        confusion = {} if request.whole_image else await self._pipeline.confusion(deadline)
        lookups = [
            [
                (embedding, scope)
                for scope in self._scopes(request, each.garment, confusion)
                for embedding in each.embeddings
            ]
            for each in sought
        ]
        query = search_service_pb2.QueryRequest(
            collection=request.collection, model_digest=model_digest, top_k=top_k, filter=request.filter
        )
        bound_distance(query, request, self._settings.max_distance)
        probes = [
            search_service_pb2.Probe(embedding=embedding, categories=scope.categories)
            for own in lookups
            for embedding, scope in own
        ]
        held_bytes = request.ByteSize() + sum(each.garment.ByteSize() for each in sought)
        with telemetry.STAGE_SECONDS.labels("search").time():
            answers = iter(await self._answers(query, probes, deadline, held_bytes))
        return [merge([(scope, next(answers).matches) for _, scope in own], top_k) for own in lookups]

    def _scopes(
        self, request: retrieval_service_pb2.SearchRequest, garment: types_pb2.Garment, confusion: Confusion
    ) -> list[Scope]:
        matching = _MATCHING.get(request.category_matching, self._default_matching)
        if not garment.category and matching is not Matching.IGNORE:
            return [Scope(tuple(request.categories))]  # the whole photo, among the kinds asked for
        return scopes_of(garment.category, matching, confusion, self._settings.category_penalty)

    async def _answers(
        self,
        query: search_service_pb2.QueryRequest,
        probes: Sequence[search_service_pb2.Probe],
        deadline: Deadline,
        held_bytes: int,
    ) -> list[search_service_pb2.ProbeMatches]:
        """One for each probe, in one call unless a parser of many garments needs more."""
        answers: list[search_service_pb2.ProbeMatches] = []
        for start in range(0, len(probes), _MOST_PROBES):
            part = search_service_pb2.QueryRequest(probes=probes[start : start + _MOST_PROBES])
            part.MergeFrom(query)
            answers.extend((await self._stages.query(part, deadline, held_bytes)).results)
        return answers


def _sought(seen: Seen) -> list[_Sought]:
    """An alternative of a category that came before it is another cutout of that garment."""
    sought: list[_Sought] = []
    by_category: dict[str, _Sought] = {}
    for garment, embedding in zip(seen.garments, seen.embeddings, strict=True):
        if garment.alternative and garment.category in by_category:
            by_category[garment.category].embeddings.append(embedding)
        else:
            sought.append(_Sought(garment, [embedding]))
            by_category.setdefault(garment.category, sought[-1])
    return sought


def without_cutout(garment: types_pb2.Garment) -> types_pb2.Garment:
    """A copy: a message keeps all of the answer that it came in, also what was cleared."""
    garment.ClearField("cutout")
    copy = types_pb2.Garment()
    copy.CopyFrom(garment)
    return copy


def checked_top_k(top_k: int) -> int:
    """The number of items to find. Raises InvalidField."""
    if not 0 <= top_k <= _LARGEST_TOP_K:
        raise InvalidField("top_k", f"{top_k} is outside 1 to {_LARGEST_TOP_K} (0: {_DEFAULT_TOP_K})")
    return top_k or _DEFAULT_TOP_K


def bound_distance(
    query: search_service_pb2.QueryRequest,
    request: retrieval_service_pb2.SearchRequest | retrieval_service_pb2.SearchByItemRequest,
    default: float | None,
) -> None:
    """Leaves out items farther than the caller says, else than ``default``."""
    bound = request.max_distance if request.HasField("max_distance") else default
    if bound is not None:
        query.max_distance = bound


def _duration(seconds: float) -> Duration:
    return Duration(nanos=round(seconds % 1 * 1e9), seconds=int(seconds))
