"""What was found in some photos, as HTML that needs no other file and no script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from clothing_retrieval.display import (
    WHOLE_PHOTO,
    WHOLE_PHOTO_ASKED,
    garment_name,
    is_whole_photo,
    price_before,
    price_now,
)
from clothing_retrieval.page.parts import cutout, document, framed_photo, hue, item_picture
from clothing_retrieval.v1.retrieval_service_pb2 import GarmentMatches, SearchResponse
from clothing_retrieval.v1.types_pb2 import Item, Match

_PHOTO_SIDE = 800


@dataclass(frozen=True)
class SearchedPhoto:
    """A photo and the answer to it."""

    name: str
    photo: bytes = field(repr=False)
    """A JPEG, PNG or WebP file."""
    response: SearchResponse
    """With masks and cutouts, to show them."""
    pictures: Mapping[str, bytes] = field(repr=False)
    """The stored JPEGs of the matches, by item id."""
    whole_image: bool = False
    """The caller asked for the photo to be taken as a whole."""
    expected_id: str = ""
    """The item that is in the photo, where that is known."""


_FOOTER = (
    "Nearest first, though items of another category rank a little lower. Distances are Euclidean, between unit "
    "vectors: 0 is the very same picture, 2 the opposite."
)


def render_page(title: str, lead: str, photos: Sequence[SearchedPhoto]) -> str:
    """The page. All texts are taken as plain text."""
    sections = "\n".join(_search(photo) for photo in photos)
    return document(title, lead, sections, escape(_FOOTER))


def _search(searched: SearchedPhoto) -> str:
    results = searched.response.results
    garments = "\n".join(_garment(searched, found, number) for number, found in enumerate(results))
    caption = f"<strong>{escape(searched.name)}</strong>{_times(searched.response)}"
    photo = framed_photo(searched.photo, [found.garment for found in results], caption, _PHOTO_SIDE)
    return f'<section class="search">{photo}<div>{garments}</div></section>'


def _times(response: SearchResponse) -> str:
    if not response.HasField("stage_times"):
        return ""
    stages = response.stage_times
    named = (("segment", stages.segment), ("embed", stages.embed), ("query", stages.query))
    return "<br>" + " · ".join(f"{name} {took.ToTimedelta().total_seconds() * 1000:.0f} ms" for name, took in named)


def _garment(searched: SearchedPhoto, found: GarmentMatches, number: int) -> str:
    if is_whole_photo(found):
        said = WHOLE_PHOTO_ASKED if searched.whole_image else WHOLE_PHOTO
        note = f'<p class="note">{said[0].upper()}{said[1:]}.</p>'
        return f'<section class="garment">{note}{_matches(searched, found)}</section>'
    garment = found.garment
    facts = f"{garment.confidence:.0%} sure · {garment.area:.0%} of the photo"
    heading = f'<h2><span class="pin">{number + 1}</span><span class="name">{escape(garment_name(garment))}</span></h2>'
    return (
        f'<section class="garment" style="{hue(number)}">'
        f"<header>{cutout(garment)}<div>{heading}<p>{facts}</p></div></header>{_matches(searched, found)}</section>"
    )


def _matches(searched: SearchedPhoto, found: GarmentMatches) -> str:
    if not found.matches:
        return '<p class="nothing">Nothing similar was found.</p>'
    cards = "".join(_card(match, searched) for match in found.matches)
    return f'<ol class="matches">{cards}</ol>'


def _card(match: Match, searched: SearchedPhoto) -> str:
    item = match.item
    expected = item.id == searched.expected_id
    badge = '<span class="badge">✓ same item</span>' if expected else ""
    name = escape(item.title or item.id)
    picture = item_picture(searched.pictures.get(item.id, b""), item.title, item.category)
    title = name
    if item.url.startswith(("https://", "http://")):
        title = f'<a href="{escape(item.url)}" rel="noopener noreferrer">{title}</a>'
    return (
        f'<li class="match{" expected" if expected else ""}">'
        f'<div class="picture">{picture}{badge}</div>'
        f'<div class="text"><span class="title" title="{name}">{title}</span>'
        f'<span class="kind">{escape(item.category)}</span>'
        f'<span class="price">{_price(item)}</span>'
        f'<span class="distance">distance {match.distance:.3f}</span></div></li>'
    )


def _price(item: Item) -> str:
    now, before = escape(price_now(item)), escape(price_before(item))
    return f"<del>{before}</del> <ins>{now}</ins>" if before else now
