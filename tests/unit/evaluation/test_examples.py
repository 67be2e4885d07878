"""Which queries are shown."""

from pathlib import Path

from clothing_retrieval.evaluation import Answer, Evaluation, Garment, Hit, Holding, Query
from clothing_retrieval.evaluation.examples import choose


def answer(name: str, rank: int | None, category: str = "dress") -> Answer:
    found = [Hit(f"{number}", "bag", 0.1) for number in range(1, 10)]
    if rank:
        found[rank - 1] = Hit("right", "dress", 0.1)
    return Answer(Query(Path(name), category=category), (Garment("dress", tuple(found)),))


def names(answers: list[Answer]) -> list[str]:
    return [answer.query.photo.name for answer in answers]


def test_the_worst_and_the_best_come_first_and_none_is_in_both() -> None:
    answers = [answer("second", 2), answer("lost", None), answer("first", 1), answer("fifth", 5), answer("third", 3)]
    evaluation = Evaluation(answers, Holding(9, {"dress": 1}), 5)
    worst, best = choose(evaluation, 2)
    assert (names(worst), names(best)) == (["lost", "fifth"], ["first", "second"])
    worst, best = choose(evaluation, 12)
    assert (names(worst), names(best)) == (["lost", "fifth", "third"], ["first", "second"])
    assert choose(evaluation, 0) == ([], [])


def test_a_photo_that_cannot_be_ranked_is_in_neither() -> None:
    evaluation = Evaluation([answer("hat", None, "hat"), answer("a", 1)], Holding(9, {"dress": 1}), 5)
    worst, best = choose(evaluation, 5)
    assert names([*worst, *best]) == ["a"]
