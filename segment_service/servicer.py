"""SegmentService: RPC in, RPC out."""

from typing import Any

import grpc

from clothing_retrieval.v1 import segment_service_pb2, segment_service_pb2_grpc, types_pb2
from segment_service.segmenter import Photo, Segmented, Segmenter, Wanted
from serving.deadline import Deadline
from serving.errors import InvalidField

Context = grpc.aio.ServicerContext[Any, Any]

_LARGEST_CUTOUT = 768
"""Eighteen fit into a message: a dozen labels, and what each two of them are together."""


class SegmentServicer(segment_service_pb2_grpc.SegmentServiceServicer):
    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    async def Segment(
        self, request: segment_service_pb2.SegmentRequest, context: Context
    ) -> segment_service_pb2.SegmentResponse:
        wanted = _wanted(request, self._segmenter.categories)
        photo = await self._segmenter.segment(request.image, wanted, Deadline.of(context))
        return _response(photo, self._segmenter.runner.digest)

    async def GetSegmentModel(
        self, request: segment_service_pb2.GetSegmentModelRequest, context: Context
    ) -> segment_service_pb2.GetSegmentModelResponse:
        return segment_service_pb2.GetSegmentModelResponse(model=self._segmenter.runner.describe())


def _wanted(request: segment_service_pb2.SegmentRequest, known: frozenset[str]) -> Wanted:
    for index, category in enumerate(request.categories):
        if category not in known:
            raise InvalidField(f"categories[{index}]", f"{category!r} is not one of {', '.join(sorted(known))}")
    if not 0 <= request.min_confidence <= 1:
        raise InvalidField("min_confidence", f"{request.min_confidence} is outside 0 to 1")
    if not 0 <= request.cutout_size <= _LARGEST_CUTOUT:
        raise InvalidField("cutout_size", f"{request.cutout_size} is outside 0 to {_LARGEST_CUTOUT} pixels")
    return Wanted(
        frozenset(request.categories),
        request.min_confidence or None,
        request.cutout_size,
        request.include_masks,
        request.include_alternatives,
    )


def _response(photo: Photo, digest: str) -> segment_service_pb2.SegmentResponse:
    return segment_service_pb2.SegmentResponse(
        garments=[_garment(segmented) for segmented in photo.garments],
        image_width=photo.width,
        image_height=photo.height,
        model_digest=digest,
    )


def _garment(segmented: Segmented) -> types_pb2.Garment:
    garment, cutout = segmented.garment, segmented.cutout
    message = types_pb2.Garment(
        category=garment.category,
        confidence=garment.confidence,
        area=garment.area,
        box=types_pb2.Box(x=garment.box.x, y=garment.box.y, width=garment.box.width, height=garment.box.height),
        mask_png=segmented.mask_png,
        alternative=garment.alternative,
    )
    if cutout is not None:
        message.cutout.CopyFrom(types_pb2.Pixels(width=cutout.shape[1], height=cutout.shape[0], rgb=cutout.tobytes()))
    return message
