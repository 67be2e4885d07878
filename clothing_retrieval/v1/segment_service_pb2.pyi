from clothing_retrieval.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SegmentRequest(_message.Message):
    __slots__ = ("image", "categories", "min_confidence", "cutout_size", "include_masks", "include_alternatives", "background", "trim_cutouts")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    CUTOUT_SIZE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_MASKS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    TRIM_CUTOUTS_FIELD_NUMBER: _ClassVar[int]
    image: _types_pb2.Image
    categories: _containers.RepeatedScalarFieldContainer[str]
    min_confidence: float
    cutout_size: int
    include_masks: bool
    include_alternatives: bool
    background: bool
    trim_cutouts: bool
    def __init__(self, image: _Optional[_Union[_types_pb2.Image, _Mapping]] = ..., categories: _Optional[_Iterable[str]] = ..., min_confidence: _Optional[float] = ..., cutout_size: _Optional[int] = ..., include_masks: _Optional[bool] = ..., include_alternatives: _Optional[bool] = ..., background: _Optional[bool] = ..., trim_cutouts: _Optional[bool] = ...) -> None: ...

class SegmentResponse(_message.Message):
    __slots__ = ("garments", "image_width", "image_height", "model_digest")
    GARMENTS_FIELD_NUMBER: _ClassVar[int]
    IMAGE_WIDTH_FIELD_NUMBER: _ClassVar[int]
    IMAGE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    garments: _containers.RepeatedCompositeFieldContainer[_types_pb2.Garment]
    image_width: int
    image_height: int
    model_digest: str
    def __init__(self, garments: _Optional[_Iterable[_Union[_types_pb2.Garment, _Mapping]]] = ..., image_width: _Optional[int] = ..., image_height: _Optional[int] = ..., model_digest: _Optional[str] = ...) -> None: ...

class GetSegmentModelRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetSegmentModelResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: _types_pb2.Model
    def __init__(self, model: _Optional[_Union[_types_pb2.Model, _Mapping]] = ...) -> None: ...
