import io
import re

import numpy as np
import PIL.Image
import pytest

from clothing_retrieval import pictures
from clothing_retrieval.page import SearchedPhoto, render_page
from clothing_retrieval.page.contour import outline
from clothing_retrieval.v1.retrieval_service_pb2 import GarmentMatches, SearchResponse
from clothing_retrieval.v1.types_pb2 import Garment, Item, Match
from tests.fake_gateway import picture

EVIL = '"><script>alert(1)</script>'


def mask_png(mask: object) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(np.asarray(mask, np.uint8) * 255).convert("1").save(buffer, "PNG")
    return buffer.getvalue()


def page(response: SearchResponse, **more: object) -> str:
    return render_page("Title", "Lead", [SearchedPhoto("photo.jpg", picture(), response, {}, **more)])  # type: ignore[arg-type]


def matches(*items: Item, category: str = "dress") -> SearchResponse:
    found = [Match(item=item, distance=0.25) for item in items]
    return SearchResponse(results=[GarmentMatches(garment=Garment(category=category), matches=found)])


def test_everything_from_the_catalogue_is_escaped() -> None:
    evil = Item(id=EVIL, title=EVIL, category=EVIL, currency=EVIL, price=1, sale_price=0.5, url=f"https://{EVIL}")
    html = render_page(EVIL, EVIL, [SearchedPhoto(EVIL, picture(), matches(evil, category=EVIL), {})])
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_only_web_addresses_become_links() -> None:
    html = page(
        matches(Item(id="a", title="A", url="javascript:alert(1)"), Item(id="b", title="B", url="https://b/?x&y"))
    )
    assert "javascript:" not in html
    assert re.findall(r'href="([^"]+)"', html) == ["https://b/?x&amp;y"]


def test_a_page_needs_no_other_file() -> None:
    html = page(matches(Item(id="a", image_url="https://elsewhere/a.jpg")))
    assert all(source.startswith("data:") for source in re.findall(r'src="([^"]+)"', html))
    assert "elsewhere" not in html


def test_a_sale_strikes_the_price_before() -> None:
    html = page(matches(Item(id="a", price=1290, sale_price=990, currency="TWD"), Item(id="b", price=5, sale_price=9)))
    assert "<del>1,290 TWD</del> <ins>990 TWD</ins>" in html
    assert html.count("<del>") == 1


def test_the_item_that_was_looked_for_is_marked() -> None:
    assert page(matches(Item(id="a"), Item(id="b")), expected_id="b").count("✓ same item") == 1


def test_a_photo_taken_as_a_whole_says_so() -> None:
    response = matches(Item(id="a"), category="")
    assert "No garment found: searched with the whole photo." in page(response)
    assert "as asked" in page(response, whole_image=True)


def test_an_outline_follows_the_mask() -> None:
    mask = np.zeros((200, 100), bool)
    mask[50:150, 20:80] = True
    drawn = outline(mask_png(mask))
    assert drawn is not None
    points = np.array([[float(x) for x in point.split()] for point in re.split("[MLZ]", drawn.path) if point])
    assert points.min(axis=0) == pytest.approx([200, 250], abs=10)
    assert points.max(axis=0) == pytest.approx([800, 750], abs=10)
    assert (drawn.x, drawn.y) == pytest.approx((500, 500), abs=10)


def test_an_outline_goes_around_holes_and_lies_in_the_garment() -> None:
    rows, columns = np.mgrid[:200, :200]
    radius = np.hypot(rows - 100, columns - 100)
    ring = (radius < 90) & (radius > 50)
    drawn = outline(mask_png(ring))
    assert drawn is not None
    assert drawn.path.count("M") == 2
    assert ring[int(drawn.y / 5), int(drawn.x / 5)]


def test_an_empty_mask_has_no_outline() -> None:
    assert outline(mask_png(np.zeros((20, 20)))) is None


def test_a_thumbnail_is_turned_small_and_white_behind() -> None:
    turned = PIL.Image.new("RGB", (800, 400), "navy")
    exif = turned.getexif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    turned.save(buffer, "JPEG", exif=exif)
    with PIL.Image.open(io.BytesIO(pictures.thumbnail(buffer.getvalue()))) as small:
        assert small.size == (128, 256)

    clear = io.BytesIO()
    PIL.Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(clear, "PNG")
    assert pictures.read(clear.getvalue(), 256).getpixel((5, 5)) == (255, 255, 255)


def test_a_thumbnail_of_noise_still_fits() -> None:
    noise = PIL.Image.fromarray(np.random.default_rng(1).integers(0, 256, (512, 512, 3), np.uint8))
    buffer = io.BytesIO()
    noise.save(buffer, "PNG")
    assert len(pictures.thumbnail(buffer.getvalue(), max_bytes=12_000)) <= 12_000


def test_16_bits_a_pixel_are_scaled_not_clipped() -> None:
    grey = PIL.Image.fromarray(np.full((40, 40), 0x8000, np.uint16))
    buffer = io.BytesIO()
    grey.save(buffer, "PNG")
    assert pictures.read(buffer.getvalue(), 40).getpixel((5, 5)) == pytest.approx((127, 127, 127), abs=1)


@pytest.mark.parametrize("content", [b"", b"text", picture()[:300], b"GIF89a" + bytes(20)])
def test_what_is_no_picture_is_unreadable(content: bytes) -> None:
    with pytest.raises(pictures.UnreadablePicture):
        pictures.thumbnail(content)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("exif", [b"MM\0*", b"II*\0", b"no TIFF at all"])
def test_damaged_metadata_around_a_sound_picture_are_passed_over(kind: str, exif: bytes) -> None:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (80, 40), "navy").save(buffer, kind, exif=exif)
    assert pictures.read(buffer.getvalue(), 40).size == (40, 20)


def test_pins_of_garments_at_one_place_stand_side_by_side() -> None:
    mask = np.zeros((100, 100))
    mask[20:80, 20:80] = 1
    garments = [Garment(category="dress", mask_png=mask_png(mask), alternative=again) for again in (False, True, True)]
    html = page(SearchResponse(results=[GarmentMatches(garment=garment) for garment in garments]))
    places = [(float(x), float(y)) for x, y in re.findall(r"left:([\d.]+)%;top:([\d.]+)%", html)]
    assert len(places) == 3
    assert len({y for _, y in places}) == 1
    assert [round(x - places[0][0]) for x, _ in places] == [0, 8, 16]


def test_pins_at_the_photos_edge_go_on_below() -> None:
    mask = np.zeros((100, 100))
    mask[20:80, 90:] = 1
    garments = [Garment(category="bag", mask_png=mask_png(mask), alternative=again) for again in (False, True)]
    html = page(SearchResponse(results=[GarmentMatches(garment=garment) for garment in garments]))
    places = [(float(x), float(y)) for x, y in re.findall(r"left:([\d.]+)%;top:([\d.]+)%", html)]
    assert places[1] == pytest.approx((places[0][0], places[0][1] + 8), abs=0.2)
