import datetime

from clothing_retrieval.v1 import catalog_service_pb2 as _catalog_service_pb2
from clothing_retrieval.v1 import types_pb2 as _types_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CategoryMatching(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CATEGORY_MATCHING_UNSPECIFIED: _ClassVar[CategoryMatching]
    CATEGORY_MATCHING_STRICT: _ClassVar[CategoryMatching]
    CATEGORY_MATCHING_PREFER: _ClassVar[CategoryMatching]
    CATEGORY_MATCHING_IGNORE: _ClassVar[CategoryMatching]

class ImportOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IMPORT_OUTCOME_UNSPECIFIED: _ClassVar[ImportOutcome]
    IMPORT_OUTCOME_CREATED: _ClassVar[ImportOutcome]
    IMPORT_OUTCOME_UPDATED: _ClassVar[ImportOutcome]
    IMPORT_OUTCOME_UNCHANGED: _ClassVar[ImportOutcome]
    IMPORT_OUTCOME_FAILED: _ClassVar[ImportOutcome]
CATEGORY_MATCHING_UNSPECIFIED: CategoryMatching
CATEGORY_MATCHING_STRICT: CategoryMatching
CATEGORY_MATCHING_PREFER: CategoryMatching
CATEGORY_MATCHING_IGNORE: CategoryMatching
IMPORT_OUTCOME_UNSPECIFIED: ImportOutcome
IMPORT_OUTCOME_CREATED: ImportOutcome
IMPORT_OUTCOME_UPDATED: ImportOutcome
IMPORT_OUTCOME_UNCHANGED: ImportOutcome
IMPORT_OUTCOME_FAILED: ImportOutcome

class SearchRequest(_message.Message):
    __slots__ = ("collection", "image", "top_k", "categories", "filter", "max_distance", "whole_image", "category_matching", "include_cutouts", "include_masks", "include_alternatives", "skip_cache")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    MAX_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    WHOLE_IMAGE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_MATCHING_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_CUTOUTS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_MASKS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    SKIP_CACHE_FIELD_NUMBER: _ClassVar[int]
    collection: str
    image: _types_pb2.Image
    top_k: int
    categories: _containers.RepeatedScalarFieldContainer[str]
    filter: _types_pb2.Filter
    max_distance: float
    whole_image: bool
    category_matching: CategoryMatching
    include_cutouts: bool
    include_masks: bool
    include_alternatives: bool
    skip_cache: bool
    def __init__(self, collection: _Optional[str] = ..., image: _Optional[_Union[_types_pb2.Image, _Mapping]] = ..., top_k: _Optional[int] = ..., categories: _Optional[_Iterable[str]] = ..., filter: _Optional[_Union[_types_pb2.Filter, _Mapping]] = ..., max_distance: _Optional[float] = ..., whole_image: _Optional[bool] = ..., category_matching: _Optional[_Union[CategoryMatching, str]] = ..., include_cutouts: _Optional[bool] = ..., include_masks: _Optional[bool] = ..., include_alternatives: _Optional[bool] = ..., skip_cache: _Optional[bool] = ...) -> None: ...

class SearchResponse(_message.Message):
    __slots__ = ("results", "stage_times")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    STAGE_TIMES_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[GarmentMatches]
    stage_times: StageTimes
    def __init__(self, results: _Optional[_Iterable[_Union[GarmentMatches, _Mapping]]] = ..., stage_times: _Optional[_Union[StageTimes, _Mapping]] = ...) -> None: ...

class GarmentMatches(_message.Message):
    __slots__ = ("garment", "matches")
    GARMENT_FIELD_NUMBER: _ClassVar[int]
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    garment: _types_pb2.Garment
    matches: _containers.RepeatedCompositeFieldContainer[_types_pb2.Match]
    def __init__(self, garment: _Optional[_Union[_types_pb2.Garment, _Mapping]] = ..., matches: _Optional[_Iterable[_Union[_types_pb2.Match, _Mapping]]] = ...) -> None: ...

class StageTimes(_message.Message):
    __slots__ = ("segment", "embed", "query")
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    EMBED_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    segment: _duration_pb2.Duration
    embed: _duration_pb2.Duration
    query: _duration_pb2.Duration
    def __init__(self, segment: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., embed: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., query: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class SearchByItemRequest(_message.Message):
    __slots__ = ("collection", "id", "top_k", "filter", "max_distance")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    MAX_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    collection: str
    id: str
    top_k: int
    filter: _types_pb2.Filter
    max_distance: float
    def __init__(self, collection: _Optional[str] = ..., id: _Optional[str] = ..., top_k: _Optional[int] = ..., filter: _Optional[_Union[_types_pb2.Filter, _Mapping]] = ..., max_distance: _Optional[float] = ...) -> None: ...

class SearchByItemResponse(_message.Message):
    __slots__ = ("matches",)
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    matches: _containers.RepeatedCompositeFieldContainer[_types_pb2.Match]
    def __init__(self, matches: _Optional[_Iterable[_Union[_types_pb2.Match, _Mapping]]] = ...) -> None: ...

class ImportItemsRequest(_message.Message):
    __slots__ = ("collection", "item", "images", "whole_image", "picture_jpeg")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    WHOLE_IMAGE_FIELD_NUMBER: _ClassVar[int]
    PICTURE_JPEG_FIELD_NUMBER: _ClassVar[int]
    collection: str
    item: _types_pb2.Item
    images: _containers.RepeatedCompositeFieldContainer[_types_pb2.Image]
    whole_image: bool
    picture_jpeg: bytes
    def __init__(self, collection: _Optional[str] = ..., item: _Optional[_Union[_types_pb2.Item, _Mapping]] = ..., images: _Optional[_Iterable[_Union[_types_pb2.Image, _Mapping]]] = ..., whole_image: _Optional[bool] = ..., picture_jpeg: _Optional[bytes] = ...) -> None: ...

class ImportItemsResponse(_message.Message):
    __slots__ = ("id", "status", "outcome", "garments")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    GARMENTS_FIELD_NUMBER: _ClassVar[int]
    id: str
    status: _status_pb2.Status
    outcome: ImportOutcome
    garments: _containers.RepeatedCompositeFieldContainer[_types_pb2.Garment]
    def __init__(self, id: _Optional[str] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., outcome: _Optional[_Union[ImportOutcome, str]] = ..., garments: _Optional[_Iterable[_Union[_types_pb2.Garment, _Mapping]]] = ...) -> None: ...

class GetPipelineRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetPipelineResponse(_message.Message):
    __slots__ = ("segment_model", "embed_model", "collections")
    SEGMENT_MODEL_FIELD_NUMBER: _ClassVar[int]
    EMBED_MODEL_FIELD_NUMBER: _ClassVar[int]
    COLLECTIONS_FIELD_NUMBER: _ClassVar[int]
    segment_model: _types_pb2.Model
    embed_model: _types_pb2.Model
    collections: _containers.RepeatedCompositeFieldContainer[_catalog_service_pb2.Collection]
    def __init__(self, segment_model: _Optional[_Union[_types_pb2.Model, _Mapping]] = ..., embed_model: _Optional[_Union[_types_pb2.Model, _Mapping]] = ..., collections: _Optional[_Iterable[_Union[_catalog_service_pb2.Collection, _Mapping]]] = ...) -> None: ...
