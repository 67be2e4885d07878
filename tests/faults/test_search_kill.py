"""kill -9 in the midst of writing: what was acknowledged is found, nothing else is, and nothing is half there.

SEARCH_KILL_ROUNDS sets how often (10); a hundred rounds need `--timeout 600`.
This file is also the program that is killed: ``python test_search_kill.py FOLDER ROUND``.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from clothing_retrieval.v1 import types_pb2
from search_service.fields import Fields
from search_service.filters import Filter
from search_service.folder import Folder
from search_service.gardener import Plan
from search_service.graph import GraphParameters
from search_service.index import Index, Limits
from search_service.names import Collection
from search_service.records import Matrix, Probe, Query, Record

ROUNDS = int(os.environ.get("SEARCH_KILL_ROUNDS", "10"))
WRITERS = 4
IDS = 40  # of each writer
BATCH = 6
DIMENSION = 16
VIEWS = 2
REPOSITORY = Path(__file__).parents[2]


def opened(folder: Folder) -> Index:
    # Small thresholds, so that graphs are planted, extended, swept and saved all the while.
    plan = Plan(
        exact_below=60,
        tail=10,
        dead_share=0.4,
        parameters=GraphParameters(8, 40, 40),
        threads=1,
        least_dead=20,
        unsaved_share=0.1,
        save_patience_s=0,
    )
    return Index(folder, folder.path / "backups", plan, Limits(readers=2, write_queue=64, group=16))


def vectors(item_id: str, version: int) -> Matrix:
    seed = [version, *item_id.encode()]
    found = np.random.default_rng(seed).standard_normal((VIEWS, DIMENSION)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def record(item_id: str, version: int) -> Record:
    return Record(
        id=item_id,
        fields=Fields("top", "", "", price=float(version), sale_price=None, in_stock=None),
        attributes={"version": str(version)},
        message=types_pb2.Item(id=item_id, title=str(version)).SerializeToString(),
        fingerprint=str(version),
        picture=str(version).encode(),
        view_categories=("top", "bag"),
        view_ordinals=range(VIEWS),
        vectors=vectors(item_id, version),
    )


# The program that is killed


def write_until_killed(folder: Path, round_: int) -> None:
    threading.excepthook = end_at_once
    index = opened(Folder(folder))
    index.create_collection("shop", "digest", DIMENSION).result()
    for number in range(WRITERS):
        threading.Thread(target=write, args=(index, number, round_)).start()
    while True:
        shutil.rmtree(folder / "backups" / index.create_backup().name)


def write(index: Index, number: int, round_: int) -> None:
    """Says what it is about to write, and when that was acknowledged."""
    rng = random.Random(f"{round_} {number}")
    shop = index.collection("shop")
    for turn in range(1_000_000):
        chosen = [f"{number}-{i}" for i in rng.sample(range(IDS), BATCH)]
        version = None if rng.random() < 0.3 else round_ * 1_000_000 + turn
        say(number, ids=chosen, version=version)
        if version is None:
            index.delete_items(shop, chosen).result()
        else:
            index.upsert(shop, [record(item_id, version) for item_id in chosen]).result()
        say(number)


def end_at_once(failed: threading.ExceptHookArgs) -> None:
    """A writer that fails must not leave the others waited for."""
    sys.excepthook(failed.exc_type, failed.exc_value or failed.exc_type(), failed.exc_traceback)
    os._exit(1)


def say(number: int, **facts: object) -> None:
    os.write(1, json.dumps({"writer": number, **facts}).encode() + b"\n")


# The test


@dataclass
class Ledger:
    """What each writer had acknowledged, and what it was about to write. None: deleted, or never there."""

    acknowledged: dict[str, int | None] = field(default_factory=dict)
    under_way: dict[int, dict[str, int | None]] = field(default_factory=dict)
    count: int = 0

    def hear(self, line: bytes) -> None:
        said = json.loads(line)
        if "ids" in said:
            self.under_way[said["writer"]] = dict.fromkeys(said["ids"], said["version"])
        else:
            self.acknowledged |= self.under_way.pop(said["writer"])
            self.count += 1

    def settle(self, found: dict[str, int | None]) -> None:
        """What was under way is there as a whole, or not at all."""
        for batch in self.under_way.values():
            if all(found.get(item_id) == version for item_id, version in batch.items()):
                self.acknowledged |= batch
        self.under_way.clear()


def test_after_each_kill_the_acknowledged_is_found_and_nothing_else(tmp_path: Path) -> None:
    rng = random.Random(20)
    ledger = Ledger()
    for round_ in range(1, ROUNDS + 1):
        run_and_kill(tmp_path, round_, ledger, after=rng.randint(1, 120))
        with Folder(tmp_path) as folder:
            index = opened(folder)
            try:
                shop = index.collection("shop")
                ledger.settle(stored(index, shop))
                wanted = {item_id: version for item_id, version in ledger.acknowledged.items() if version is not None}
                assert stored(index, shop) == wanted
                check_searches(index, shop, wanted)
                index.settle(30)
                check_searches(index, shop, wanted)
            finally:
                index.close()
            assert not list((tmp_path / "backups").glob("*.partial"))
    assert ledger.count > 100


def run_and_kill(folder: Path, round_: int, ledger: Ledger, after: int) -> None:
    """Kills it once ``after`` writes were acknowledged; then hears what else it had said."""
    program = subprocess.Popen(
        [sys.executable, __file__, str(folder), str(round_)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    with program:
        assert program.stdout is not None
        until = ledger.count + after
        for line in program.stdout:
            ledger.hear(line)
            if ledger.count >= until:
                program.kill()
    assert ledger.count >= until, "it ended by itself"


def stored(index: Index, shop: Collection) -> dict[str, int | None]:
    """Ids and versions on disk, once all parts of each item were seen to be of one version."""
    found: dict[str, int | None] = {}
    for item_id, message in index.page(shop, Filter(), "", 1000):
        version = types_pb2.Item.FromString(message).title
        assert index.fingerprints(shop, [item_id]) == {item_id: version}
        assert index.picture(shop, item_id) == version.encode()
        found[item_id] = int(version)
    with index._store.reading() as db:
        attributes = db.execute("SELECT id, value FROM items JOIN attributes ON item = key").fetchall()
        assert {item_id: int(value) for item_id, value in attributes} == found
        assert db.execute("SELECT count(*) FROM views").fetchone() == (VIEWS * len(found),)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return found


def check_searches(index: Index, shop: Collection, wanted: dict[str, int]) -> None:
    """Each item is found by each of its vectors, and nothing is found that is not there."""
    for item_id, version in wanted.items():
        probes = [Probe(vector[np.newaxis], "", ()) for vector in vectors(item_id, version)]
        for view, (first, *_) in enumerate(index.query(shop, Query(probes, 1, Filter(), None, False))):
            assert (first.id, first.distance, first.view) == (item_id, 0.0, view)
    (everything,) = index.query(shop, Query([Probe(vectors("x", 0)[:1], "", ())], WRITERS * IDS, Filter(), None, True))
    assert {match.id for match in everything} == wanted.keys()
    assert index.summaries()[0].view_count == VIEWS * len(wanted)


if __name__ == "__main__":
    write_until_killed(Path(sys.argv[1]), int(sys.argv[2]))
