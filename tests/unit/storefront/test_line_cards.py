"""Whatever a merchant's catalogue says, LINE takes the bubbles made of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clothing_retrieval.v1.types_pb2 import Item
from storefront.line import cards, quick_replies
from storefront.line.choice import GarmentChoice
from storefront.line.lengths import cut, units
from storefront.line.pictures import MOST_LETTERS, address
from tests.fake_line import violations

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
prices = st.floats(0, 1e15) | st.none()
items = st.builds(
    Item, id=st.text(min_size=1, max_size=128), title=words, url=words, currency=words, price=prices, sale_price=prices
)


@settings(max_examples=25)
@given(st.lists(items, min_size=1, max_size=4))
def test_line_takes_the_carousel_of_any_items(found: list[Item]) -> None:
    assert not list(violations([cards.carousel(found, [None] * len(found)).to_dict()]))


def test_line_takes_twelve_items_with_as_much_as_there_may_be_in_each() -> None:
    long = "https://shop.example/".ljust(MOST_LETTERS, "a")
    fields = {"title": "圖" * 300, "url": long, "currency": "圖" * 300, "price": 1e300, "sale_price": 1e299}
    message = cards.carousel([Item(id="a", in_stock=False, **fields)] * 12, [long] * 12).to_dict()
    assert not list(violations([message]))
    assert long in str(message)


def test_an_item_without_page_picture_and_price_is_a_title() -> None:
    (bubble,) = cards.carousel([Item(id="a", url="javascript:alert(1)")], [None]).to_dict()["contents"]["contents"]
    assert set(bubble) == {"type", "size", "body"}
    assert [part["text"] for part in bubble["body"]["contents"]] == ["a"]


@given(st.lists(words, max_size=30))
def test_line_takes_the_quick_replies_of_any_garments(categories: list[str]) -> None:
    choices = [GarmentChoice("900001", rank, category) for rank, category in enumerate(categories) if category]
    message = {"type": "text", "text": "-", "quickReply": quick_replies.garments(choices).to_dict()}
    assert not list(violations([message]))


@given(st.integers(0, 999), words)
def test_a_choice_comes_back_as_it_was_sent(rank: int, category: str) -> None:
    choice = GarmentChoice("468789577898262530", rank, category)
    assert GarmentChoice.read(choice.data) == choice or not category


@given(st.text(max_size=60), st.integers(2, 40))
def test_a_cut_text_is_never_too_long(text: str, most: int) -> None:
    assert units(cut(text, most)) <= most
    assert cut(text, units(text)) == text or not text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://shop.example/a b?c=圖", "https://shop.example/a%20b?c=%E5%9C%96"),
        ("https://shop.example/a%20b#c", "https://shop.example/a%20b#c"),
        ("https://服飾.example/", "https://xn--dpvr52i.example/"),
        ("/relative", None),
        ("ftp://shop.example/", None),
        ("https://user:pass@shop.example/", None),
        ("https://[", None),
        ("https://shop.example/" + "a" * 1000, None),
        ("", None),
    ],
)
def test_addresses_are_as_line_takes_them(given: str, expected: str | None) -> None:
    assert address(given, ("https", "http")) == expected
