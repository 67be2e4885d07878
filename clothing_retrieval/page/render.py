"""What was found in some photos, as HTML that needs no other file and no script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from clothing_retrieval import pictures
from clothing_retrieval.display import WHOLE_PHOTO, WHOLE_PHOTO_ASKED, is_whole_photo, price_before, price_now
from clothing_retrieval.page.contour import outline
from clothing_retrieval.page.style import CSS
from clothing_retrieval.v1.retrieval_service_pb2 import GarmentMatches, SearchResponse
from clothing_retrieval.v1.types_pb2 import Garment, Item, Match

_PHOTO_SIDE = 800
_CARD_SIDE = 256
_HUES = ("#d6336c", "#1971c2", "#2f9e44", "#e8590c", "#7048e8", "#0c8599", "#a61e4d", "#5c940d")


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
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{escape(title)}</title>
<style>{CSS}</style>
</head>
<body>
<header><h1>{escape(title)}</h1><p>{escape(lead)}</p></header>
<main>
{sections}
</main>
<footer>{escape(_FOOTER)}</footer>
</body>
</html>
"""


def _search(searched: SearchedPhoto) -> str:
    results = searched.response.results
    garments = "\n".join(_garment(searched, found, number) for number, found in enumerate(results))
    return f'<section class="search">{_photo(searched)}<div>{garments}</div></section>'


def _photo(searched: SearchedPhoto) -> str:
    shown = pictures.jpeg(pictures.read(searched.photo, _PHOTO_SIDE))
    shapes, pins = [], []
    for number, found in enumerate(searched.response.results):
        drawn = outline(found.garment.mask_png) if found.garment.mask_png else None
        if drawn:
            name = escape(found.garment.category)
            shapes.append(
                f'<path style="{_hue(number)}" fill-rule="evenodd" d="{drawn.path}"><title>{name}</title></path>'
            )
            place = f"left:{drawn.x / 10:.1f}%;top:{drawn.y / 10:.1f}%"
            pins.append(f'<span class="pin" style="{_hue(number)};{place}">{number + 1}</span>')
    svg = f'<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">{"".join(shapes)}</svg>'
    image = f'<img src="{pictures.data_uri(shown)}" alt="The photo that was searched with">'
    return (
        f'<figure class="photo"><div class="frame">{image}{svg}{"".join(pins)}</div>'
        f"<figcaption><strong>{escape(searched.name)}</strong>{_times(searched.response)}</figcaption></figure>"
    )


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
    heading = f'<h2><span class="pin">{number + 1}</span><span class="name">{escape(garment.category)}</span></h2>'
    return (
        f'<section class="garment" style="{_hue(number)}">'
        f"<header>{_cutout(garment)}<div>{heading}<p>{facts}</p></div></header>{_matches(searched, found)}</section>"
    )


def _cutout(garment: Garment) -> str:
    if not garment.HasField("cutout"):
        return ""
    shown = pictures.from_pixels(garment.cutout)
    shown.thumbnail((_CARD_SIDE, _CARD_SIDE))
    uri = pictures.data_uri(pictures.jpeg(shown))
    return f'<figure class="cutout"><img src="{uri}" alt="The garment, cut out"></figure>'


def _matches(searched: SearchedPhoto, found: GarmentMatches) -> str:
    if not found.matches:
        return '<p class="nothing">Nothing similar was found.</p>'
    cards = "".join(_card(match, searched) for match in found.matches)
    return f'<ol class="matches">{cards}</ol>'


def _card(match: Match, searched: SearchedPhoto) -> str:
    item = match.item
    expected = item.id == searched.expected_id
    badge = '<span class="badge">✓ the same item</span>' if expected else ""
    name = escape(item.title or item.id)
    title = name
    if item.url.startswith(("https://", "http://")):
        title = f'<a href="{escape(item.url)}" rel="noopener noreferrer">{title}</a>'
    return (
        f'<li class="match{" expected" if expected else ""}">'
        f'<div class="picture">{_picture(item, searched.pictures.get(item.id, b""))}{badge}</div>'
        f'<div class="text"><span class="title" title="{name}">{title}</span>'
        f'<span class="kind">{escape(item.category)}</span>'
        f'<span class="price">{_price(item)}</span>'
        f'<span class="distance">distance {match.distance:.3f}</span></div></li>'
    )


def _picture(item: Item, stored: bytes) -> str:
    try:
        shown = pictures.data_uri(pictures.thumbnail(stored, _CARD_SIDE)) if stored else ""
    except pictures.UnreadablePicture:
        shown = ""
    if not shown:
        return f'<div class="none" aria-hidden="true">{escape((item.category or item.title or "?")[0].upper())}</div>'
    return f'<img src="{shown}" alt="{escape(item.title)}" loading="lazy">'


def _price(item: Item) -> str:
    now, before = escape(price_now(item)), escape(price_before(item))
    return f"<del>{before}</del> <ins>{now}</ins>" if before else now


def _hue(number: int) -> str:
    return f"--hue:{_HUES[number % len(_HUES)]}"
