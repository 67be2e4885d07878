"""Tables at their widest."""

import io
from pathlib import Path

from rich.console import Console, RenderableType

from clothing_retrieval.cli.evaluation_tables import comparison_tables, evaluation_tables
from clothing_retrieval.evaluation import Answer, Evaluation, Garment, Hit, Holding, Query
from clothing_retrieval.evaluation.variants import BASE, V1, Comparison

LONG = "a category with a name that never ends"


def rendered(*tables: RenderableType) -> list[str]:
    file = io.StringIO()
    Console(width=80, file=file).print(*tables, sep="\n")
    return file.getvalue().splitlines()


def evaluation(*categories: str, seconds: float) -> Evaluation:
    hits = tuple(Hit("1", "dress", 0.1) for _ in range(100))
    answers = [
        Answer(Query(Path("a"), category=category), (Garment("", hits),), seconds=seconds) for category in categories
    ]
    return Evaluation(answers, Holding(123_456, {"dress": 100_000, LONG: 1}), 100)


def test_long_names_and_large_numbers_fit() -> None:
    lines = rendered(*evaluation_tables(evaluation("dress", "dress", LONG, seconds=98.765), 64))
    assert max(map(len, lines)) <= 80
    (cut,) = [line for line in lines if line.startswith("a category")]
    assert cut.split()[-7:] == ["1", "0.000", "0.000", "0.00–0.00", "0.000", "0.000", "0.00–0.00"]
    (dress,) = [line for line in lines if line.startswith("dress")]
    assert dress.split() == ["dress", "2", "1.000", "1.000", "1.00–1.00", "0.001", "1.000", "1.00–1.00"]


def test_all_variants_fit() -> None:
    names = (V1, "v2 strict", BASE, "v2 ignore", "v3 whole photo")
    compared = Comparison({name: evaluation("dress", LONG, seconds=98.765) for name in names}, 64)
    lines = rendered(*comparison_tables(compared))
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if "…" in line]
    assert [line.split()[-2:] for line in lines if line.startswith(V1)][0] == ["98,765", "98,765"]
