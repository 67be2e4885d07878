"""Calls a gateway, one thread at a time or many at once."""

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from clothing_retrieval import calls, errors
from clothing_retrieval.calls import Deadlines, NewItem, Photo
from clothing_retrieval.v1 import catalog_service_pb2 as catalog
from clothing_retrieval.v1 import retrieval_service_pb2 as retrieval
from clothing_retrieval.v1.catalog_service_pb2_grpc import CatalogServiceStub
from clothing_retrieval.v1.retrieval_service_pb2 import CATEGORY_MATCHING_UNSPECIFIED, CategoryMatching
from clothing_retrieval.v1.retrieval_service_pb2_grpc import RetrievalServiceStub
from clothing_retrieval.v1.types_pb2 import Filter, Item

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


class Client:
    """A gateway, from code that waits.

        with Client("127.0.0.1:50050") as client:
            for garment in client.search("street.jpg").results:
                print(garment.garment.category, [match.item.title for match in garment.matches])

    Safe to share between threads. Every call raises a RetrievalError (see ``clothing_retrieval.errors``) where it
    fails, and has a deadline: its ``timeout_s``, or what ``deadlines`` says for its kind.
    """

    def __init__(
        self,
        target: str = calls.DEFAULT_TARGET,
        *,
        api_key: str | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        """Connects when it is first used.

        Args:
            target: "host:port" (every address it resolves to gets its share) or "unix:/path".
            api_key: sent with every call.
            credentials: for TLS; plain where absent.
            deadlines: how long calls may take.
        """
        self.target = target
        self._api_key = api_key
        self._deadlines = deadlines or Deadlines()
        self._channel = calls.channel(target, credentials)
        self._retrieval = RetrievalServiceStub(self._channel)
        self._catalog = CatalogServiceStub(self._channel)
        self._health = health_pb2_grpc.HealthStub(self._channel)

    def search(
        self,
        photo: Photo,
        *,
        collection: str = "",
        top_k: int = 5,
        categories: Sequence[str] = (),
        filter: Filter | None = None,
        max_distance: float | None = None,
        whole_image: bool = False,
        category_matching: CategoryMatching = CATEGORY_MATCHING_UNSPECIFIED,
        include_cutouts: bool = False,
        include_masks: bool = False,
        include_alternatives: bool = False,
        skip_cache: bool = False,
        timeout_s: float | None = None,
    ) -> retrieval.SearchResponse:
        """The items most like each garment in a photo, largest garment first.

        Args:
            photo: a path, the bytes of an image file, or a picture of Pillow's.
            collection: a name or an alias; empty: "default".
            top_k: items for each garment, 1 to 100.
            categories: only garments of these; none: all.
            filter: only items that meet it.
            max_distance: items farther than this are left out, in [0, 2].
            whole_image: take the photo as it is, without looking for garments.
            category_matching: what a garment's category means for its matches.
            include_cutouts: answer with each garment cut out.
            include_masks: answer with each garment's mask, as a PNG.
            include_alternatives: search also for what else the parser could see; takes up to twice the time.
            skip_cache: ask the models even where the gateway remembers the photo, as one does to measure.
            timeout_s: how long to wait.
        """
        request = calls.search_request(
            photo,
            collection=collection,
            top_k=top_k,
            categories=categories,
            filter=filter,
            max_distance=max_distance,
            whole_image=whole_image,
            category_matching=category_matching,
            include_cutouts=include_cutouts,
            include_masks=include_masks,
            include_alternatives=include_alternatives,
            skip_cache=skip_cache,
        )
        return self._call(self._retrieval.Search, request, timeout_s or self._deadlines.search_s)

    def search_by_item(
        self,
        item_id: str,
        *,
        collection: str = "",
        top_k: int = 5,
        filter: Filter | None = None,
        max_distance: float | None = None,
        timeout_s: float | None = None,
    ) -> retrieval.SearchByItemResponse:
        """The items most like one that the catalogue has; that one is left out."""
        request = calls.search_by_item_request(
            item_id, collection=collection, top_k=top_k, filter=filter, max_distance=max_distance
        )
        return self._call(self._retrieval.SearchByItem, request, timeout_s or self._deadlines.search_s)

    def import_items(
        self,
        items: Iterable[NewItem | retrieval.ImportItemsRequest],
        *,
        collection: str = "",
        timeout_s: float | None = None,
    ) -> Generator[retrieval.ImportItemsResponse, None, None]:
        """Imports items as they come and yields an answer for each, in any order.

        ``items`` is taken from in another thread, no faster than the gateway accepts. Where it raises, that is raised
        here when all items before have been answered. An item that was refused is an answer with a status, not an
        exception: ``errors.from_status(response.status)`` tells which.
        """
        request_id = calls.new_request_id()
        source = _Source(items, collection)
        call = self._retrieval.ImportItems(
            iter(source),
            timeout=timeout_s or self._deadlines.import_s,
            metadata=calls.call_metadata(self._api_key, request_id),
        )
        try:
            yield from call
        except grpc.RpcError as error:
            raise errors.from_rpc_error(error, request_id) from None
        finally:
            call.cancel()
        source.check()

    def get_pipeline(self, *, timeout_s: float | None = None) -> retrieval.GetPipelineResponse:
        """The models behind the gateway, and the collections."""
        return self._read(self._retrieval.GetPipeline, retrieval.GetPipelineRequest(), timeout_s)

    def list_collections(self, *, timeout_s: float | None = None) -> Sequence[catalog.Collection]:
        return self._read(self._catalog.ListCollections, catalog.ListCollectionsRequest(), timeout_s).collections

    def delete_collection(self, name: str, *, timeout_s: float | None = None) -> None:
        """Deletes a collection with all its items."""
        self._write(self._catalog.DeleteCollection, catalog.DeleteCollectionRequest(name=name), timeout_s)

    def set_alias(self, alias: str, collection: str, *, timeout_s: float | None = None) -> str:
        """Points a name at a collection ("": removes it). Returns the one it pointed at before, if any."""
        request = catalog.SetAliasRequest(alias=alias, collection=collection)
        return self._write(self._catalog.SetAlias, request, timeout_s).previous_collection

    def get_item(self, item_id: str, *, collection: str = "", timeout_s: float | None = None) -> Item:
        request = catalog.GetItemRequest(collection=collection, id=item_id)
        return self._read(self._catalog.GetItem, request, timeout_s).item

    def list_items(
        self,
        *,
        collection: str = "",
        filter: Filter | None = None,
        page_size: int = 500,
        timeout_s: float | None = None,
    ) -> Iterator[Item]:
        """All items in the order of their ids, a page at a time. ``timeout_s`` is for each page."""
        token = ""
        while True:
            page = self.items_page(
                collection=collection, filter=filter, page_size=page_size, page_token=token, timeout_s=timeout_s
            )
            yield from page.items
            if not (token := page.next_page_token):
                return

    def items_page(
        self,
        *,
        collection: str = "",
        filter: Filter | None = None,
        page_size: int = 100,
        page_token: str = "",
        timeout_s: float | None = None,
    ) -> catalog.ListItemsResponse:
        """One page of the items in the order of their ids; the answer has the token of the next, or none on the last.

        Args:
            page_size: at most 1000.
            page_token: of the page before; empty: the first page.
        """
        request = catalog.ListItemsRequest(
            collection=collection, filter=filter, page_size=page_size, page_token=page_token
        )
        return self._read(self._catalog.ListItems, request, timeout_s)

    def get_picture(self, item_id: str, *, collection: str = "", timeout_s: float | None = None) -> bytes:
        """The small JPEG that was stored with an item. Raises NotFound where there is none."""
        request = catalog.GetPictureRequest(collection=collection, id=item_id)
        return self._read(self._catalog.GetPicture, request, timeout_s).jpeg

    def delete_items(self, ids: Sequence[str], *, collection: str = "", timeout_s: float | None = None) -> int:
        """Deletes up to 512 items; returns how many there were."""
        request = catalog.DeleteItemsRequest(collection=collection, ids=ids)
        return self._write(self._catalog.DeleteItems, request, timeout_s).deleted

    def wait_ready(self, timeout_s: float = 30.0) -> None:
        """Returns as soon as a search would succeed. Raises Unavailable when it does not within ``timeout_s``."""
        until = time.monotonic() + timeout_s
        cause: errors.RetrievalError | None = None
        while (left := until - time.monotonic()) > 0:
            try:
                response = self._health.Check(health_pb2.HealthCheckRequest(), timeout=min(left, calls.HEALTH_S))
                if response.status == health_pb2.HealthCheckResponse.SERVING:
                    return
                cause = None
            except grpc.RpcError as error:
                cause = errors.from_rpc_error(error)
            time.sleep(min(calls.HEALTH_POLL_S, max(0.0, until - time.monotonic())))
        raise calls.not_ready(self.target, timeout_s, cause)

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(
        self, method: "grpc.UnaryUnaryMultiCallable[Request, Response]", request: Request, timeout_s: float | None
    ) -> Response:
        return self._call(method, request, timeout_s or self._deadlines.read_s)

    def _write(
        self, method: "grpc.UnaryUnaryMultiCallable[Request, Response]", request: Request, timeout_s: float | None
    ) -> Response:
        return self._call(method, request, timeout_s or self._deadlines.write_s)

    def _call(
        self, method: "grpc.UnaryUnaryMultiCallable[Request, Response]", request: Request, timeout_s: float
    ) -> Response:
        request_id = calls.new_request_id()
        try:
            return method(request, timeout=timeout_s, metadata=calls.call_metadata(self._api_key, request_id))
        except grpc.RpcError as error:
            raise errors.from_rpc_error(error, request_id) from None


class _Source:
    """The caller's items as messages. An exception among them ends the stream instead of breaking it."""

    def __init__(self, items: Iterable[NewItem | retrieval.ImportItemsRequest], collection: str) -> None:
        self._items = items
        self._collection = collection
        self._failure: Exception | None = None

    def __iter__(self) -> Iterator[retrieval.ImportItemsRequest]:
        try:
            for item in self._items:
                yield calls.import_request(item, self._collection)
        except Exception as error:  # noqa: BLE001 - raised to the caller by check()
            self._failure = error

    def check(self) -> None:
        if self._failure is not None:
            raise self._failure
