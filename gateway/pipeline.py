"""What stands behind the gateway now: the models that answer, and whether all stages do."""

import asyncio
import math
import time

from google.rpc import code_pb2

from clothing_retrieval.v1 import types_pb2
from gateway.matching import Confusion
from gateway.stages import Stages
from serving import tracing
from serving.deadline import Deadline
from serving.errors import ServiceError

_CHECK_TIMEOUT_S = 2.0
_HANGS_S = 6.0
"""A replica that hangs is given up within 5 s. Until then a check may have met that one alone."""


class Pipeline:
    """The models as last seen; ``check`` looks again."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._segment_model: types_pb2.Model | None = None
        self._embed_model: types_pb2.Model | None = None
        self._confusion: Confusion = {}
        self._answered_at = -math.inf

    async def check(self) -> str | None:
        """Why a search would fail now; None when it would succeed."""
        deadline = Deadline.after(_CHECK_TIMEOUT_S)
        try:
            with tracing.untraced():
                _, trouble = await asyncio.gather(self.refresh(deadline), self._stages.index_trouble(deadline))
        except ServiceError as error:
            is_silent = error.code == code_pb2.DEADLINE_EXCEEDED
            return None if is_silent and time.monotonic() < self._answered_at + _HANGS_S else str(error)
        self._answered_at = time.monotonic()
        return trouble

    async def refresh(self, deadline: Deadline) -> None:
        """Raises StageFailed or DeadlineExceeded."""
        segment_model, embed_model = await asyncio.gather(
            self._stages.segment_model(deadline), self._stages.embed_model(deadline)
        )
        self._segment_model, self._embed_model = segment_model, embed_model
        self._confusion = _confusion(segment_model)

    async def models(self, deadline: Deadline) -> tuple[types_pb2.Model, types_pb2.Model]:
        """The segmentation model and the embedding model. Raises StageFailed or DeadlineExceeded."""
        if self._segment_model is None or self._embed_model is None:
            await self.refresh(deadline)
        assert self._segment_model is not None
        assert self._embed_model is not None
        return self._segment_model, self._embed_model

    def digests(self) -> tuple[str, str] | None:
        """Of the segmentation model and the embedding model as last seen; None where they never were."""
        if self._segment_model is None or self._embed_model is None:
            return None
        return self._segment_model.digest, self._embed_model.digest

    async def cutout_size(self, deadline: Deadline) -> int:
        """Side of the cutouts that the embedding model takes as they are, in pixels."""
        _, embed_model = await self.models(deadline)
        return embed_model.input_size

    async def confusion(self, deadline: Deadline) -> Confusion:
        """Which garments the segmentation model confuses. Raises StageFailed or DeadlineExceeded."""
        await self.models(deadline)
        return self._confusion


def _confusion(model: types_pb2.Model) -> Confusion:
    shares: dict[str, dict[str, float]] = {}
    for one in model.confusions:
        shares.setdefault(one.predicted, {})[one.actual] = one.share
    return shares
