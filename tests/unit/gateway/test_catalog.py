from typing import Any

import grpc
import pytest

from clothing_retrieval.v1 import catalog_service_pb2 as pb
from serving.errors import NotFound, Unavailable
from tests.servers import details
from tests.unit.gateway.fake_stages import gateway


@pytest.mark.parametrize(
    ("method", "request_", "expected"),
    [
        ("ListCollections", pb.ListCollectionsRequest(), pb.ListCollectionsResponse()),
        ("DeleteCollection", pb.DeleteCollectionRequest(name="a"), pb.DeleteCollectionResponse()),
        ("SetAlias", pb.SetAliasRequest(alias="a"), pb.SetAliasResponse(previous_collection="a")),
        ("ListItems", pb.ListItemsRequest(page_token="a"), pb.ListItemsResponse(next_page_token="after a")),
        ("GetPicture", pb.GetPictureRequest(id="a"), pb.GetPictureResponse(jpeg=b"jpeg")),
        ("DeleteItems", pb.DeleteItemsRequest(ids=["a", "b"]), pb.DeleteItemsResponse(deleted=2)),
    ],
)
async def test_each_call_is_forwarded_as_it_comes(method: str, request_: Any, expected: Any) -> None:
    async with gateway() as front:
        assert await getattr(front.catalog, method)(request_) == expected
        assert front.stages.last(method) == request_


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("DeleteCollection", pb.DeleteCollectionRequest(name="a")),
        ("SetAlias", pb.SetAliasRequest(alias="a")),
        ("DeleteItems", pb.DeleteItemsRequest(ids=["a"])),
    ],
)
async def test_what_writes_is_not_repeated(method: str, request_: Any) -> None:
    async def breaks(request: Any) -> None:
        raise Unavailable("search", "restarting, and had done it")

    async with gateway() as front:
        front.stages.on[method] = breaks
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await getattr(front.catalog, method)(request_)
        assert seen.value.code() is grpc.StatusCode.UNAVAILABLE
        assert front.stages.calls[method] == 1


async def test_its_errors_are_passed_on_with_their_details() -> None:
    async def fails(request: Any) -> None:
        raise NotFound("item", "a")

    async with gateway() as front:
        front.stages.on["GetItem"] = fails
        with pytest.raises(grpc.aio.AioRpcError) as seen:
            await front.catalog.GetItem(pb.GetItemRequest(id="a"))
    assert seen.value.code() is grpc.StatusCode.NOT_FOUND
    assert details(seen.value)["ResourceInfo"].resource_name == "a"  # type: ignore[attr-defined]
