"""The page of an evaluation, from a gateway of known answers."""

import re
from pathlib import Path
from typing import Any

import grpc
import pytest

from clothing_retrieval.evaluation import Answer, Evaluation, Garment, Hit, Holding, Query
from clothing_retrieval.evaluation.examples import Example
from clothing_retrieval.page.evaluated import render_evaluation
from clothing_retrieval.v1 import types_pb2
from clothing_retrieval.v1.types_pb2 import Item
from tests.fake_gateway import FakeGateway, picture, status
from tests.unit.evaluation.shell import Shell

EVIL = '"><img src=x onerror=alert(1)>'


def page(shell: Shell, *arguments: str) -> str:
    code, out, err = shell.run(*arguments, "--html", "page.html")
    assert code == 0, err
    assert "Saved page.html" in out
    return (shell.folder / "page.html").read_text(encoding="utf-8")


def articles(html: str) -> list[str]:
    return re.findall(r"<article.*?</article>", html, re.DOTALL)


def test_right_and_wrong_items_are_told_by_words(shell: Shell) -> None:
    (query,) = articles(page(shell, shell.label(dress=1)))  # finds b1, d1, d2
    verdicts = re.findall(r'class="badge (\w+)">(. \w+)<.*?<span class="title">([^<]+)<', query)
    assert verdicts == [
        ("wrong", "✗ wrong", "The b1"),
        ("right", "✓ right", "The d1"),
        ("right", "✓ right", "The d2"),
    ]
    assert "average precision 0.583" in query
    assert "first right item at rank 2" in query
    assert "distance 0.100" in query


def test_pictures_lie_within_and_an_item_without_one_shows_its_id_and_title(gateway: FakeGateway, shell: Shell) -> None:
    html = page(shell, shell.label(dress=1))
    sources = re.findall(r'src="([^"]+)"', html)
    assert len(sources) == 3  # the photo, the cutout, and the one item with a picture
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "<path" in html
    assert '<div class="none" aria-hidden="true">B</div>' in html
    assert '<span class="id">b1</span>' in html
    assert "http" not in html.replace("http-equiv", "")
    assert "<script" not in html


def test_so_many_examples_are_shown_and_the_worst_come_first(shell: Shell) -> None:
    html = page(shell, shell.label(dress=3, bag=2), "--examples", "2")
    worst, best = html.split("Best queries")
    assert [re.findall("<h3[^>]*>([^<]+)<", part) for part in (worst, best)] == [["dress"] * 2, ["bag"] * 2]
    assert not articles(page(shell, "labelled", "--examples", "0"))


def test_figures_and_categories_are_on_the_page(shell: Shell) -> None:
    html = page(shell, shell.label(dress=2, bag=2))
    assert '<th scope="row">mAP@100</th><td>0.792</td><td>0.583 to 1.000</td>' in html
    assert re.search(
        r'<th scope="row">bag</th><td>2</td><td>1\.000<span class="soft interval">1\.000 to&nbsp;1\.000', html
    )
    assert "4 photos among 3 items, all answered" in html


@pytest.mark.parametrize("sought", [{"category": EVIL}, {"items": (EVIL,)}])
def test_what_others_wrote_is_escaped(sought: dict[str, Any]) -> None:
    found = Garment(EVIL, (Hit(EVIL, EVIL, 0.1, f"Dress {EVIL}"), Hit("a", EVIL, 0.1, EVIL)))
    answers = [Answer(Query(Path(EVIL), **sought), (found,)), Answer(Query(Path(EVIL), **sought), problem=EVIL)]
    item = Item(id=EVIL, title=f"Sought {EVIL}", category=EVIL)
    garment = types_pb2.Garment(category=EVIL, mask_png=picture("white", kind="PNG"))
    examples = [Example(answer, 0.5, picture(), garment, {EVIL: item}, {EVIL: picture()}) for answer in answers]
    evaluation = Evaluation(answers, Holding(1, {EVIL: 1}), 5)
    html = render_evaluation(EVIL, EVIL, evaluation, caption=EVIL, worst=examples, best=[])
    assert "onerror" in html
    assert "<img src=x" not in html


def test_sought_items_are_shown_with_their_ranks(gateway: FakeGateway, shell: Shell) -> None:
    gateway.found = {"dress": ["b1"], "bag": ["d1", "b1"]}
    pairs = shell.pair("street.jpg,d1", "street.jpg,d2", "cafe.jpg,b1")
    street, cafe = sorted(articles(page(shell, pairs)), key=lambda article: "cafe.jpg" in article)
    assert re.findall('<strong class="title">([^<]+)<.*?<span>([^<]+)</span>', street) == [
        ("The d1", "rank 1"),
        ("The d2", "not among the first 100"),
    ]
    assert "Searched with: <strong>bag</strong>" in street  # the garment that found the item
    assert street.count("✓ right") == 1
    assert "Searched with: <strong>dress</strong>" in cafe
    assert "By category" not in page(shell, pairs)


def test_variants_and_their_differences_are_on_the_page(gateway: FakeGateway, shell: Shell) -> None:
    gateway.found = {"": ["d1", "d2"]}
    html = page(shell, shell.label(dress=2), "--variants")
    assert '<th scope="row">v2 prefer (default)</th>' in html
    assert re.search(r'<th scope="row">v3 whole photo</th><td class="real">\+1\.000 \*', html)
    assert "8 searches for 100 items at once" in html


def test_a_photo_without_an_answer_says_why(gateway: FakeGateway, shell: Shell) -> None:
    folder = shell.label(dress=1)
    (shell.folder / folder / "dress" / "0.jpg").write_text("no picture")
    gateway.failures["Search"].append(status(grpc.StatusCode.INVALID_ARGUMENT, "image: is <no> picture"))
    code, _, _ = shell.run(folder, "--html", "page.html")
    html = (shell.folder / "page.html").read_text()
    assert code == 1
    assert "No answer: image: is &lt;no&gt; picture" in html
    assert "not a JPEG, PNG or WebP file" in html


def test_a_photo_taken_as_a_whole_says_so(gateway: FakeGateway, shell: Shell) -> None:
    gateway.whole_photo = True
    assert "No garment found: searched with the whole photo." in page(shell, shell.label(dress=1))
    assert "Searched with the whole photo, as asked." in page(shell, "labelled", "--whole-image")


def test_a_page_that_cannot_be_written_is_told(shell: Shell) -> None:
    code, _, err = shell.run(shell.label(dress=1), "--html", "absent/page.html")
    assert code == 1
    assert "cannot write absent/page.html: No such file or directory" in err


def test_json_and_page_go_together(shell: Shell) -> None:
    code, out, err = shell.run(shell.label(dress=1), "--html", "page.html", "--json")
    assert code == 0
    assert out.startswith("{")
    assert "Saved page.html" in err
