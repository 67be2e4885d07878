"""Garments from hand-made logits, where every answer is known."""

import cv2
import numpy as np
import pytest

from segment_service.garments import Garment, Rules, find_garments
from segment_service.look import Box, Floats, Look
from serving.images import fit_square
from tests.pictures import Raster

LABELS = ("background", "top", "pants", "skin")
WANTED = frozenset(("top", "pants"))
IS_GARMENT = [label in WANTED for label in LABELS]
CANVAS = (192, 128)


def logits(*regions: tuple[str, slice, slice], rows: int = 24, columns: int = 16, sure: float = 20.0) -> Floats:
    """(4, rows, columns): background everywhere but in the regions."""
    scores = np.zeros((len(LABELS), rows, columns), np.float32)
    scores[0] = sure
    for label, y, x in regions:
        scores[:, y, x] = 0
        scores[LABELS.index(label), y, x] = sure
    return scores


def at_all(size: tuple[int, int] = CANVAS) -> Look:
    return Look(size, Box(0, 0, size[1], size[0]), CANVAS)


def find(scores: Floats, size: tuple[int, int] = CANVAS, **rules: float) -> list[Garment]:
    return find_garments([at_all(size).parsed(scores)], LABELS, WANTED, Rules(**rules))


def coordinates(height: int = 192, width: int = 128) -> Raster:
    """A photo whose pixels tell where they are: (x, y, 7)."""
    photo = np.empty((height, width, 3), np.uint8)
    photo[..., 0], photo[..., 1] = np.meshgrid(np.arange(width), np.arange(height))
    photo[..., 2] = 7
    return photo


def test_boxes_areas_and_confidences_are_those_of_the_regions_and_the_largest_comes_first() -> None:
    pants, top = find(logits(("top", np.s_[2:6], np.s_[4:10]), ("pants", np.s_[8:20], np.s_[3:9])))
    assert (pants.category, pants.box) == ("pants", Box(24, 64, 48, 96))
    assert (top.category, top.box) == ("top", Box(32, 16, 48, 32))
    assert pants.area == pytest.approx(12 * 6 / (24 * 16))
    assert top.area == pytest.approx(4 * 6 / (24 * 16))
    assert top.confidence > 0.999


def test_no_clothing_is_no_garment() -> None:
    assert find(logits()) == []
    assert find(logits(("skin", np.s_[:], np.s_[:]))) == []


def test_labels_that_are_no_garments_or_not_wanted_are_left_out() -> None:
    scores = logits(
        ("top", np.s_[2:6], np.s_[4:10]), ("skin", np.s_[8:12], np.s_[4:10]), ("pants", np.s_[14:20], np.s_[4:8])
    )
    assert {garment.category for garment in find(scores)} == {"top", "pants"}
    only = find_garments([at_all().parsed(scores)], LABELS, frozenset(("pants",)), Rules())
    assert [garment.category for garment in only] == ["pants"]


def wavering(larger_over_smaller: float) -> Floats:
    """Pants above, and a smaller top below, where pants are so likely, too; else background."""
    chances = np.full((len(LABELS), 24, 16), 1e-6, np.float32)
    chances[0] = 1
    for label, y, share in (("pants", np.s_[2:12], 1.0), ("top", np.s_[12:16], 1 - larger_over_smaller)):
        chances[:, y, 4:10] = 1e-6
        chances[LABELS.index(label), y, 4:10] = share
    chances[LABELS.index("pants"), 12:16, 4:10] = larger_over_smaller
    return np.log(chances)


def test_a_garment_that_the_parser_splits_between_two_likely_labels_stays_whole() -> None:
    (pants,) = find(wavering(0.4))
    assert (pants.category, pants.box) == ("pants", Box(32, 16, 48, 112))
    assert pants.confidence == pytest.approx((10 + 4 * 0.4) / 14, abs=1e-3)
    assert pants.mask(192, 128)[20:124, 36:76].all()


def test_garments_that_the_parser_is_sure_of_stay_apart() -> None:
    assert [garment.category for garment in find(wavering(0.05))] == ["pants", "top"]
    assert [garment.category for garment in find(wavering(0.4), wavering=0.5)] == ["pants", "top"]


def test_alternatives_follow_the_garment_that_several_labels_stand_for() -> None:
    whole, pants, top = find_garments([at_all().parsed(wavering(0.4))], LABELS, WANTED, Rules(), alternatives=True)
    assert (whole.category, whole.alternative, whole.box) == ("pants", False, Box(32, 16, 48, 112))
    assert (pants.category, pants.alternative, pants.box) == ("pants", True, Box(32, 16, 48, 80))
    assert (top.category, top.alternative, top.box) == ("top", True, Box(32, 96, 48, 32))
    assert top.confidence == pytest.approx(0.6, abs=1e-3)


def test_an_alternative_that_is_about_the_garment_itself_is_left_out() -> None:
    scores = wavering(0.4)
    scores[:, 13:16] = scores[:, 0:1]
    found = find_garments([at_all().parsed(scores)], LABELS, WANTED, Rules(), alternatives=True)
    assert [(garment.category, garment.alternative) for garment in found] == [("pants", False), ("top", True)]


def test_garments_that_the_parser_is_sure_of_have_no_alternatives() -> None:
    found = find_garments([at_all().parsed(wavering(0.05))], LABELS, WANTED, Rules(), alternatives=True)
    assert [(garment.category, garment.alternative) for garment in found] == [("pants", False), ("top", False)]


def test_what_a_later_look_finds_otherwise_is_an_alternative_and_what_it_finds_again_is_not() -> None:
    first = at_all().parsed(logits(("top", np.s_[2:6], np.s_[4:10]), ("pants", np.s_[8:20], np.s_[3:9])))
    wider = at_all().parsed(logits(("top", np.s_[2:10], np.s_[4:10]), ("pants", np.s_[10:20], np.s_[3:9])))
    pants, top, wider_top = find_garments([first, wider], LABELS, WANTED, Rules(), alternatives=True)
    assert (pants.alternative, top.alternative, wider_top.alternative) == (False, False, True)
    assert (wider_top.category, wider_top.box) == ("top", Box(32, 16, 48, 64))
    assert [garment.category for garment in find_garments([first, wider], LABELS, WANTED, Rules())] == ["pants", "top"]


def test_alternatives_of_categories_that_are_not_asked_for_are_left_out() -> None:
    (top,) = find_garments(
        [at_all().parsed(wavering(0.4))], LABELS, WANTED, Rules(), categories=frozenset(("top",)), alternatives=True
    )
    assert (top.category, top.alternative) == ("top", True)


def test_an_alternative_is_as_sure_as_is_asked_for_where_the_garment_is_not() -> None:
    (pants,) = find_garments(
        [at_all().parsed(wavering(0.4))], LABELS, WANTED, Rules(min_confidence=0.9), alternatives=True
    )
    assert (pants.category, pants.alternative, pants.box) == ("pants", True, Box(32, 16, 48, 80))
    assert pants.confidence > 0.9


def test_of_many_alternatives_the_largest_are_kept() -> None:
    first = at_all().parsed(logits(("top", np.s_[0:2], np.s_[0:2])))
    columns = [at_all().parsed(logits(("top", np.s_[4:6], np.s_[left : left + 2]))) for left in range(0, 16, 2)]
    rows = [at_all().parsed(logits(("pants", np.s_[top : top + 2], np.s_[0:16]))) for top in range(2, 24, 2)]
    found = find_garments([first, *columns, *rows], LABELS, WANTED, Rules(), alternatives=True)
    kept = [garment.category for garment in found if garment.alternative]
    assert kept == ["pants"] * 11 + ["top"] * 6


def test_specks_are_dropped_from_box_area_mask_and_cutout_and_large_parts_stay() -> None:
    scores = logits(
        ("pants", np.s_[4:16], np.s_[2:5]), ("pants", np.s_[4:16], np.s_[9:12]), ("pants", np.s_[20:22], np.s_[14:15])
    )
    (pants,) = find(scores)
    assert pants.box == Box(16, 32, 80, 96)
    assert pants.area == pytest.approx(2 * 36 / (24 * 16))
    assert not pants.mask(192, 128)[150:, :].any()
    wide = find(scores, min_part=0.01)[0]
    assert wide.box == Box(16, 32, 104, 144)


def test_small_and_unsure_garments_are_left_out() -> None:
    scores = logits(("top", np.s_[2:3], np.s_[4:5]), ("pants", np.s_[8:20], np.s_[3:9]))
    assert [garment.category for garment in find(scores)] == ["pants"]
    assert len(find(scores, min_area=0.001)) == 2
    unsure = logits(("top", np.s_[2:10], np.s_[4:10]), sure=0.1)
    assert find(unsure, min_confidence=0.3) == []
    (top,) = find(unsure, min_confidence=0.2)
    assert top.confidence == pytest.approx(np.exp(0.1) / (np.exp(0.1) + 3), abs=1e-4)


def test_a_mask_is_the_size_of_the_photo_and_true_on_the_garment_alone() -> None:
    (top,) = find(logits(("top", np.s_[4:10], np.s_[4:10])))
    mask = top.mask(192, 128)
    assert mask.shape == (192, 128)
    assert mask.dtype == np.bool_
    expected = np.zeros_like(mask)
    expected[32:80, 32:80] = True
    assert (mask != expected).sum() <= 24  # corners are rounded
    assert mask[34:78, 34:78].all()


def test_a_cutout_shows_the_photo_inside_and_white_outside() -> None:
    (top,) = find(logits(("top", np.s_[4:10], np.s_[4:8])))  # x 32 to 64, y 32 to 80
    cutout = top.cutout(coordinates(), 96, Rules(margin=0.0))
    assert cutout.shape == (96, 96, 3)
    # The square is 48 wide around the centre (48, 56): x from 24, y from 32; two cutout pixels for each photo pixel.
    assert (cutout[:, :14] == 255).all()
    assert (cutout[:, 82:] == 255).all()
    inside = cutout[8:88, 20:76].astype(int)
    ys, xs = np.mgrid[8:88, 20:76]
    np.testing.assert_allclose(inside[..., 0], 24 + xs / 2, atol=1)
    np.testing.assert_allclose(inside[..., 1], 32 + ys / 2, atol=1)
    assert (inside[..., 2] == 7).all()


def test_a_cutout_also_shows_what_another_label_leads_by_little_and_the_mask_does_not() -> None:
    scores = logits(("top", np.s_[4:12], np.s_[4:8]))
    scores[:, 4:12, 8:10] = np.log(1e-6)
    scores[LABELS.index("top"), 4:12, 8:10], scores[LABELS.index("skin"), 4:12, 8:10] = np.log(0.45), np.log(0.55)
    (top,) = find(scores)
    # The square is 64 wide around the centre (48, 64): its x from 16; what is in doubt from 64 to 80.
    exact, slack = (top.cutout(coordinates(), 64, Rules(margin=0, slack=slack)) for slack in (0, 0.15))
    assert (exact[8:-8, 52:60] == 255).all()
    assert (slack[8:-8, 52:60, 2] == 7).all()
    assert not top.mask(192, 128)[:, 68:].any()


def test_the_margin_of_a_cutout_is_white() -> None:
    (top,) = find(logits(("top", np.s_[4:10], np.s_[4:10])))
    cutout = top.cutout(np.zeros((192, 128, 3), np.uint8), 110, Rules(margin=0.05))
    assert (cutout[:4] == 255).all()
    assert (cutout[-4:] == 255).all()
    assert (cutout[:, :4] == 255).all()
    assert not cutout[8:-8, 8:-8].any()


@pytest.mark.parametrize(
    ("rows", "columns", "shape"),
    [
        (np.s_[4:20], np.s_[4:8], (224, 54)),
        (np.s_[4:8], np.s_[2:14], (70, 224)),
        (np.s_[4:10], np.s_[4:10], (224, 206)),
        (np.s_[0:24], np.s_[5:6], (224, 16)),  # less is not taken for a picture
        (np.s_[0:24], np.s_[0:16], (224, 138)),
    ],
    ids=["tall", "wide", "square", "very narrow", "the whole photo"],
)
def test_a_trimmed_cutout_centred_on_white_is_the_cutout(rows: slice, columns: slice, shape: tuple[int, int]) -> None:
    (top,) = find(logits(("top", rows, columns)))
    cutout = top.cutout(coordinates(), 224, Rules())
    trimmed = top.trimmed(cutout)
    assert trimmed.shape[:2] == pytest.approx(shape, abs=8)
    assert max(trimmed.shape[:2]) == 224
    assert min(trimmed.shape[:2]) >= 16
    assert (fit_square(trimmed, 224) == cutout).all()


def test_a_cutout_that_is_white_all_over_stays_as_it_is() -> None:
    (top,) = find(logits(("top", np.s_[4:20], np.s_[4:8])))
    white = np.full((64, 64, 3), 255, np.uint8)
    assert top.trimmed(white).shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("rows", "columns"),
    [(np.s_[0:6], np.s_[0:4]), (np.s_[18:24], np.s_[12:16]), (np.s_[0:24], np.s_[6:10]), (np.s_[0:24], np.s_[0:16])],
    ids=["top-left", "bottom-right", "full height", "the whole photo"],
)
def test_a_garment_at_the_photos_border_reaches_it_and_what_lies_beyond_is_white(rows: slice, columns: slice) -> None:
    (top,) = find(logits(("top", rows, columns)))
    box = Box(columns.start * 8, rows.start * 8, (columns.stop - columns.start) * 8, (rows.stop - rows.start) * 8)
    assert top.box == box
    mask = top.mask(192, 128)
    assert mask[box.y + 2 : box.y + box.height - 2, box.x + 2 : box.x + box.width - 2].all()
    assert mask[min(box.y, 191), box.x + box.width // 2]
    side = 64
    cutout = top.cutout(np.zeros((192, 128, 3), np.uint8), side, Rules(margin=0.1, slack=0))
    square = max(box.width, box.height) * 1.2
    scale = side / square
    black = (cutout == 0).all(axis=2)
    assert black.sum() == pytest.approx(box.width * box.height * scale**2, rel=0.12)
    assert not black[0].any()
    assert not black[:, 0].any()


def test_a_landscape_photo_leaves_rows_of_the_grid_unused_that_count_for_nothing() -> None:
    scores = logits(("top", np.s_[2:6], np.s_[4:8]), ("pants", np.s_[12:24], np.s_[0:16]))
    (top,) = find(scores, size=(96, 128))  # 12 rows of the grid
    assert top.category == "top"
    assert top.area == pytest.approx(16 / (12 * 16))
    assert top.box == Box(32, 16, 32, 32)
    assert top.mask(96, 128).shape == (96, 128)


def test_a_portrait_photo_leaves_columns_unused() -> None:
    scores = logits(("top", np.s_[2:6], np.s_[1:4]), ("pants", np.s_[0:24], np.s_[6:16]))
    (top,) = find(scores, size=(192, 48))
    assert (top.category, top.box) == ("top", Box(8, 16, 24, 32))


@pytest.mark.parametrize("size", [(191, 127), (185, 121), (100, 16), (16, 100), (192, 1)])
def test_a_box_never_leaves_a_photo_that_is_no_multiple_of_the_cell(size: tuple[int, int]) -> None:
    (top,) = find(logits(("top", np.s_[:], np.s_[:])), size=size)
    assert top.box.x >= 0
    assert top.box.y >= 0
    assert top.box.x + top.box.width <= size[1]
    assert top.box.y + top.box.height <= size[0]
    assert top.area == 1.0
    assert top.mask(*size).all()
    assert top.cutout(np.zeros((*size, 3), np.uint8), 64, Rules()).shape == (64, 64, 3)


@pytest.mark.parametrize("original", [(384, 256), (383, 256), (384, 255), (383, 255), (381, 254)])
@pytest.mark.parametrize("columns", [np.s_[0:16], np.s_[1:16], np.s_[5:15]])
def test_in_the_original_of_a_reduced_photo_the_garment_lies_where_it_lay(
    original: tuple[int, int], columns: slice
) -> None:
    (top,) = find(logits(("top", np.s_[0:24], columns)))
    height, width = original
    scaled = top.scaled(width / 128, height, width)
    assert scaled.box.x == pytest.approx(columns.start * 8 * width / 128, abs=1)
    assert scaled.box.x + scaled.box.width <= width
    assert scaled.box.y + scaled.box.height <= height
    assert scaled.box.height == pytest.approx(height, abs=2)
    assert scaled.mask(height, width)[height // 2].sum() == pytest.approx(scaled.box.width, abs=2)


@pytest.mark.parametrize("zoom", [1.0, 2.37, 7.9])
def test_a_mask_is_where_the_support_of_the_whole_photo_is_positive(zoom: float) -> None:
    rng = np.random.default_rng(0)
    for look in (Look((640, 480), Box(64, 96, 300, 301), CANVAS), Look((640, 480), Box(0, 0, 480, 640), CANVAS)):
        scores = rng.normal(0, 3, (len(LABELS), 24, 16)).astype(np.float32)
        for garment in find_garments([look.parsed(scores)], LABELS, WANTED, Rules(min_area=0, min_confidence=0)):
            height, width = round(640 * zoom), round(480 * zoom)
            scaled = garment.scaled(zoom, height, width)
            ys, xs = np.mgrid[:height, :width].astype(np.float32)
            cells = [
                (at + 0.5 - corner) / scaled.cell - 0.5 for at, corner in zip((xs, ys), scaled.corner, strict=True)
            ]
            support = cv2.remap(scaled.support, *cells, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            mask = scaled.mask(height, width)
            assert mask.any()
            assert not (mask != (support > 0))[abs(support) > 1e-3].any()


def test_neighbours_share_no_pixel() -> None:
    scores = logits(("top", np.s_[4:12], np.s_[4:12]), ("pants", np.s_[12:20], np.s_[4:12]))
    first, second = find(scores)
    assert not (first.mask(192, 128) & second.mask(192, 128)).any()


def test_small_clothing_is_looked_at_closer_with_a_border_and_large_clothing_is_not() -> None:
    small = logits(("top", np.s_[4:8], np.s_[4:8]), ("pants", np.s_[8:12], np.s_[4:8]))  # x 32 to 64, y 32 to 96
    closer = at_all().parsed(small).closer(IS_GARMENT, min_part=0.1, least_zoom=1.4)
    assert closer is not None
    assert closer.window == Box(26, 26, 44, 76)
    assert closer.scale == pytest.approx(192 / 76)
    assert at_all().parsed(small).closer(IS_GARMENT, min_part=0.1, least_zoom=2.6) is None
    large = logits(("top", np.s_[2:20], np.s_[2:14]))
    assert at_all().parsed(large).closer(IS_GARMENT, min_part=0.1, least_zoom=1.4) is None


def test_without_clothing_and_for_specks_there_is_no_closer_look() -> None:
    assert at_all().parsed(logits(("skin", np.s_[4:8], np.s_[4:8]))).closer(IS_GARMENT, 0.1, 1.4) is None
    far_speck = logits(("top", np.s_[2:20], np.s_[2:14]), ("pants", np.s_[22:23], np.s_[15:16]))
    near_alone = logits(("top", np.s_[2:8], np.s_[2:6]), ("pants", np.s_[22:23], np.s_[15:16]))
    assert at_all().parsed(far_speck).closer(IS_GARMENT, 0.1, 1.4) is None
    assert at_all().parsed(near_alone).closer(IS_GARMENT, 0.1, 1.4) is not None


def test_a_mirrored_look_shows_the_photo_mirrored_and_finds_the_garment_where_it_lies() -> None:
    photo = coordinates(384, 256)
    look = Look((384, 256), Box(64, 96, 64, 96), CANVAS)
    assert (look.mirror().show(photo) == look.show(photo)[:, ::-1]).all()
    scores = logits(("top", np.s_[6:18], np.s_[2:8]))
    (top,) = find_garments([look.parsed(scores)], LABELS, WANTED, Rules())
    (mirrored,) = find_garments([look.mirror().parsed(scores[:, :, ::-1])], LABELS, WANTED, Rules())
    assert mirrored.box == top.box == Box(72, 120, 24, 48)
    assert (mirrored.mask(384, 256) == top.mask(384, 256)).all()


def test_a_closer_look_finds_the_garment_where_it_lies_in_the_photo() -> None:
    look = Look((384, 256), Box(64, 96, 64, 96), CANVAS)  # a quarter of the photo each way; a cell is 4 pixels
    (top,) = find_garments([look.parsed(logits(("top", np.s_[6:18], np.s_[4:12])))], LABELS, WANTED, Rules())
    assert top.box == Box(80, 120, 32, 48)
    assert top.area == pytest.approx(32 * 48 / (384 * 256))
    mask = top.mask(384, 256)
    assert mask[122:166, 82:110].all()
    assert mask.sum() == pytest.approx(32 * 48, rel=0.05)
    doubled = top.scaled(2.0, 768, 512)
    assert doubled.box == Box(160, 240, 64, 96)
    assert doubled.mask(768, 512).sum() == pytest.approx(64 * 96, rel=0.05)


def test_nothing_beyond_a_closer_look_is_garment() -> None:
    look = Look((384, 256), Box(64, 96, 64, 96), CANVAS)
    (top,) = find_garments([look.parsed(logits(("top", np.s_[:], np.s_[:])))], LABELS, WANTED, Rules())
    mask = top.mask(384, 256)
    assert mask[100:188, 68:124].all()
    mask[96:192, 64:128] = False
    assert not mask.any()
