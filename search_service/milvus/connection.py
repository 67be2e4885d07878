"""The calls to Milvus that this service makes: with a time limit, strongly consistent, and with our own errors."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from pymilvus import DataType, MilvusClient, MilvusException
from pymilvus.client.types import LoadState

from search_service.milvus.expressions import all_of, literal, one_of
from search_service.milvus.rows import HEAD_FIELDS, HEADS, VIEW_FIELDS, Head, add_fields, head_key
from search_service.milvus.settings import MilvusSettings
from search_service.names import Collection, Names
from search_service.records import Matrix
from serving.errors import NotFound, Unavailable

log = logging.getLogger(__name__)
# It logs each error as it raises it, with a traceback; whoever catches the error tells of it.
logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
# Milvus Lite tells which of its builds for other CPUs it did not find.
logging.getLogger("faiss").setLevel(logging.WARNING)

STRONG = "Strong"
"""An acknowledged write is found by the next query, whichever replica answers it."""

MOST_ROWS = 16_384
"""Milvus gives no more rows to one vector."""

_PAGE = 1000
_NO_COLLECTION = 100
_PREFIX = "clothing_"
_HYPHEN, _CREATED = "H", "C"  # no capital can be in a name of ours, and no hyphen in one of Milvus


@dataclass(frozen=True)
class View:
    """A row that was found near a vector."""

    item: str
    generation: str
    ordinal: int
    distance: float


class Connection:
    def __init__(self, settings: MilvusSettings) -> None:
        """Raises Unavailable."""
        self._lite = settings.lite()
        if self._lite:
            self._lite.parent.mkdir(parents=True, exist_ok=True)
        with _errors():
            self._client = MilvusClient(
                uri=settings.uri,
                token=settings.token.get_secret_value(),
                db_name=settings.database,
                timeout=settings.timeout_s,
            )
        self._timeout_s = settings.timeout_s

    def close(self) -> None:
        self._client.close()
        if self._lite:
            from milvus_lite import server_manager_instance

            server_manager_instance.release_server(str(self._lite))

    def confirm_alive(self) -> None:
        """Raises Unavailable."""
        with _errors():
            self._client.get_server_version(timeout=self._timeout_s)

    # Collections. Each has a Milvus collection of its own for good, and a Milvus alias for its name and each alias.

    def find(self, name: str) -> Collection | None:
        """``name`` is a collection's own or an alias."""
        try:
            return self._describe(_alias(name))
        except NotFound:
            return None

    def names(self) -> Names:
        collections, aliases = {}, {}
        for collection, mine in self._all():
            if collection.name in mine:
                collections[collection.name] = collection
                aliases.update({alias: collection.name for alias in mine if alias != collection.name})
        return Names(collections, aliases)

    def hidden(self) -> list[Collection]:
        """Without an alias for their own name: being made, being deleted, or restored without it."""
        return [collection for collection, aliases in self._all() if collection.name not in aliases]

    def create(self, collection: Collection, m: int, ef_construction: int) -> bool:
        """False where another process has made one of this name meanwhile, as Milvus gives an alias only once.

        Raises Unavailable; nothing is left of it then, unless Milvus is away.
        """
        try:
            self._make(collection, m, ef_construction)
            self.point_alias(collection.name, collection, exists=False)
        except (NotFound, Unavailable):
            found = self.find(collection.name)
            if found == collection:  # only the answer was lost
                return True
            try:
                self.drop(collection)
            except Unavailable as error:
                log.warning("an empty collection is left in Milvus, %s: %s", _milvus_name(collection), error)
            if found is None:
                raise
            return False
        return True

    def _make(self, collection: Collection, m: int, ef_construction: int) -> None:
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        add_fields(schema, DataType, collection.dimension)
        index = self._client.prepare_index_params()
        parameters = {"M": m, "efConstruction": ef_construction}
        index.add_index("vector", index_type="HNSW", index_name="vector", metric_type="L2", params=parameters)
        properties = {
            "name": collection.name,
            "model_digest": collection.model_digest,
            "create_time_us": str(collection.create_time_us),
        }
        with _errors():
            self._client.create_collection(
                _milvus_name(collection),
                schema=schema,
                properties=properties,
                consistency_level=STRONG,
                timeout=self._timeout_s,
            )
            # Nothing to wait for: there is no row yet.
            self._client.create_index(_milvus_name(collection), index, timeout=self._timeout_s, sync=False)
        self.load(collection)

    def load(self, collection: Collection, wait: bool = True) -> None:
        with _errors(collection.name):
            self._client.load_collection(_milvus_name(collection), timeout=self._timeout_s, _async=not wait)

    def loaded(self, collection: Collection) -> int:
        """In %. What Milvus gave up is asked for again."""
        with _errors(collection.name):
            found = self._client.get_load_state(_milvus_name(collection), timeout=self._timeout_s)
        if found["state"] == LoadState.NotExist:
            raise NotFound("collection", collection.name)
        if found["state"] == LoadState.NotLoad:
            self.load(collection, wait=False)
        return 100 if found["state"] == LoadState.Loaded else int(found.get("progress", 0))

    def drop(self, collection: Collection) -> None:
        """It must have no aliases: Milvus asks for it."""
        with _errors(collection.name):
            self._client.drop_collection(_milvus_name(collection), timeout=self._timeout_s)

    def drop_aliases(self, collection: Collection) -> None:
        for alias in self._aliases(collection):
            self.drop_alias(alias)

    def point_alias(self, alias: str, target: Collection, exists: bool) -> None:
        with _errors(target.name):
            point = self._client.alter_alias if exists else self._client.create_alias
            point(_milvus_name(target), _alias(alias), timeout=self._timeout_s)

    def drop_alias(self, alias: str) -> None:
        with _errors():
            self._client.drop_alias(_alias(alias), timeout=self._timeout_s)

    # Rows

    def heads(self, collection: Collection, ids: Iterable[str]) -> dict[str, Head]:
        """Of those of the items that there are."""
        rows = self.rows(collection, [head_key(item_id) for item_id in ids], HEAD_FIELDS)
        return {row["item"]: Head.of(row) for row in rows}

    def rows(self, collection: Collection, keys: Sequence[str], fields: Sequence[str]) -> list[dict[str, Any]]:
        """By primary key, in no order."""
        return self._query(collection, one_of("pk", keys), fields) if keys else []

    def page(self, collection: Collection, expression: str, after: str, size: int) -> list[Head]:
        """Up to ``size`` heads, in the order of ids, of items whose id comes after ``after``."""
        found = self._page(collection, all_of(HEADS, expression), HEAD_FIELDS, head_key(after), size)
        return [Head.of(row) for row in found]

    def all_rows(
        self, collection: Collection, expression: str, fields: Sequence[str]
    ) -> Iterator[list[dict[str, Any]]]:
        """Page by page, in the order of primary keys."""
        after = ""
        while page := self._page(collection, expression, fields, after, _PAGE):
            yield page
            after = page[-1]["pk"]

    def count(self, collection: Collection, expression: str) -> int:
        return int(self._query(collection, expression, ["count(*)"])[0]["count(*)"])

    def first(self, collection: Collection, expression: str, fields: Sequence[str]) -> dict[str, Any] | None:
        """Any one row."""
        found = self._query(collection, expression, fields, limit=1)
        return found[0] if found else None

    def search(
        self, collection: Collection, vectors: Matrix, expression: str, limit: int, beam: int
    ) -> list[list[View]]:
        """For each vector up to ``limit`` rows near it, nearest first."""
        with _errors(collection.name):
            found = self._client.search(
                _milvus_name(collection),
                data=list(vectors),
                anns_field="vector",
                filter=expression,
                limit=limit,
                output_fields=list(VIEW_FIELDS),
                search_params={"metric_type": "L2", "params": {"ef": max(beam, limit)}},
                consistency_level=STRONG,
                timeout=self._timeout_s,
            )
        return [[_view(hit) for hit in hits] for hits in found]

    def upsert(self, collection: Collection, rows: Sequence[dict[str, Any]]) -> None:
        with _errors(collection.name):
            self._client.upsert(_milvus_name(collection), list(rows), timeout=self._timeout_s)

    def delete(self, collection: Collection, keys: Sequence[str]) -> None:
        with _errors(collection.name):
            # By an expression of ours: pymilvus does not escape the keys that are given to it as `ids`.
            self._client.delete(_milvus_name(collection), filter=one_of("pk", keys), timeout=self._timeout_s)

    def _page(
        self, collection: Collection, expression: str, fields: Sequence[str], after: str, size: int
    ) -> list[dict[str, Any]]:
        """Rows in the order of their primary keys, from the one that follows ``after`` on."""
        following = f"pk > {literal(after)}"
        # With these Milvus sorts, for pymilvus's QueryIterator; which does not escape the key that it goes on from.
        ordered = {"iterator": "True", "reduce_stop_for_best": True}
        return self._query(collection, all_of(following, expression), ["pk", *fields], limit=size, **ordered)

    def _query(
        self, collection: Collection, expression: str, fields: Sequence[str], **options: Any
    ) -> list[dict[str, Any]]:
        with _errors(collection.name):
            found = self._client.query(
                _milvus_name(collection),
                filter=expression,
                output_fields=list(fields),
                consistency_level=STRONG,
                timeout=self._timeout_s,
                **options,
            )
        return list(found)

    def _all(self) -> Iterator[tuple[Collection, list[str]]]:
        """All collections of ours, and their aliases."""
        with _errors():
            theirs = self._client.list_collections(timeout=self._timeout_s)
        for milvus_name in theirs:
            if not milvus_name.startswith(_PREFIX):
                continue
            try:
                collection = self._describe(milvus_name)
                aliases = self._aliases(collection)
            except NotFound:  # deleted meanwhile, or not of ours
                continue
            yield collection, aliases

    def _describe(self, milvus_name: str) -> Collection:
        """Raises NotFound, also where it is somebody else's."""
        with _errors(milvus_name):
            described = self._client.describe_collection(milvus_name, timeout=self._timeout_s)
        properties = described["properties"]
        if not {"name", "model_digest", "create_time_us"} <= properties.keys():
            raise NotFound("collection", milvus_name)
        vector = next(field for field in described["fields"] if field["name"] == "vector")
        created = int(properties["create_time_us"])
        return Collection(created, properties["name"], properties["model_digest"], vector["params"]["dim"], created)

    def _aliases(self, collection: Collection) -> list[str]:
        with _errors(collection.name):
            found = self._client.list_aliases(_milvus_name(collection), timeout=self._timeout_s)
        return [alias.removeprefix(_PREFIX).replace(_HYPHEN, "-") for alias in found["aliases"]]


def _milvus_name(collection: Collection) -> str:
    return f"{_alias(collection.name)}{_CREATED}{collection.key}"


def _alias(name: str) -> str:
    return _PREFIX + name.replace("-", _HYPHEN)


def _view(hit: Any) -> View:
    row = hit["entity"]
    # Milvus gives the square of the Euclidean distance, which rounding may take below 0.
    return View(row["item"], row["generation"], row["ordinal"], max(0.0, hit["distance"]) ** 0.5)


@contextmanager
def _errors(collection: str | None = None) -> Iterator[None]:
    """Raises NotFound where Milvus lacks the collection, Unavailable for all else that Milvus refuses."""
    try:
        yield
    except MilvusException as error:
        if collection is not None and error.code == _NO_COLLECTION:
            raise NotFound("collection", collection) from error
        raise _unavailable(error.message or str(error)) from error
    except grpc.RpcError as error:  # pymilvus passes on what it does not retry: a timeout, a token that is refused
        raise _unavailable(f"{error.code().name}: {error.details()}") from error


def _unavailable(told: str) -> Unavailable:
    return Unavailable("search", f"unable to use Milvus: {' '.join(told.split())}")
