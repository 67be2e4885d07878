"""What pages are made of. Texts are taken as HTML where a parameter says so, and else as plain text."""

from collections.abc import Sequence
from html import escape

from clothing_retrieval import pictures
from clothing_retrieval.display import garment_name
from clothing_retrieval.page.contour import outline
from clothing_retrieval.page.style import CSS
from clothing_retrieval.v1.types_pb2 import Garment

_CARD_SIDE = 256
_PIN = 80
"""Pins nearer than this, in thousandths of a photo's sides, would hide each other."""
_HUES = ("#d6336c", "#1971c2", "#2f9e44", "#e8590c", "#7048e8", "#0c8599", "#a61e4d", "#5c940d")


def document(title: str, lead: str, main_html: str, footer_html: str, css: str = "") -> str:
    """A page with everything inside it, and no script."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{escape(title)}</title>
<style>{CSS}{css}</style>
</head>
<body>
<header><h1>{escape(title)}</h1><p>{escape(lead)}</p></header>
<main>
{main_html}
</main>
<footer>{footer_html}</footer>
</body>
</html>
"""


def framed_photo(
    photo: bytes, garments: Sequence[Garment], caption_html: str, side: int, *, numbered: bool = True
) -> str:
    """A photo, no side longer than ``side`` pixels, with the garments outlined.

    Raises:
        UnreadablePicture: the bytes are no picture that can be read.
    """
    shown = pictures.jpeg(pictures.read(photo, side))
    shapes, pins = [], []
    taken: list[tuple[float, float]] = []
    for number, garment in enumerate(garments):
        if garment.mask_png and (drawn := outline(garment.mask_png)):
            name = escape(garment_name(garment))
            kind = ' class="alternative"' if garment.alternative else ""
            shapes.append(
                f'<path{kind} style="{hue(number)}" fill-rule="evenodd" d="{drawn.path}"><title>{name}</title></path>'
            )
            x, y = drawn.x, drawn.y
            while any(abs(x - other) < _PIN and abs(y - above) < _PIN for other, above in taken):
                x, y = (x + _PIN, y) if x + _PIN < 1000 else (x, y + _PIN)
            taken.append((x, y))
            place = f"left:{x / 10:.1f}%;top:{y / 10:.1f}%"
            pins.append(f'<span class="pin" style="{hue(number)};{place}">{number + 1}</span>')
    svg = f'<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">{"".join(shapes)}</svg>'
    image = f'<img src="{pictures.data_uri(shown)}" alt="The photo that was searched with">'
    numbers = "".join(pins) if numbered else ""
    return (
        f'<figure class="photo"><div class="frame">{image}{svg}{numbers}</div>'
        f"<figcaption>{caption_html}</figcaption></figure>"
    )


def cutout(garment: Garment) -> str:
    """The garment alone; empty where the answer has it not."""
    if not garment.HasField("cutout"):
        return ""
    shown = pictures.from_pixels(garment.cutout)
    shown.thumbnail((_CARD_SIDE, _CARD_SIDE))
    uri = pictures.data_uri(pictures.jpeg(shown))
    return f'<figure class="cutout"><img src="{uri}" alt="The garment, cut out"></figure>'


def item_picture(stored: bytes, title: str, kind: str, side: int = _CARD_SIDE) -> str:
    """An item's stored JPEG, or a letter where there is none that can be read."""
    try:
        shown = pictures.data_uri(pictures.thumbnail(stored, side)) if stored else ""
    except pictures.UnreadablePicture:
        shown = ""
    if not shown:
        return f'<div class="none" aria-hidden="true">{escape((kind or title or "?")[0].upper())}</div>'
    return f'<img src="{shown}" alt="{escape(title)}" loading="lazy">'


def hue(number: int) -> str:
    """The CSS variable of a garment's colour."""
    return f"--hue:{_HUES[number % len(_HUES)]}"
