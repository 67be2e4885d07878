"""What Client and AsyncClient have in common: where they connect, what they ask, how long they wait."""

import io
import json
import os
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import PIL.Image

from clothing_retrieval import errors
from clothing_retrieval.pictures import flatten, upright
from clothing_retrieval.v1.retrieval_service_pb2 import (
    CategoryMatching,
    ImportItemsRequest,
    SearchByItemRequest,
    SearchRequest,
)
from clothing_retrieval.v1.types_pb2 import Filter, Image, Item, Pixels

DEFAULT_TARGET = "127.0.0.1:50050"
MAX_MESSAGE_BYTES = 32 * 2**20
"""The limit on every message, on both ends."""

HEALTH_S = 2.0
"""How long one health check may take."""
HEALTH_POLL_S = 0.1
"""How long wait_ready waits between two of them."""

_DEFAULT_PORT = 50050
_MAX_RAW_BYTES = 16 * 2**20
_LOOPBACK = ("127.", "localhost", "[::1]")

Photo = str | os.PathLike[str] | bytes | PIL.Image.Image | Image
"""A path, the bytes of a JPEG, PNG or WebP file, a picture of Pillow's, or the message itself."""


@dataclass(frozen=True)
class Deadlines:
    """How long a call may take, in seconds, where the call itself does not say."""

    search_s: float = 30.0
    read_s: float = 10.0
    write_s: float = 60.0
    import_s: float = 3600.0
    """For a whole stream of items. What it left unanswered can be sent again."""


@dataclass(frozen=True)
class NewItem:
    """An item and its pictures, as they are imported."""

    item: Item
    photos: Sequence[Photo]
    """1 to 16."""
    picture_jpeg: bytes = field(default=b"", repr=False)
    """A small JPEG to store and show, at most 64 KiB."""
    whole_image: bool = False
    """Index the pictures as they are, without segmentation."""


def channel_target(target: str) -> str:
    """The gRPC name of "host:port", "host" or "unix:/path"; a name with a scheme stays as it is."""
    if target.startswith(("unix:", "unix-abstract:", "ipv4:", "ipv6:", "vsock:")) or ":///" in target:
        return target
    has_port = target.rpartition(":")[2].isdigit() and (target.count(":") == 1 or "]:" in target)
    return f"dns:///{target}" if has_port else f"dns:///{target}:{_DEFAULT_PORT}"


def channel_options(target: str) -> list[tuple[str, str | int]]:
    options: list[tuple[str, str | int]] = [
        ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        # A call is repeated only while its message is still held: by default 256 KiB are, and a photo is larger.
        ("grpc.per_rpc_retry_buffer_size", MAX_MESSAGE_BYTES),
        # A gateway that hangs, or whose network is cut, is given up, and its calls go to another, within 15 s.
        ("grpc.keepalive_time_ms", 10_000),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.http2.ping_timeout_ms", 5_000),  # of pings that measure the bandwidth, while which no other is sent
        ("grpc.initial_reconnect_backoff_ms", 100),
        # How long a server may take to accept a connection, whatever its name says: a busy one takes its time.
        ("grpc.min_reconnect_backoff_ms", 2_000),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    ]
    if channel_target(target).removeprefix("dns:///").startswith(_LOOPBACK):
        options.append(("grpc.enable_http_proxy", 0))  # http_proxy is not meant for this machine itself
    return options


def channel(target: str, credentials: grpc.ChannelCredentials | None, *more: tuple[str, str | int]) -> grpc.Channel:
    """Plain where ``credentials`` are absent. ``more``: options."""
    name, options = channel_target(target), [*channel_options(target), *more]
    return grpc.secure_channel(name, credentials, options) if credentials else grpc.insecure_channel(name, options)


# Repeated on UNAVAILABLE: what only reads. A repeated write is harmless to the catalogue, but its answer would not be
# true any more: "nothing deleted", "no such collection".
_REPEATABLE = {
    "clothing_retrieval.v1.RetrievalService": ("Search", "SearchByItem", "GetPipeline"),
    "clothing_retrieval.v1.CatalogService": ("ListCollections", "GetItem", "ListItems", "GetPicture"),
}
_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            "name": [
                {"service": service, "method": method} for service, methods in _REPEATABLE.items() for method in methods
            ],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 3,
                # grpc's core answers CANCELLED to a call that arrives just as a server says goodbye.
                "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
            },
        }
    ],
    "retryThrottling": {"maxTokens": 20, "tokenRatio": 0.5},
}


def call_metadata(api_key: str | None, request_id: str) -> tuple[tuple[str, str], ...]:
    key = (("x-api-key", api_key),) if api_key else ()
    return ((errors.REQUEST_ID_KEY, request_id), *key, *_trace_context())


def _trace_context() -> tuple[tuple[str, str], ...]:
    """The current span's, of a caller that uses OpenTelemetry: the services' spans become its children."""
    if "opentelemetry.trace" not in sys.modules:
        return ()
    from opentelemetry import propagate

    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return tuple(carrier.items())


def new_request_id() -> str:
    return uuid.uuid4().hex


def search_request(
    photo: Photo,
    *,
    collection: str,
    top_k: int,
    categories: Sequence[str],
    filter: Filter | None,
    max_distance: float | None,
    whole_image: bool,
    category_matching: CategoryMatching,
    include_cutouts: bool,
    include_masks: bool,
    include_alternatives: bool,
    skip_cache: bool,
) -> SearchRequest:
    return SearchRequest(
        collection=collection,
        image=image_message(photo),
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


def search_by_item_request(
    item_id: str, *, collection: str, top_k: int, filter: Filter | None, max_distance: float | None
) -> SearchByItemRequest:
    return SearchByItemRequest(collection=collection, id=item_id, top_k=top_k, filter=filter, max_distance=max_distance)


def import_request(new: NewItem | ImportItemsRequest, collection: str) -> ImportItemsRequest:
    """The message for an item. ``collection`` counts where the message names none.

    Raises:
        OSError: a picture cannot be read.
        InvalidArgument: its pictures are larger than a message may be.
    """
    if isinstance(new, NewItem):
        message = ImportItemsRequest(
            collection=collection,
            item=new.item,
            images=[image_message(photo) for photo in new.photos],
            whole_image=new.whole_image,
            picture_jpeg=new.picture_jpeg,
        )
        if message.ByteSize() > MAX_MESSAGE_BYTES:
            raise _too_large(f"the pictures of {new.item.id!r} have more than 32 MiB together: save them smaller")
        return message
    if collection and not new.collection:
        message = ImportItemsRequest()
        message.CopyFrom(new)
        message.collection = collection
        return message
    return new


def image_message(photo: Photo) -> Image:
    """The message for a photo.

    Raises:
        OSError: the file cannot be read.
        InvalidArgument: it is larger than a message may be.
    """
    if isinstance(photo, Image):
        return photo
    if isinstance(photo, PIL.Image.Image):
        return _from_pillow(photo)
    encoded = photo if isinstance(photo, bytes) else Path(photo).read_bytes()
    if len(encoded) > MAX_MESSAGE_BYTES - 2**20:
        name = "the photo" if isinstance(photo, bytes) else os.fspath(photo)
        raise _too_large(f"{name} has {len(encoded) / 2**20:.1f} MiB, and 31 is the most: save it smaller")
    return Image(encoded=encoded)


def _from_pillow(photo: PIL.Image.Image) -> Image:
    rgb = flatten(upright(photo))
    if rgb.width * rgb.height * 3 <= _MAX_RAW_BYTES:
        return Image(pixels=Pixels(width=rgb.width, height=rgb.height, rgb=rgb.tobytes()))
    buffer = io.BytesIO()
    rgb.save(buffer, "JPEG", quality=95, subsampling=0)
    return Image(encoded=buffer.getvalue())


def _too_large(message: str) -> errors.InvalidArgument:
    error = errors.InvalidArgument(message, reason="IMAGE_TOO_LARGE")
    error.field = "image"
    return error


def not_ready(target: str, timeout_s: float, cause: errors.RetrievalError | None) -> errors.Unavailable:
    """What wait_ready raises: the last state that was seen."""
    state = "answers, but is not ready" if cause is None else f"does not answer ({cause})"
    metadata: Mapping[str, str] = {} if cause is not None else {"service": "gateway"}
    return errors.Unavailable(f"{target} {state}: waited {timeout_s:g} s", reason="NOT_READY", metadata=metadata)
