"""Requests as plain values, checked field by field. Whatever is wrong is an InvalidField with the field's path."""

import base64
import binascii
import math
from collections.abc import Sequence

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp

from clothing_retrieval.v1 import catalog_service_pb2, search_service_pb2, types_pb2
from search_service.fields import Fields
from search_service.filters import AnyOf, Condition, Filter, Range, compile_filter
from search_service.names import Collection
from search_service.records import Matrix, Probe, Query, Record
from search_service.vectors import unit_vectors
from serving.errors import InvalidField, ModelMismatch

MAX_BATCH = 512
MAX_WHOLE = 64
MAX_VIEWS = 16
MAX_PROBES = 64
MAX_CATEGORIES = 64
MAX_TOP_K = 100
DEFAULT_TOP_K = 5
MAX_PAGE = 1000
DEFAULT_PAGE = 100
MAX_DIMENSION = 4096
MAX_ID = 128
MAX_TEXT = 128
MAX_PICTURE_BYTES = 64 << 10
MAX_ITEM_BYTES = 48_000  # in base64 it fits into one text of Milvus
SAME = 0.05
"""Views of an item that are no farther apart are stored once: no distance can change by more.

A photo's vector moves by 0.04 (median) when it is compressed again at quality 75, by 0.09 when it is mirrored.
"""


def model_and_dimension(request: search_service_pb2.CreateCollectionRequest) -> tuple[str, int]:
    if not 1 <= len(request.model_digest) <= MAX_TEXT:
        raise InvalidField("model_digest", f"must have 1 to {MAX_TEXT} characters")
    _between("dimension", request.dimension, 1, MAX_DIMENSION)
    return request.model_digest, request.dimension


def records(request: search_service_pb2.UpsertItemsRequest, collection: Collection) -> list[Record]:
    _confirm_model(collection, request.model_digest)
    _count("items", len(request.items), MAX_BATCH)
    now = Timestamp()
    now.GetCurrentTime()
    first: dict[str, int] = {}
    for i, indexed in enumerate(request.items):
        _check_indexed(indexed, f"items[{i}]")
        if first.setdefault(indexed.item.id, i) != i:
            raise InvalidField(f"items[{i}].item.id", f"repeats the id of items[{first[indexed.item.id]}]")
        indexed.item.update_time.CopyFrom(now)
    places = [(i, j) for i, indexed in enumerate(request.items) for j in range(len(indexed.views))]
    vectors = unit_vectors(
        [view.embedding.values for indexed in request.items for view in indexed.views],
        collection.dimension,
        lambda row: "items[{}].views[{}].embedding.values".format(*places[row]),
    )
    made, start = [], 0
    for i, indexed in enumerate(request.items):
        end = start + len(indexed.views)
        made.append(_record(indexed, f"items[{i}]", vectors[start:end]))
        start = end
    return made


def query(request: search_service_pb2.QueryRequest, collection: Collection) -> Query:
    _count("probes", len(request.probes), MAX_PROBES)
    for i, probe in enumerate(request.probes):
        _check_probe(probe, f"probes[{i}]")
    _between("top_k", request.top_k, 0, MAX_TOP_K)
    max_distance = request.max_distance if request.HasField("max_distance") else None
    if max_distance is not None and not max_distance >= 0:
        raise InvalidField("max_distance", f"{max_distance:g} must be at least 0")
    embedded = [i for i, probe in enumerate(request.probes) if probe.HasField("embedding")]
    if embedded or request.model_digest:
        _confirm_model(collection, request.model_digest)
    vectors = unit_vectors(
        [request.probes[i].embedding.values for i in embedded],
        collection.dimension,
        lambda row: f"probes[{embedded[row]}].embedding.values",
    )
    rows = {position: vectors[row : row + 1] for row, position in enumerate(embedded)}
    probes = [Probe(rows.get(i), probe.item_id, tuple(probe.categories)) for i, probe in enumerate(request.probes)]
    return Query(probes, request.top_k or DEFAULT_TOP_K, filter_of(request.filter), max_distance, request.exact)


def filter_of(message: types_pb2.Filter) -> Filter:
    return compile_filter([_condition(condition) for condition in message.all_of])


def page_size(request: catalog_service_pb2.ListItemsRequest) -> int:
    _between("page_size", request.page_size, 0, MAX_PAGE)
    return request.page_size or DEFAULT_PAGE


def page_token(last_id: str) -> str:
    """Where the next page begins: after this id."""
    return base64.urlsafe_b64encode(last_id.encode()).decode()


def page_start(token: str) -> str:
    """The id that ``page_token`` was made from; empty for the first page."""
    try:
        return base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise InvalidField("page_token", "is none that ListItems gave") from None


def item_id(value: str, path: str = "id") -> str:
    if not 1 <= len(value) <= MAX_ID:
        raise InvalidField(path, f"has {len(value)} characters, must have 1 to {MAX_ID}")
    return value


def item_ids(values: Sequence[str], most: int = MAX_BATCH) -> list[str]:
    _count("ids", len(values), most)
    return [item_id(value, f"ids[{i}]") for i, value in enumerate(values)]


def _check_indexed(indexed: search_service_pb2.IndexedItem, path: str) -> None:
    item_id(indexed.item.id, f"{path}.item.id")
    for name in ("price", "sale_price"):
        price = getattr(indexed.item, name)
        if not (math.isfinite(price) and price >= 0):
            raise InvalidField(f"{path}.item.{name}", f"{price:g} must be a finite number, at least 0")
    _count(f"{path}.views", len(indexed.views), MAX_VIEWS)
    for j, view in enumerate(indexed.views):
        if len(view.category) > MAX_TEXT:
            raise InvalidField(f"{path}.views[{j}].category", f"must have at most {MAX_TEXT} characters")
    if len(indexed.fingerprint) > MAX_TEXT:
        raise InvalidField(f"{path}.fingerprint", f"must have at most {MAX_TEXT} characters")
    if len(indexed.picture_jpeg) > MAX_PICTURE_BYTES:
        raise InvalidField(
            f"{path}.picture_jpeg", f"has {len(indexed.picture_jpeg)} bytes, must have at most {MAX_PICTURE_BYTES}"
        )


def _record(indexed: search_service_pb2.IndexedItem, path: str, vectors: Matrix) -> Record:
    item = indexed.item
    message = item.SerializeToString()
    if len(message) > MAX_ITEM_BYTES:
        raise InvalidField(f"{path}.item", f"has {len(message)} bytes, must have at most {MAX_ITEM_BYTES}")
    categories = [view.category for view in indexed.views]
    kept = _distinct(categories, vectors)
    return Record(
        id=item.id,
        fields=Fields(
            category=item.category,
            gender=item.gender,
            currency=item.currency,
            price=item.price if item.HasField("price") else None,
            sale_price=item.sale_price if item.HasField("sale_price") else None,
            in_stock=item.in_stock if item.HasField("in_stock") else None,
        ),
        attributes=dict(item.attributes),
        message=message,
        fingerprint=indexed.fingerprint,
        picture=indexed.picture_jpeg,
        view_categories=[categories[ordinal] for ordinal in kept],
        view_ordinals=kept,
        vectors=vectors[kept],
    )


def _distinct(categories: Sequence[str], vectors: Matrix) -> list[int]:
    """The views that are not the SAME as one before them in their category."""
    kept: list[int] = []
    for ordinal, category in enumerate(categories):
        alike = (other for other in kept if categories[other] == category)
        if not any(np.linalg.norm(vectors[other] - vectors[ordinal]) <= SAME for other in alike):
            kept.append(ordinal)
    return kept


def _check_probe(probe: search_service_pb2.Probe, path: str) -> None:
    at = probe.WhichOneof("at")
    if at is None:
        raise InvalidField(path, "needs an embedding or an item_id")
    if at == "item_id":
        item_id(probe.item_id, f"{path}.item_id")
    if len(probe.categories) > MAX_CATEGORIES:
        raise InvalidField(f"{path}.categories", f"has {len(probe.categories)}, must have at most {MAX_CATEGORIES}")


def _condition(message: types_pb2.Condition) -> Condition:
    test: AnyOf | Range | None = None
    if message.HasField("any_of"):
        test = AnyOf(tuple(message.any_of.values))
    elif message.HasField("range"):
        bounds = message.range
        test = Range(bounds.min if bounds.HasField("min") else None, bounds.max if bounds.HasField("max") else None)
    return Condition(message.field, test)


def _confirm_model(collection: Collection, digest: str) -> None:
    if digest != collection.model_digest:
        raise ModelMismatch(collection.name, collection.model_digest, digest)


def _count(path: str, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise InvalidField(path, f"has {count}, must have 1 to {most}")


def _between(path: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InvalidField(path, f"{value} must be {least} to {most}")
