"""SegmentService: RPC in, RPC out."""

from typing import Any

import grpc

from clothing_retrieval.v1 import segment_service_pb2, segment_service_pb2_grpc, types_pb2
from segment_service.segmenter import Photo, Segmented, Segmenter, Wanted
from serving.deadline import Deadline
from serving.errors import InvalidField

Context = grpc.aio.ServicerContext[Any, Any]

_LARGEST_CUTOUT = 768
"""Eighteen fit into a message: no more are found in a photo by a parser of a dozen garments."""


class SegmentServicer(segment_service_pb2_grpc.SegmentServiceServicer):
    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    async def Segment(
        self, request: segment_service_pb2.SegmentRequest, context: Context
    ) -> segment_service_pb2.SegmentResponse:
        wanted = _wanted(request, self._segmenter.categories)
        photo = await self._segmenter.segment(
            request.image, wanted, Deadline.of(context), background=request.background
        )
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
        request.trim_cutouts,
    )


def _response(photo: Photo, digest: str) -> segment_service_pb2.SegmentResponse:
    response = segment_service_pb2.SegmentResponse(
        image_width=photo.width, image_height=photo.height, model_digest=digest
    )
    for segmented in photo.garments:
        _fill(response.garments.add(), segmented)
    return response


def _fill(message: types_pb2.Garment, segmented: Segmented) -> None:
    """In place: a message that is made apart is copied into its parent, pixels and all."""
    garment, cutout = segmented.garment, segmented.cutout
    message.category = garment.category
    message.confidence = garment.confidence
    message.area = garment.area
    message.box.x, message.box.y = garment.box.x, garment.box.y
    message.box.width, message.box.height = garment.box.width, garment.box.height
    message.mask_png = segmented.mask_png
    message.alternative = garment.alternative
    if cutout is not None:
        message.cutout.height, message.cutout.width = cutout.shape[:2]
        message.cutout.rgb = cutout.tobytes()
