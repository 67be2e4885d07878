"""The looks that the parser takes at a photo, one after the other."""

from collections.abc import Callable, Generator, Sequence

from segment_service.garments import Rules
from segment_service.look import Floats, Look, Parsed
from serving.images import Raster

Looks = Generator[Raster, Floats, list[Parsed]]


def looks(
    photo: Raster, canvas_size: tuple[int, int], is_garment: Sequence[bool], rules: Rules, *, again: bool = False
) -> Looks:
    """Yields a canvas for the parser, (height, width, 3), and is sent its logits, (labels, rows, columns).

    Args:
        canvas_size: height and width, in pixels.
        is_garment: for each label.
        again: also at the clothing mirrored, which the parser sees a little otherwise: for alternatives.

    Returns:
        What garments are found in; after it, where it was asked for and there is clothing, what is seen again.
    """
    look = Look.at_all(photo, canvas_size)
    parsed = look.parsed((yield look.show(photo)))
    closer = parsed.closer(is_garment, rules.min_part, rules.closer_look)
    if closer is not None:
        parsed = closer.parsed((yield closer.show(photo)))
    near = parsed.closer(is_garment, rules.min_part, least_zoom=0) if again else None
    if near is None:
        return [parsed]
    mirrored = near.mirror()
    return [parsed, mirrored.parsed((yield mirrored.show(photo)))]


def take(looks: Looks, parse: Callable[[Raster], Floats]) -> list[Parsed]:
    """All of them, by a parser that answers at once."""
    canvas: Raster | list[Parsed] = next(looks)
    while not isinstance(canvas, list):
        canvas = advance(looks, parse(canvas))
    return canvas


def advance(looks: Looks, logits: Floats) -> Raster | list[Parsed]:
    """The next canvas, or at the end all that was seen."""
    try:
        return looks.send(logits)
    except StopIteration as end:
        seen: list[Parsed] = end.value
        return seen
