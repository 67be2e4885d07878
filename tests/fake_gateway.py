"""A gateway without services behind it: a real server on a free port that remembers items and fails when told to."""

import io
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from types import TracebackType
from typing import Any, Self, TypeAlias

import grpc
import PIL.Image
import PIL.ImageDraw
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import HealthServicer
from grpc_status import rpc_status

from clothing_retrieval.v1 import catalog_service_pb2, catalog_service_pb2_grpc, retrieval_service_pb2_grpc
from clothing_retrieval.v1 import retrieval_service_pb2 as retrieval
from clothing_retrieval.v1.types_pb2 import Box, Condition, Filter, Garment, Item, Match, Model, Pixels

Answer: TypeAlias = retrieval.ImportItemsResponse | status_pb2.Status | None
Context = grpc.ServicerContext


def status(code: grpc.StatusCode, message: str, *details: Any, reason: str = "", **facts: str) -> status_pb2.Status:
    """A status as the services make it: an ErrorInfo and what else belongs to it."""
    packed = []
    for detail in (error_details_pb2.ErrorInfo(reason=reason, domain="clothing-retrieval", metadata=facts), *details):
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=code.value[0], message=message, details=packed)


class FakeGateway(retrieval_service_pb2_grpc.RetrievalServiceServicer, catalog_service_pb2_grpc.CatalogServiceServicer):
    """With ``failures[method]``, a call answers with the next status there; ``on_import`` may answer for an item
    (a status here breaks the whole stream). A garment finds the items of ``found[its category]``, or else all, of
    those that meet the filter."""

    def __init__(self, port: int = 0, credentials: grpc.ServerCredentials | None = None) -> None:
        self.items: dict[str, Item] = {}
        self.pictures: dict[str, bytes] = {}
        self.requests: list[Any] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.deadlines: list[float | None] = []
        self.failures: dict[str, deque[status_pb2.Status]] = defaultdict(deque)
        self.on_import: Callable[[retrieval.ImportItemsRequest], Answer] = _accept
        self.whole_photo = False
        self.found: dict[str, list[str]] = {}
        self._health = HealthServicer()
        self._server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
        retrieval_service_pb2_grpc.add_RetrievalServiceServicer_to_server(self, self._server)
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(self, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        wanted = f"127.0.0.1:{port}"
        bound = (
            self._server.add_secure_port(wanted, credentials) if credentials else self._server.add_insecure_port(wanted)
        )
        self.target = f"127.0.0.1:{bound}"
        self.serving(True)

    def serving(self, yes: bool) -> None:
        state = health_pb2.HealthCheckResponse
        self._health.set("", state.SERVING if yes else state.NOT_SERVING)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self._server.stop(None).wait()

    def Search(self, request: retrieval.SearchRequest, context: Context) -> retrieval.SearchResponse:
        self._begin("Search", request, context)
        if self.whole_photo or request.whole_image:
            whole = Garment(area=1.0, box=Box(width=120, height=160))
            return retrieval.SearchResponse(results=[self._garment_matches(whole, request)])
        garments = [
            Garment(category="dress", confidence=0.93, area=0.3, box=Box(x=20, y=20, width=60, height=90)),
            Garment(category="bag", confidence=0.61, area=0.05, box=Box(x=80, y=100, width=30, height=30)),
        ]
        if request.include_alternatives:
            skirt = Box(x=20, y=60, width=60, height=50)
            garments.append(Garment(category="skirt", confidence=0.4, area=0.2, box=skirt, alternative=True))
        for garment in garments:
            box = garment.box
            if request.include_masks:
                garment.mask_png = _mask(box)
            if request.include_cutouts:
                garment.cutout.CopyFrom(Pixels(width=8, height=8, rgb=bytes(range(192))))
        return retrieval.SearchResponse(results=[self._garment_matches(garment, request) for garment in garments])

    def SearchByItem(self, request: retrieval.SearchByItemRequest, context: Context) -> retrieval.SearchByItemResponse:
        self._begin("SearchByItem", request, context)
        if request.id not in self.items:
            self._not_found("item", request.id, context)
        others = [match for match in self._matches(100, request.filter) if match.item.id != request.id]
        return retrieval.SearchByItemResponse(matches=others[: request.top_k])

    def ImportItems(
        self, request_iterator: Iterable[retrieval.ImportItemsRequest], context: Context
    ) -> Iterator[retrieval.ImportItemsResponse]:
        self._begin("ImportItems", None, context)
        for request in request_iterator:
            self.requests.append(request)
            answer = self.on_import(request)
            if isinstance(answer, status_pb2.Status):
                context.abort_with_status(rpc_status.to_status(answer))
            yield answer or self._store(request)

    def GetPipeline(self, request: retrieval.GetPipelineRequest, context: Context) -> retrieval.GetPipelineResponse:
        self._begin("GetPipeline", request, context)
        return retrieval.GetPipelineResponse(
            segment_model=Model(name="parser", digest="aa"), embed_model=Model(name="embedder", digest="bb")
        )

    def ListCollections(
        self, request: catalog_service_pb2.ListCollectionsRequest, context: Context
    ) -> catalog_service_pb2.ListCollectionsResponse:
        self._begin("ListCollections", request, context)
        collection = catalog_service_pb2.Collection(
            name="default",
            aliases=["live"],
            model_digest="bb",
            item_count=len(self.items),
            view_count=len(self.items),
            items_by_category=Counter(item.category for item in self.items.values()),
        )
        return catalog_service_pb2.ListCollectionsResponse(collections=[collection])

    def DeleteCollection(
        self, request: catalog_service_pb2.DeleteCollectionRequest, context: Context
    ) -> catalog_service_pb2.DeleteCollectionResponse:
        self._begin("DeleteCollection", request, context)
        self.items.clear()
        return catalog_service_pb2.DeleteCollectionResponse()

    def SetAlias(
        self, request: catalog_service_pb2.SetAliasRequest, context: Context
    ) -> catalog_service_pb2.SetAliasResponse:
        self._begin("SetAlias", request, context)
        return catalog_service_pb2.SetAliasResponse(previous_collection="before")

    def GetItem(
        self, request: catalog_service_pb2.GetItemRequest, context: Context
    ) -> catalog_service_pb2.GetItemResponse:
        self._begin("GetItem", request, context)
        if request.id not in self.items:
            self._not_found("item", request.id, context)
        return catalog_service_pb2.GetItemResponse(item=self.items[request.id])

    def ListItems(
        self, request: catalog_service_pb2.ListItemsRequest, context: Context
    ) -> catalog_service_pb2.ListItemsResponse:
        self._begin("ListItems", request, context)
        kept = [item for item in self.items.values() if _meets(item, request.filter)]
        after = sorted((item for item in kept if item.id > request.page_token), key=lambda item: item.id)
        page = after[: request.page_size or 100]
        token = page[-1].id if len(page) < len(after) else ""
        return catalog_service_pb2.ListItemsResponse(items=page, next_page_token=token)

    def GetPicture(
        self, request: catalog_service_pb2.GetPictureRequest, context: Context
    ) -> catalog_service_pb2.GetPictureResponse:
        self._begin("GetPicture", request, context)
        if not self.pictures.get(request.id):
            self._not_found("picture", request.id, context)
        return catalog_service_pb2.GetPictureResponse(jpeg=self.pictures[request.id])

    def DeleteItems(
        self, request: catalog_service_pb2.DeleteItemsRequest, context: Context
    ) -> catalog_service_pb2.DeleteItemsResponse:
        self._begin("DeleteItems", request, context)
        known = [id for id in request.ids if self.items.pop(id, None)]
        return catalog_service_pb2.DeleteItemsResponse(deleted=len(known))

    def _begin(self, method: str, request: Any, context: Context) -> None:
        self.metadata.append({datum[0]: datum[1] for datum in context.invocation_metadata()})
        self.deadlines.append(context.time_remaining())
        if request is not None:
            self.requests.append(request)
        if self.failures[method]:
            context.abort_with_status(rpc_status.to_status(self.failures[method].popleft()))

    def _not_found(self, kind: str, name: str, context: Context) -> None:
        info = error_details_pb2.ResourceInfo(resource_type=kind, resource_name=name)
        failure = status(
            grpc.StatusCode.NOT_FOUND, f"{kind} {name!r} does not exist", info, reason=f"{kind.upper()}_NOT_FOUND"
        )
        context.abort_with_status(rpc_status.to_status(failure))

    def _store(self, request: retrieval.ImportItemsRequest) -> retrieval.ImportItemsResponse:
        before = self.items.get(request.item.id)
        self.items[request.item.id] = request.item
        self.pictures[request.item.id] = request.picture_jpeg
        outcome = retrieval.IMPORT_OUTCOME_CREATED
        if before is not None:
            same = before == request.item
            outcome = retrieval.IMPORT_OUTCOME_UNCHANGED if same else retrieval.IMPORT_OUTCOME_UPDATED
        return retrieval.ImportItemsResponse(id=request.item.id, outcome=outcome)

    def _garment_matches(self, garment: Garment, request: retrieval.SearchRequest) -> retrieval.GarmentMatches:
        ids = self.found.get(garment.category)
        return retrieval.GarmentMatches(garment=garment, matches=self._matches(request.top_k, request.filter, ids))

    def _matches(self, top_k: int, filter: Filter, ids: list[str] | None = None) -> list[Match]:
        known = [self.items[id] for id in (sorted(self.items) if ids is None else ids)]
        nearest = [item for item in known if _meets(item, filter)][: top_k or 5]
        return [Match(item=item, distance=0.1 * (rank + 1)) for rank, item in enumerate(nearest)]


def _meets(item: Item, filter: Filter) -> bool:
    return all(_meets_condition(item, condition) for condition in filter.all_of)


def _meets_condition(item: Item, condition: Condition) -> bool:
    if condition.HasField("any_of"):
        value = getattr(item, condition.field)
        text = str(value).lower() if isinstance(value, bool) else value
        return text in condition.any_of.values
    price = item.sale_price if item.HasField("sale_price") else item.price
    bounds = condition.range
    return (not bounds.HasField("min") or price >= bounds.min) and (not bounds.HasField("max") or price <= bounds.max)


def _accept(request: retrieval.ImportItemsRequest) -> Answer:
    return None


def refusal(id: str, why: status_pb2.Status) -> retrieval.ImportItemsResponse:
    return retrieval.ImportItemsResponse(id=id, status=why, outcome=retrieval.IMPORT_OUTCOME_FAILED)


def picture(color: str = "firebrick", size: tuple[int, int] = (120, 160), kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", size, color).save(buffer, kind)
    return buffer.getvalue()


def _mask(box: Box) -> bytes:
    mask = PIL.Image.new("1", (120, 160))
    corners = (box.x, box.y, box.x + box.width, box.y + box.height)
    PIL.ImageDraw.Draw(mask).ellipse(corners, fill=1)
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()
