"""A collection from one search service into another, such as one that keeps its items in Milvus."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf.message import Message

from clothing_retrieval import calls, errors
from clothing_retrieval.v1 import catalog_service_pb2 as catalog
from clothing_retrieval.v1 import search_service_pb2 as search
from clothing_retrieval.v1.catalog_service_pb2_grpc import CatalogServiceStub
from clothing_retrieval.v1.search_service_pb2_grpc import SearchServiceStub

_PAGE = 512  # ids that GetFingerprints and DeleteItems take at a time
_WHOLE = 64  # items that GetIndexedItems gives at a time
_TIMEOUT_S = 60.0


class SearchServer:
    """A search service, called directly: a gateway does not offer vectors."""

    def __init__(self, target: str, credentials: grpc.ChannelCredentials | None = None) -> None:
        """``credentials``: for TLS; plain where absent."""
        self.target = target
        self._channel = calls.channel(target, credentials)
        self._search = SearchServiceStub(self._channel)
        self._catalog = CatalogServiceStub(self._channel)

    def collections(self) -> Sequence[catalog.Collection]:
        found: catalog.ListCollectionsResponse = self._call(
            self._catalog.ListCollections, catalog.ListCollectionsRequest()
        )
        return found.collections

    def create(self, name: str, model_digest: str, dimension: int) -> None:
        """Raises FailedPrecondition where there is one of this name for another model."""
        request = search.CreateCollectionRequest(name=name, model_digest=model_digest, dimension=dimension)
        self._call(self._search.CreateCollection, request)

    def ids(self, collection: str) -> Iterator[list[str]]:
        """All of them in order, some hundred at a time."""
        token = ""
        while True:
            request = catalog.ListItemsRequest(collection=collection, page_size=_PAGE, page_token=token)
            page = self._call(self._catalog.ListItems, request)
            if page.items:
                yield [item.id for item in page.items]
            token = page.next_page_token
            if not token:
                return

    def fingerprints(self, collection: str, ids: Sequence[str]) -> dict[str, str]:
        request = search.GetFingerprintsRequest(collection=collection, ids=ids)
        return dict(self._call(self._search.GetFingerprints, request).fingerprints)

    def items(self, collection: str, ids: Sequence[str]) -> Sequence[search.IndexedItem]:
        request = search.GetIndexedItemsRequest(collection=collection, ids=ids)
        found: search.GetIndexedItemsResponse = self._call(self._search.GetIndexedItems, request)
        return found.items

    def upsert(self, collection: str, model_digest: str, items: Sequence[search.IndexedItem]) -> None:
        request = search.UpsertItemsRequest(collection=collection, model_digest=model_digest, items=items)
        self._call(self._search.UpsertItems, request)

    def delete(self, collection: str, ids: Sequence[str]) -> None:
        self._call(self._catalog.DeleteItems, catalog.DeleteItemsRequest(collection=collection, ids=ids))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def _call(self, method: Any, request: Message) -> Any:
        request_id = calls.new_request_id()
        try:
            return method(request, timeout=_TIMEOUT_S, metadata=calls.call_metadata(None, request_id))
        except grpc.RpcError as failed:
            error = errors.from_rpc_error(failed, request_id)
            if isinstance(error, errors.Unavailable) and not error.service:
                error = errors.Unavailable(f"no search service answers at {self.target}")
            raise error from None


@dataclass
class Copied:
    """What became of the items."""

    copied: int = 0
    unchanged: int = 0
    gone: int = 0
    """Items that were deleted from the source before they were read."""
    only_there: int = 0
    """Items that the target has and the source has not."""

    @property
    def settled(self) -> int:
        return self.copied + self.unchanged + self.gone


def copy_collection(
    source: SearchServer,
    target: SearchServer,
    name: str,
    new_name: str,
    *,
    prune: bool = False,
    on_progress: Callable[[Copied, int], None] = lambda copied, total: None,
) -> Copied:
    """Makes the target's collection as the source's. What is the same there already costs no vectors, so that a copy
    that broke off, or whose source changed meanwhile, is simply run again.

    Args:
        name: of the source's collection, or an alias.
        new_name: of the target's.
        prune: delete what only the target has.
        on_progress: is told what was done, and how many items there are.

    Raises:
        RetrievalError: of either service.
    """
    collection = _find(source.collections(), name)
    target.create(new_name, collection.model_digest, collection.dimension)
    done = Copied()
    seen: set[str] = set()
    for ids in source.ids(collection.name):
        seen.update(ids)
        wanted, there = source.fingerprints(collection.name, ids), target.fingerprints(new_name, ids)
        # An empty fingerprint tells nothing.
        changed = [item_id for item_id in ids if not wanted.get(item_id) or wanted[item_id] != there.get(item_id)]
        done.unchanged += len(ids) - len(changed)
        for start in range(0, len(changed), _WHOLE):
            asked = changed[start : start + _WHOLE]
            items = source.items(collection.name, asked)
            if items:
                target.upsert(new_name, collection.model_digest, items)
            done.copied += len(items)
            gone = set(asked).difference(item.item.id for item in items)
            seen -= gone
            done.gone += len(gone)
            on_progress(done, collection.item_count)
        on_progress(done, collection.item_count)
    for ids in list(target.ids(new_name)):
        surplus = [item_id for item_id in ids if item_id not in seen]
        done.only_there += len(surplus)
        if prune and surplus:
            target.delete(new_name, surplus)
    return done


def _find(collections: Sequence[catalog.Collection], name: str) -> catalog.Collection:
    for collection in collections:
        if name == collection.name or name in collection.aliases:
            return collection
    there = ", ".join(collection.name for collection in collections) or "none"
    raise errors.NotFound(f"collection {name!r} does not exist: there are {there}")
