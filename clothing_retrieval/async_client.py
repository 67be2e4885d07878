"""Calls a gateway from asyncio."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Sequence
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

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
_New = NewItem | retrieval.ImportItemsRequest
Items = Iterable[_New] | AsyncIterable[_New]
_ImportCall: TypeAlias = "grpc.aio.StreamStreamCall[retrieval.ImportItemsRequest, retrieval.ImportItemsResponse]"

BROKEN_STREAM = "the stream broke while items were being sent"
_BROKEN_WRITE = "Internal error from Core"


class AsyncClient:
    """A gateway, from asyncio.

        async with AsyncClient("127.0.0.1:50050") as client:
            response = await client.search("street.jpg")
            print([(found.garment.category, len(found.matches)) for found in response.results])

    Every call raises a RetrievalError (see ``clothing_retrieval.errors``) where it
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
        name, options = calls.channel_target(target), calls.channel_options(target)
        self._channel = (
            grpc.aio.secure_channel(name, credentials, options)
            if credentials
            else grpc.aio.insecure_channel(name, options)
        )
        self._retrieval = RetrievalServiceStub(self._channel)
        self._catalog = CatalogServiceStub(self._channel)
        self._health = health_pb2_grpc.HealthStub(self._channel)

    async def search(
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
        request = await asyncio.to_thread(
            calls.search_request,
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
        return await self._call(self._retrieval.Search, request, timeout_s or self._deadlines.search_s)

    async def search_by_item(
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
        return await self._call(self._retrieval.SearchByItem, request, timeout_s or self._deadlines.search_s)

    async def import_items(
        self,
        items: Items,
        *,
        collection: str = "",
        timeout_s: float | None = None,
    ) -> AsyncGenerator[retrieval.ImportItemsResponse, None]:
        """Imports items as they come and yields an answer for each, in any order.

        ``items``, an iterable of either kind, is taken from no faster than the gateway accepts. Where it raises, that
        is raised here when all items before have been answered. An item that was refused is an answer with a status,
        not an exception: ``errors.from_status(response.status)`` tells which.
        """
        request_id = calls.new_request_id()
        call = self._retrieval.ImportItems(
            timeout=timeout_s or self._deadlines.import_s,
            metadata=calls.call_metadata(self._api_key, request_id),
        )
        feeding = asyncio.create_task(_feed(call, items, collection))
        try:
            async for response in call:
                yield response
            if failure := await feeding:
                raise failure
        except grpc.aio.AioRpcError as error:
            raise _import_failure(error, request_id) from None
        finally:
            call.cancel()
            feeding.cancel()  # grpc itself would go on taking from an iterator of a call that has ended
            await asyncio.wait((feeding,))

    async def get_pipeline(self, *, timeout_s: float | None = None) -> retrieval.GetPipelineResponse:
        """The models behind the gateway, and the collections."""
        return await self._read(self._retrieval.GetPipeline, retrieval.GetPipelineRequest(), timeout_s)

    async def list_collections(self, *, timeout_s: float | None = None) -> Sequence[catalog.Collection]:
        return (
            await self._read(self._catalog.ListCollections, catalog.ListCollectionsRequest(), timeout_s)
        ).collections

    async def delete_collection(self, name: str, *, timeout_s: float | None = None) -> None:
        """Deletes a collection with all its items."""
        await self._write(self._catalog.DeleteCollection, catalog.DeleteCollectionRequest(name=name), timeout_s)

    async def set_alias(self, alias: str, collection: str, *, timeout_s: float | None = None) -> str:
        """Points a name at a collection ("": removes it). Returns the one it pointed at before, if any."""
        request = catalog.SetAliasRequest(alias=alias, collection=collection)
        return (await self._write(self._catalog.SetAlias, request, timeout_s)).previous_collection

    async def get_item(self, item_id: str, *, collection: str = "", timeout_s: float | None = None) -> Item:
        request = catalog.GetItemRequest(collection=collection, id=item_id)
        return (await self._read(self._catalog.GetItem, request, timeout_s)).item

    async def list_items(
        self,
        *,
        collection: str = "",
        filter: Filter | None = None,
        page_size: int = 500,
        timeout_s: float | None = None,
    ) -> AsyncIterator[Item]:
        """All items in the order of their ids, a page at a time. ``timeout_s`` is for each page."""
        token = ""
        while True:
            page = await self.items_page(
                collection=collection, filter=filter, page_size=page_size, page_token=token, timeout_s=timeout_s
            )
            for item in page.items:
                yield item
            if not (token := page.next_page_token):
                return

    async def items_page(
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
        return await self._read(self._catalog.ListItems, request, timeout_s)

    async def get_picture(self, item_id: str, *, collection: str = "", timeout_s: float | None = None) -> bytes:
        """The small JPEG that was stored with an item. Raises NotFound where there is none."""
        request = catalog.GetPictureRequest(collection=collection, id=item_id)
        return (await self._read(self._catalog.GetPicture, request, timeout_s)).jpeg

    async def delete_items(self, ids: Sequence[str], *, collection: str = "", timeout_s: float | None = None) -> int:
        """Deletes up to 512 items; returns how many there were."""
        request = catalog.DeleteItemsRequest(collection=collection, ids=ids)
        return (await self._write(self._catalog.DeleteItems, request, timeout_s)).deleted

    async def wait_ready(self, timeout_s: float = 30.0) -> None:
        """Returns as soon as a search would succeed. Raises Unavailable when it does not within ``timeout_s``."""
        until = time.monotonic() + timeout_s
        cause: errors.RetrievalError | None = None
        while (left := until - time.monotonic()) > 0:
            try:
                response = await self._health.Check(health_pb2.HealthCheckRequest(), timeout=min(left, calls.HEALTH_S))
                if response.status == health_pb2.HealthCheckResponse.SERVING:
                    return
                cause = None
            except grpc.RpcError as error:
                cause = errors.from_rpc_error(error)
            await asyncio.sleep(min(calls.HEALTH_POLL_S, max(0.0, until - time.monotonic())))
        raise calls.not_ready(self.target, timeout_s, cause)

    async def close(self) -> None:
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _read(
        self, method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]", request: Request, timeout_s: float | None
    ) -> Response:
        return await self._call(method, request, timeout_s or self._deadlines.read_s)

    async def _write(
        self, method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]", request: Request, timeout_s: float | None
    ) -> Response:
        return await self._call(method, request, timeout_s or self._deadlines.write_s)

    async def _call(
        self, method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]", request: Request, timeout_s: float
    ) -> Response:
        request_id = calls.new_request_id()
        try:
            return await method(request, timeout=timeout_s, metadata=calls.call_metadata(self._api_key, request_id))
        except grpc.RpcError as error:
            raise errors.from_rpc_error(error, request_id) from None


def _import_failure(error: grpc.aio.AioRpcError, request_id: str) -> errors.RetrievalError:
    """Where an item is sent just as the server ends the call, grpc.aio puts an INTERNAL of its own in the place of the
    server's status: all that is known is that the stream broke, and a repetition will tell why."""
    if error.details() == _BROKEN_WRITE:
        return errors.Unavailable(BROKEN_STREAM, request_id=request_id)
    return errors.from_rpc_error(error, request_id)


async def _feed(call: _ImportCall, items: Items, collection: str) -> Exception | None:
    """Sends the items, then says that these are all. Returns what the source raised, if it did."""
    failure: Exception | None = None
    try:
        async for item in _each(items):
            message = await asyncio.to_thread(calls.import_request, item, collection)
            try:
                await call.write(message)
            except (grpc.RpcError, asyncio.InvalidStateError):  # the call has ended: reading it tells why
                return None
    except Exception as error:  # noqa: BLE001 - raised to the caller when the items before are answered
        failure = error
    with contextlib.suppress(grpc.RpcError, asyncio.InvalidStateError):
        await call.done_writing()
    return failure


async def _each(items: Items) -> AsyncIterator[_New]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
