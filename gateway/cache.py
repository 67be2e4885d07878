"""What was found in photos of late: the same photo again costs no model's time."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from clothing_retrieval.v1 import retrieval_service_pb2, types_pb2
from serving import telemetry

_OVERHEAD = 1024  # bytes of an entry beside its messages: key, lists, objects
_NOT_ASKED_OF_MODELS = (
    "collection", "top_k", "filter", "max_distance", "category_matching", "skip_cache",
)  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """A photo's garments, and an embedding for each."""

    garments: Sequence[types_pb2.Garment]
    embeddings: Sequence[types_pb2.Embedding]
    segment_digest: str
    embed_digest: str


@dataclass(frozen=True)
class _Packed:
    """Serialised: a message kept as it is would keep all of the answer that it came in, cutouts too."""

    garments: Sequence[bytes]
    embeddings: Sequence[bytes]
    segment_digest: str
    embed_digest: str
    size: int


class Cache:
    """The photos that were asked for last, up to ``capacity`` bytes; 0: none.

    It holds what the models gave and no matches: these are looked for again, so that what was just imported is found.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._held: OrderedDict[bytes, _Packed] = OrderedDict()
        self._bytes = 0
        self._lookups = {result: telemetry.CACHE_LOOKUPS.labels(result) for result in ("hit", "miss")}

    def find(self, key: bytes) -> Seen | None:
        packed = self._held.get(key)
        self._lookups["miss" if packed is None else "hit"].inc()
        if packed is None:
            return None
        self._held.move_to_end(key)
        return Seen(
            [types_pb2.Garment.FromString(each) for each in packed.garments],
            [types_pb2.Embedding.FromString(each) for each in packed.embeddings],
            packed.segment_digest,
            packed.embed_digest,
        )

    def keep(self, key: bytes, seen: Seen) -> None:
        """Lets go of those that were not asked for the longest. What is larger than all the room is not kept."""
        packed = _packed(seen)
        if packed.size > self._capacity:
            return
        if key in self._held:
            self._bytes -= self._held.pop(key).size
        self._held[key] = packed
        self._bytes += packed.size
        while self._bytes > self._capacity:
            _, oldest = self._held.popitem(last=False)
            self._bytes -= oldest.size
        telemetry.CACHE_BYTES.set(self._bytes)


def key_of(request: retrieval_service_pb2.SearchRequest, segment_digest: str, embed_digest: str) -> bytes:
    """The SHA-256 of the photo, of all that is asked of the models, and of the models."""
    asked = retrieval_service_pb2.SearchRequest()
    asked.CopyFrom(request)
    for field in _NOT_ASKED_OF_MODELS:
        asked.ClearField(field)
    digest = sha256(f"{segment_digest} {embed_digest} ".encode())
    digest.update(asked.SerializeToString(deterministic=True))
    return digest.digest()


def _packed(seen: Seen) -> _Packed:
    garments, embeddings = (
        [each.SerializeToString() for each in messages] for messages in (seen.garments, seen.embeddings)
    )
    size = sum(map(len, (*garments, *embeddings))) + _OVERHEAD
    return _Packed(garments, embeddings, seen.segment_digest, seen.embed_digest, size)
