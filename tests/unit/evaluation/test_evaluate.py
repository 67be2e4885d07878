"""``evaluate`` against a gateway of known answers."""

import json

import grpc
import pytest

from clothing_retrieval.v1 import retrieval_service_pb2 as retrieval
from clothing_retrieval.v1.types_pb2 import Item
from tests.fake_gateway import FakeGateway, status
from tests.unit.evaluation.shell import Shell


def row(out: str, name: str) -> list[str]:
    (line,) = [line for line in out.splitlines() if line.split()[:1] == [name]]
    return line.split()


def test_figures_by_category(shell: Shell) -> None:
    measured = shell.json(shell.label(dress=2, bag=2), "--top-k", "4")  # each finds b1, d1, d2 in this order
    assert (measured["photos"], measured["answered"], measured["whole_photo"]) == (4, 4, 0)
    assert measured["by_category"]["dress"]["precision"] == {"1": 0.0, "4": 0.5}
    assert measured["by_category"]["bag"]["precision"] == {"1": 1.0, "4": 0.25}
    assert measured["precision"]["4"] == 0.375
    assert measured["precision_interval_95"]["4"] == [0.25, 0.5]
    assert measured["recall"] == {"4": 1.0}
    assert measured["by_category"]["dress"]["mean_average_precision"]["100"] == round((1 / 2 + 2 / 3) / 2, 4)
    assert measured["by_category"]["bag"]["mean_average_precision"]["100"] == 1.0
    assert measured["median_ms"] > 0


def test_each_query_is_told_so_that_all_can_be_computed_anew(shell: Shell) -> None:
    dress = shell.json(shell.label(dress=1), "--top-k", "2")["queries"][0]
    assert dress["photo"] == "labelled/dress/0.jpg"
    assert (dress["category"], dress["in_collection"], dress["right_ranks"]) == ("dress", 2, [2, 3])
    assert dress["average_precision"] == pytest.approx((1 / 2 + 2 / 3) / 2, abs=1e-6)
    assert [hit["id"] for hit in dress["first"]] == ["b1", "d1"]
    pair = shell.json(shell.pair("street.jpg,d2", "street.jpg,b1"))["queries"][0]
    assert pair["ranks"] == {"d2": 3, "b1": 1}
    assert pair["mean_reciprocal_rank"] == pytest.approx((1 / 3 + 1) / 2, abs=1e-6)


def test_a_table_fits_80_columns(shell: Shell) -> None:
    code, out, _ = shell.run(shell.label(dress=2, bag=1))
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    assert row(out, "P@5") == ["P@5", "0.333", "0.200", "to", "0.400"]
    assert row(out, "dress") == ["dress", "2", "0.000", "0.400", "0.40–0.40", "1.000", "0.583", "0.58–0.58"]
    assert "at most 1.000 is possible" in out
    assert "3 photos among 3 items, all answered" in out


def test_fall_backs_and_photos_without_an_answer_are_counted(gateway: FakeGateway, shell: Shell) -> None:
    gateway.whole_photo = True
    gateway.failures["Search"].append(status(grpc.StatusCode.INVALID_ARGUMENT, "image: is no picture"))
    code, out, err = shell.run(shell.label(dress=4))
    assert code == 1
    assert "4 photos among 3 items, 3 answered, 3 searched as whole photos" in out
    assert row(out, "P@5")[1] == "0.300"  # two dresses among five, for three photos of four
    assert "image: is no picture" in err
    assert "1 of 4 photos got no answer" in err


def test_a_category_that_the_collection_lacks_is_told(shell: Shell) -> None:
    code, out, err = shell.run(shell.label(hat=1, dress=1))
    assert code == 0
    assert "has no items of the category hat: for such photos every item counts as wrong" in err
    assert row(out, "hat")[-3:] == ["–", "–", "–"]
    assert row(out, "R@5")[1] == "1.000"


def test_options_reach_the_search(gateway: FakeGateway, shell: Shell) -> None:
    labelled = shell.label(dress=1)
    shell.run(labelled, "--whole-image", "--collection", "live", "--alternatives")
    shell.run(labelled, "--category-matching", "strict", "--api-key", "secret")
    first, second = (request for request in gateway.requests if isinstance(request, retrieval.SearchRequest))
    assert (first.collection, first.whole_image, first.top_k, first.include_alternatives) == ("live", True, 100, True)
    assert (second.category_matching, second.whole_image) == (retrieval.CATEGORY_MATCHING_STRICT, False)
    assert second.include_alternatives is False
    assert gateway.metadata[-1]["x-api-key"] == "secret"


def test_an_absent_collection_is_told_before_the_searches(gateway: FakeGateway, shell: Shell) -> None:
    code, _, err = shell.run(shell.label(dress=1), "--collection", "gone")
    assert code == 1
    assert "collection 'gone' does not exist: `clothing-retrieval collections list` shows" in err
    assert not [request for request in gateway.requests if isinstance(request, retrieval.SearchRequest)]


def test_pairs_are_measured_over_all_garments(gateway: FakeGateway, shell: Shell) -> None:
    gateway.found = {"dress": ["b1", "d1"], "bag": ["d1", "b1"]}
    pairs = shell.pair("street.jpg,d1", "street.jpg,d2", "cafe.jpg,b1")
    measured = shell.json(pairs)
    assert (measured["photos"], measured["pairs"]) == (2, 3)
    assert measured["hit"] == {"1": 0.6667, "5": 0.6667}
    assert measured["mean_reciprocal_rank"] == {"100": 0.6667}
    assert measured["mean_reciprocal_rank_interval_95"] == {"100": [0.5, 1.0]}
    assert "by_category" not in measured
    _, out, _ = shell.run(pairs)
    assert "3 pairs of 2 photos among 3 items" in out
    assert row(out, "hit@1") == ["hit@1", "0.667", "0.500", "to", "1.000"]


def test_an_item_that_the_collection_lacks_is_named_before_the_searches(gateway: FakeGateway, shell: Shell) -> None:
    code, _, err = shell.run(shell.pair("street.jpg,d1", "street.jpg,d9", "cafe.jpg,gone"))
    assert code == 1
    assert "lacks items that are sought: d9, gone. Import them, or delete their lines" in err
    assert not [request for request in gateway.requests if isinstance(request, retrieval.SearchRequest)]


def test_a_bad_line_of_pairs_is_an_error_of_one_line(shell: Shell) -> None:
    code, _, err = shell.run(shell.pair("gone.jpg,d1"))
    assert code == 1
    assert (
        err == "clothing-retrieval: pairs.csv, line 2: there is no photo gone.jpg: paths are relative to the CSV file\n"
    )


def test_variants_are_compared_on_the_same_photos(gateway: FakeGateway, shell: Shell) -> None:
    labelled = shell.label(dress=3)
    code, out, err = shell.run(labelled, "--variants", "--json-file", "all.json", "--at-once", "2")
    compared = json.loads((shell.folder / "all.json").read_text())
    assert code == 0
    assert "v1 is left out: --v1-target" in err
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    assert "2 searches for 100 items at once" in " ".join(out.split())
    assert list(compared["variants"]) == ["v2 strict", "v2 prefer", "v2 ignore", "v3 whole photo"]
    asked = [request for request in gateway.requests if isinstance(request, retrieval.SearchRequest)]
    ways = [(request.category_matching, request.whole_image) for request in asked]
    assert ways == [way for way in ((1, False), (2, False), (3, False), (0, True)) for _ in range(3 + 2)]


def test_a_difference_to_the_default_has_an_interval(gateway: FakeGateway, shell: Shell) -> None:
    gateway.found = {"": ["d1", "d2"]}  # the whole photo finds dresses first, a garment a bag
    labelled = shell.label(dress=3)
    compared = shell.json(labelled, "--variants")
    whole = compared["variants"]["v3 whole photo"]["difference_to_base"]
    assert (compared["base"], whole["precision"]["1"], whole["precision_interval_95"]["1"]) == (
        "v2 prefer",
        1.0,
        [1, 1],
    )
    assert compared["variants"]["v2 strict"]["difference_to_base"]["precision"] == {"1": 0.0, "5": 0.0}
    assert "difference_to_base" not in compared["variants"]["v2 prefer"]
    _, out, _ = shell.run(labelled, "--variants")
    assert [line.split()[3:5] for line in out.splitlines() if line.startswith("v3")] == [
        ["0.400", "0.40–0.40"],
        ["+0.000", "+0.000"],
    ]
    assert "+0.417 *" in out  # an average precision of 1 instead of (1 / 2 + 2 / 3) / 2


def test_v1_is_searched_at_its_own_gateway_and_judged_by_its_own_collection(gateway: FakeGateway, shell: Shell) -> None:
    labelled = shell.label(dress=1)
    with FakeGateway() as imagenet:
        imagenet.items = {"d1": Item(id="d1", category="dress")}
        compared = shell.json(labelled, "--variants", "--v1-target", imagenet.target, "--v1-collection", "live")
        searched = [request for request in imagenet.requests if isinstance(request, retrieval.SearchRequest)]
    v1 = compared["variants"]["v1 ImageNet"]
    assert [request.collection for request in searched] == ["live"] * 2
    assert (v1["searched_items"], v1["mean_average_precision"]["100"]) == (1, 1.0)
    assert v1["difference_to_base"]["mean_average_precision"]["100"] == 0.4167


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--variants", "--whole-image"), "leave out --whole-image, --alternatives and --category-matching"),
        (("--variants", "--alternatives"), "leave out --whole-image, --alternatives and --category-matching"),
        (("--variants", "--category-matching", "strict"), "leave out --whole-image, --alternatives and"),
        (("--v1-target", "127.0.0.1:1"), "--v1-target is for --variants"),
        (("--variants", "--v1-collection", "x"), "--v1-collection needs --v1-target"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(
    shell: Shell, arguments: tuple[str, ...], said: str
) -> None:
    code, _, err = shell.run(shell.label(dress=1), *arguments)
    assert code == 2
    assert said in " ".join(err.replace("│", " ").split())


def test_variants_of_pairs_fit_80_columns(shell: Shell) -> None:
    _, out, _ = shell.run(shell.pair("street.jpg,d2", "cafe.jpg,b1"), "--variants")
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    assert "MRR@100" in out


def test_searches_of_any_variant_without_an_answer_are_told(gateway: FakeGateway, shell: Shell) -> None:
    gateway.failures["Search"].extend([status(grpc.StatusCode.INVALID_ARGUMENT, "image: is no picture")] * 2)
    code, _, err = shell.run(shell.label(dress=1), "--variants", "--at-once", "1")  # one of the two warms up
    assert code == 1
    assert "1 of 4 searches got no answer" in err
