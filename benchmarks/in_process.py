"""What the machine can do with these models: the services' insides on threads of one process, with no server.

A thread for each CPU takes a photo from its bytes to its matches. Nothing is sent, and nothing waits but for a CPU.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

import embed_service.settings
import gateway.settings
import search_service.settings
import segment_service.settings
from benchmarks.services import COLLECTION
from clothing_retrieval.v1 import types_pb2
from gateway.matching import Confusion, Matching, Scope, merge, scopes_of
from search_service.filters import compile_filter
from search_service.folder import Folder
from search_service.gardener import Plan
from search_service.graph import GraphParameters
from search_service.index import Index, Limits
from search_service.records import Match, Probe, Query
from segment_service.garments import Garment, find_garments
from segment_service.looks import looks, take
from serving.cpus import available_cpus
from serving.engine import Engine, Loaded
from serving.images import ImageLimits, Raster, decode_file, fit_square
from serving.memory import keep_freed_memory, use_large_pages
from serving.onnx_engine import load_onnx
from serving.server import SWITCH_S

Floats = NDArray[np.float32]
Run = Callable[[Raster], Floats]
"""A model on one picture."""

TOP_K = 5
_SETTLED_S = 600.0


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """In a process like the services': in large pages, freed memory kept, threads switched early."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    use_large_pages()
    keep_freed_memory()
    sys.setswitchinterval(SWITCH_S)
    asyncio.run(main())


class Engines:
    """A model on engines that threads share, and a wide one for a picture that is alone."""

    def __init__(self, loaded: Loaded) -> None:
        self.manifest = loaded.model.manifest
        self.size = (self.manifest.input.height, self.manifest.input.width)
        self._wide = loaded.wide
        self._idle: SimpleQueue[Engine] = SimpleQueue()
        for engine in loaded.engines:
            self._idle.put(engine)

    def run(self, picture: Raster) -> Floats:
        """(height, width, 3) → the model's output for it. Waits for an engine that is idle."""
        engine = self._idle.get()
        try:
            output: Floats = engine.run(picture[None])[0]
            return output
        finally:
            self._idle.put(engine)

    def run_alone(self, picture: Raster) -> Floats:
        """The same, while no other thread runs any."""
        if self._wide is None:
            return self.run(picture)
        output: Floats = self._wide.run(picture[None])[0]
        return output


class InProcessParser:
    """JPEG in, garments out."""

    def __init__(self) -> None:
        settings = segment_service.settings.Settings()
        self.engines = Engines(load_onnx(settings, kind="segment", model=settings.model, output="logits"))
        self.rules = settings.rules()

    def find(self, photo: bytes, run: Run) -> tuple[Raster, list[Garment]]:
        """The decoded photo, and the garments in it, largest first."""
        pixels = decode_file(photo, ImageLimits(), "image").pixels
        manifest = self.engines.manifest
        names = frozenset(manifest.garments)
        is_garment = [label in names for label in manifest.labels]
        seen = take(looks(pixels, self.engines.size, is_garment, self.rules), run)
        return pixels, find_garments(seen, manifest.labels, names, self.rules)


class InProcessEmbedder:
    """JPEG in, vector out."""

    def __init__(self) -> None:
        settings = embed_service.settings.Settings()
        self.engines = Engines(load_onnx(settings, kind="embed", model=settings.model, output="embedding"))
        self.side = self.engines.size[0]
        self._limits = ImageLimits(decoded_side=self.side)
        self._threads = ThreadPoolExecutor(available_cpus())

    def caller(self, callers: int) -> "Callable[[bytes], asyncio.Future[Floats]]":
        """A call for each of so many callers at a time."""
        run = self.engines.run_alone if callers == 1 else self.engines.run

        def call(photo: bytes) -> "asyncio.Future[Floats]":
            return asyncio.get_running_loop().run_in_executor(self._threads, self.embed, photo, run)

        return call

    def embed(self, photo: bytes, run: Run) -> Floats:
        picture = decode_file(photo, self._limits, "image")
        return run(fit_square(picture.pixels, self.side))

    def close(self) -> None:
        self._threads.shutdown()


class InProcessSearch:
    """JPEG in, matches out. ``index_folder`` is one that no search service has open."""

    def __init__(self, index_folder: Path) -> None:
        self._parser = InProcessParser()
        self._embedder = InProcessEmbedder()
        self._matching = gateway.settings.Settings()
        self._folder = Folder(index_folder)
        self._index = opened(self._folder)
        self._photos = ThreadPoolExecutor(available_cpus())
        self._cutouts = ThreadPoolExecutor(available_cpus())

    def caller(self, callers: int) -> "Callable[[bytes], asyncio.Future[list[list[str]]]]":
        """A search for each of so many callers at a time. One by itself uses all CPUs at every stage that can."""
        parse = self._parser.engines.run_alone if callers == 1 else self._parser.engines.run
        embed = self._embed_on_all if callers < available_cpus() else self._embed

        def call(photo: bytes) -> "asyncio.Future[list[list[str]]]":
            return asyncio.get_running_loop().run_in_executor(self._photos, self._search, photo, parse, embed)

        return call

    def close(self) -> None:
        for threads in (self._photos, self._cutouts):
            threads.shutdown()
        self._embedder.close()
        self._index.close()
        self._folder.close()

    def _search(self, photo: bytes, parse: Run, embed: Callable[[Sequence[Raster]], list[Floats]]) -> list[list[str]]:
        """Ids of the items found, nearest first, for each garment."""
        pixels, garments = self._parser.find(photo, parse)
        side = self._embedder.side
        if garments:
            categories = [garment.category for garment in garments]
            cutouts = [garment.cutout(pixels, side, self._parser.rules) for garment in garments]
        else:
            categories, cutouts = [""], [fit_square(pixels, side)]
        return self._query(categories, embed(cutouts))

    def _embed(self, cutouts: Sequence[Raster]) -> list[Floats]:
        return [self._embedder.engines.run(cutout) for cutout in cutouts]

    def _embed_on_all(self, cutouts: Sequence[Raster]) -> list[Floats]:
        return list(self._cutouts.map(self._embedder.engines.run, cutouts))

    def _query(self, categories: Sequence[str], vectors: Sequence[Floats]) -> list[list[str]]:
        confusion = self._parser.engines.manifest.confusion
        scopes = [default_scopes(category, self._matching, confusion) for category in categories]
        probes = [
            Probe(vector[None], "", scope.categories)
            for vector, own in zip(vectors, scopes, strict=True)
            for scope in own
        ]
        collection = self._index.collection(COLLECTION)
        found = iter(self._index.query(collection, Query(probes, TOP_K, compile_filter([]), None, exact=False)))
        merged = [merge([(scope, map(_message, next(found))) for scope in own], TOP_K) for own in scopes]
        return [[match.item.id for match in matches] for matches in merged]


def default_scopes(category: str, settings: gateway.settings.Settings, confusion: Confusion) -> list[Scope]:
    """Where the gateway looks for a garment of a category by its settings."""
    return scopes_of(category, Matching(settings.category_matching), confusion, settings.category_penalty)


def opened(folder: Folder) -> Index:
    """As the search service opens it. Raises SystemExit where its graphs are not ready in time."""
    settings = search_service.settings.Settings()
    parameters = GraphParameters(settings.m, settings.ef_construction, settings.ef)
    plan = Plan(settings.exact_below, settings.tail, settings.dead_share, parameters, settings.build_threads)
    limits = Limits(available_cpus(), settings.write_queue, settings.group)
    index = Index(folder, folder.path / "backups", plan, limits)
    if not index.settle(_SETTLED_S):
        raise SystemExit(f"the graphs of {folder.path} were not ready within {_SETTLED_S:.0f} s")
    return index


def _message(match: Match) -> types_pb2.Match:
    message = types_pb2.Match(distance=match.distance, view=match.view)
    message.item.ParseFromString(match.message)
    return message
