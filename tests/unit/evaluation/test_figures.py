"""What evaluate's figures mean, against figures computed by hand."""

import math
from pathlib import Path

import pytest

from clothing_retrieval.evaluation import Answer, Evaluation, Garment, Hit, Holding, Query
from clothing_retrieval.evaluation.judging import average_precision, rank_of, right_ranks, telling_garment

DRESS = Query(Path("a.jpg"), category="dress")
HOLDING = Holding(10, {"dress": 4, "bag": 6})


def answer(kinds: str, query: Query = DRESS, seconds: float = 0.0) -> Answer:
    """``kinds``: "d" for a dress, "b" for a bag, nearest first."""
    hits = tuple(Hit(f"{rank}", {"d": "dress", "b": "bag"}[kind], 0.1 * rank) for rank, kind in enumerate(kinds, 1))
    return Answer(query, (Garment("dress", hits),), seconds=seconds)


def values(*answers: Answer, holding: Holding = HOLDING, top_k: int = 5) -> dict[str, float]:
    evaluation = Evaluation(answers, holding, top_k)
    return {figure.title: evaluation.estimate(figure).value for figure in evaluation.figures}


def sought(items: tuple[str, ...], *garments: tuple[str, ...]) -> Answer:
    found = tuple(Garment("dress", tuple(Hit(id, "dress", 0.1) for id in ids)) for ids in garments)
    return Answer(Query(Path("street.jpg"), items=items), found)


def test_precision_recall_and_average_precision_of_one_photo() -> None:
    found = values(answer("dbdbdb"))
    assert found["P@1"] == 1.0
    assert found["P@5"] == pytest.approx(3 / 5)
    assert found["R@5"] == pytest.approx(3 / 4)
    assert found["mAP@100"] == pytest.approx((1 / 1 + 2 / 3 + 3 / 5) / 4)


def test_figures_are_means_over_photos() -> None:
    found = values(answer("dddd"), answer("bbbbbbd"), Answer(DRESS, problem="the gateway is away"))
    assert found["P@1"] == pytest.approx(1 / 3)
    assert found["P@5"] == pytest.approx((4 / 5 + 0 + 0) / 3)
    assert found["R@5"] == pytest.approx((1 + 0 + 0) / 3)
    assert found["mAP@100"] == pytest.approx((1 + 1 / 7 / 4 + 0) / 3)


def test_average_precision_is_whole_where_a_hundred_right_items_fill_the_depth() -> None:
    assert average_precision(range(1, 101), 250) == 1.0
    assert average_precision(range(1, 101), 100) == 1.0
    assert average_precision([1], 250) == pytest.approx(0.01)


def test_a_category_that_the_collection_lacks_has_no_recall_but_counts_as_wrong() -> None:
    skirt = Query(Path("s.jpg"), category="skirt")
    found = values(answer("dddd"), answer("dddd", skirt))
    assert (found["P@1"], found["R@5"], found["mAP@100"]) == (0.5, 1.0, 1.0)
    alone = values(answer("dddd", skirt))
    assert alone["P@5"] == 0.0
    assert math.isnan(alone["R@5"])
    assert math.isnan(alone["mAP@100"])


def test_the_largest_garment_alone_is_judged_by_category() -> None:
    bag_first = Answer(DRESS, (Garment("bag", (Hit("1", "bag", 0.1),)), Garment("dress", (Hit("2", "dress", 0.1),))))
    assert right_ranks(bag_first) == []
    assert telling_garment(bag_first) == 0


def test_recall_has_a_limit() -> None:
    assert Evaluation([answer("d"), answer("d")], Holding(100, {"dress": 20}), 5).recall_limit == 0.25
    assert Evaluation([answer("d")], Holding(3, {"dress": 3}), 5).recall_limit == 1.0


def test_one_k_is_one_figure() -> None:
    assert list(values(answer("d"), top_k=1)) == ["P@1", "R@1", "mAP@100"]


def test_a_pair_hits_by_its_best_rank_over_garments() -> None:
    found = sought(("x",), ("a", "b", "x"), ("a", "x"))
    assert rank_of(found, "x") == 2
    assert telling_garment(found) == 1
    assert values(found, top_k=2) == {"hit@1": 0.0, "hit@2": 1.0, "MRR@100": 0.5}


def test_pair_figures_are_means_over_pairs() -> None:
    found = values(sought(("x", "y", "z"), ("x", "a", "y")), sought(("x",), ("b", "x")))
    assert found["hit@1"] == pytest.approx(1 / 4)
    assert found["hit@5"] == pytest.approx(3 / 4)
    assert found["MRR@100"] == pytest.approx((1 + 1 / 3 + 0 + 1 / 2) / 4)


def test_a_query_ranks_by_its_own_figure() -> None:
    evaluation = Evaluation([answer("bd")], HOLDING, 5)
    assert evaluation.score(evaluation.answers[0]) == pytest.approx(1 / 2 / 4)
    pairs = Evaluation([sought(("x", "y"), ("x", "a", "y"))], HOLDING, 5)
    assert pairs.score(pairs.answers[0]) == pytest.approx((1 + 1 / 3) / 2)


def test_time_is_that_of_answers_alone() -> None:
    unanswered = Answer(DRESS, problem="the gateway is away", seconds=60.0)
    answers = [answer("d", seconds=seconds) for seconds in (0.1, 0.2, 0.9)]
    assert Evaluation([*answers, unanswered], HOLDING, 5).latency_ms(50) == pytest.approx(200)
    assert Evaluation([*answers, unanswered], HOLDING, 5).latency_ms(100) == pytest.approx(900)
    assert math.isnan(Evaluation([unanswered], HOLDING, 5).latency_ms(50))


def test_a_whole_photo_is_told_from_a_photo_without_an_answer() -> None:
    whole = Answer(DRESS, (Garment("", ()),))
    evaluation = Evaluation([answer("d"), whole, Answer(DRESS, problem="away")], HOLDING, 5)
    assert (evaluation.whole_photos, evaluation.answered) == (1, 2)
