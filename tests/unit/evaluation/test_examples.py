"""Which queries are shown, and with what."""

from pathlib import Path

import grpc

from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.evaluation import Answer, Evaluation, Garment, Hit, Holding, Query, Way
from clothing_retrieval.evaluation.examples import choose, illustrate
from clothing_retrieval.v1.types_pb2 import Item
from tests.fake_gateway import FakeGateway, picture, status


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


async def test_what_cannot_be_had_any_more_is_left_out(gateway: FakeGateway, tmp_path: Path) -> None:
    photo = tmp_path / "street.jpg"
    photo.write_bytes(picture())
    sought = Answer(Query(photo, items=("d1",)), (Garment("dress", (Hit("d1", "dress", 0.1),)),))
    evaluation = Evaluation([sought], Holding(3), 5)
    async with AsyncClient(gateway.target) as client:
        (whole,) = await illustrate(client, evaluation, [sought], Way())
        for method in ("Search", "GetItem", "GetPicture"):
            gateway.failures[method].extend([status(grpc.StatusCode.INTERNAL, "a bug")] * 2)
        (bare,) = await illustrate(client, evaluation, [sought], Way())
    assert whole.garment is not None
    assert (whole.items["d1"].title, list(whole.pictures)) == ("The d1", ["d1"])
    assert (bare.garment, bare.items, bare.pictures) == (None, {"d1": Item(id="d1")}, {})
    assert bare.photo == photo.read_bytes()
