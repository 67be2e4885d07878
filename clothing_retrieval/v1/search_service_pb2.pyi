from clothing_retrieval.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateCollectionRequest(_message.Message):
    __slots__ = ("name", "model_digest", "dimension")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    DIMENSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    model_digest: str
    dimension: int
    def __init__(self, name: _Optional[str] = ..., model_digest: _Optional[str] = ..., dimension: _Optional[int] = ...) -> None: ...

class CreateCollectionResponse(_message.Message):
    __slots__ = ("created",)
    CREATED_FIELD_NUMBER: _ClassVar[int]
    created: bool
    def __init__(self, created: _Optional[bool] = ...) -> None: ...

class View(_message.Message):
    __slots__ = ("category", "embedding")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    category: str
    embedding: _types_pb2.Embedding
    def __init__(self, category: _Optional[str] = ..., embedding: _Optional[_Union[_types_pb2.Embedding, _Mapping]] = ...) -> None: ...

class IndexedItem(_message.Message):
    __slots__ = ("item", "views", "fingerprint", "picture_jpeg")
    ITEM_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    PICTURE_JPEG_FIELD_NUMBER: _ClassVar[int]
    item: _types_pb2.Item
    views: _containers.RepeatedCompositeFieldContainer[View]
    fingerprint: str
    picture_jpeg: bytes
    def __init__(self, item: _Optional[_Union[_types_pb2.Item, _Mapping]] = ..., views: _Optional[_Iterable[_Union[View, _Mapping]]] = ..., fingerprint: _Optional[str] = ..., picture_jpeg: _Optional[bytes] = ...) -> None: ...

class UpsertItemsRequest(_message.Message):
    __slots__ = ("collection", "model_digest", "items")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    collection: str
    model_digest: str
    items: _containers.RepeatedCompositeFieldContainer[IndexedItem]
    def __init__(self, collection: _Optional[str] = ..., model_digest: _Optional[str] = ..., items: _Optional[_Iterable[_Union[IndexedItem, _Mapping]]] = ...) -> None: ...

class UpsertItemsResponse(_message.Message):
    __slots__ = ("created", "updated")
    CREATED_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    created: int
    updated: int
    def __init__(self, created: _Optional[int] = ..., updated: _Optional[int] = ...) -> None: ...

class GetFingerprintsRequest(_message.Message):
    __slots__ = ("collection", "ids")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    collection: str
    ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, collection: _Optional[str] = ..., ids: _Optional[_Iterable[str]] = ...) -> None: ...

class GetFingerprintsResponse(_message.Message):
    __slots__ = ("fingerprints",)
    class FingerprintsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    FINGERPRINTS_FIELD_NUMBER: _ClassVar[int]
    fingerprints: _containers.ScalarMap[str, str]
    def __init__(self, fingerprints: _Optional[_Mapping[str, str]] = ...) -> None: ...

class GetIndexedItemsRequest(_message.Message):
    __slots__ = ("collection", "ids")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    collection: str
    ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, collection: _Optional[str] = ..., ids: _Optional[_Iterable[str]] = ...) -> None: ...

class GetIndexedItemsResponse(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[IndexedItem]
    def __init__(self, items: _Optional[_Iterable[_Union[IndexedItem, _Mapping]]] = ...) -> None: ...

class Probe(_message.Message):
    __slots__ = ("embedding", "item_id", "categories")
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    ITEM_ID_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    embedding: _types_pb2.Embedding
    item_id: str
    categories: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, embedding: _Optional[_Union[_types_pb2.Embedding, _Mapping]] = ..., item_id: _Optional[str] = ..., categories: _Optional[_Iterable[str]] = ...) -> None: ...

class QueryRequest(_message.Message):
    __slots__ = ("collection", "model_digest", "probes", "top_k", "filter", "max_distance", "exact")
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    PROBES_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    MAX_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    collection: str
    model_digest: str
    probes: _containers.RepeatedCompositeFieldContainer[Probe]
    top_k: int
    filter: _types_pb2.Filter
    max_distance: float
    exact: bool
    def __init__(self, collection: _Optional[str] = ..., model_digest: _Optional[str] = ..., probes: _Optional[_Iterable[_Union[Probe, _Mapping]]] = ..., top_k: _Optional[int] = ..., filter: _Optional[_Union[_types_pb2.Filter, _Mapping]] = ..., max_distance: _Optional[float] = ..., exact: _Optional[bool] = ...) -> None: ...

class QueryResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[ProbeMatches]
    def __init__(self, results: _Optional[_Iterable[_Union[ProbeMatches, _Mapping]]] = ...) -> None: ...

class ProbeMatches(_message.Message):
    __slots__ = ("matches",)
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    matches: _containers.RepeatedCompositeFieldContainer[_types_pb2.Match]
    def __init__(self, matches: _Optional[_Iterable[_Union[_types_pb2.Match, _Mapping]]] = ...) -> None: ...

class CreateBackupRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CreateBackupResponse(_message.Message):
    __slots__ = ("name", "size_bytes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    size_bytes: int
    def __init__(self, name: _Optional[str] = ..., size_bytes: _Optional[int] = ...) -> None: ...
