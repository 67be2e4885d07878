"""What issue 2 lists as bad input, and what only looks bad."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from clothing_retrieval.v1 import types_pb2
from serving.errors import InvalidField, InvalidImage
from serving.images import ImageLimits, Picture, decode, decode_file, resize
from tests.pictures import Raster, encoded, noise, photo, raster

LIMITS = ImageLimits()


def read(data: bytes, limits: ImageLimits = LIMITS) -> Picture:
    return decode_file(data, limits, "image.encoded")


def corners(pixels: Raster) -> list[tuple[int, ...]]:
    """The four corners' colours, from the top-left clockwise."""
    return [tuple(map(int, pixels[y, x])) for y, x in ((2, 2), (2, -3), (-3, -3), (-3, 2))]


RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)


def four_corners(width: int = 64, height: int = 48) -> Image.Image:
    picture = Image.new("RGB", (width, height), "white")
    for colour, corner in zip(
        (RED, GREEN, BLUE, YELLOW),
        ((0, 0), (width // 2, 0), (width // 2, height // 2), (0, height // 2)),
        strict=True,
    ):
        picture.paste(colour, (*corner, corner[0] + width // 2, corner[1] + height // 2))
    return picture


def png(width: int, height: int, stream: bytes, depth: int = 8, colour_type: int = 2) -> bytes:
    """``stream``: the rows as they are compressed."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", stream) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_each_allowed_format_is_read(kind: str) -> None:
    picture = read(encoded(four_corners(), kind))
    assert picture.pixels.shape == (48, 64, 3)
    assert (picture.width, picture.height) == (64, 48)
    np.testing.assert_allclose(corners(picture.pixels), [RED, GREEN, BLUE, YELLOW], atol=40)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is empty"),
        (b"dress,top,shoe\n" * 50, "cannot be read as a JPEG, PNG or WebP file"),
        (encoded(noise(64, 64), "GIF"), "cannot be read"),
        (encoded(noise(64, 64), "BMP"), "cannot be read"),
        (encoded(noise(64, 64), "TIFF"), "cannot be read"),
        (encoded(noise(1, 1), "PNG"), "1 × 1 pixels, at least 16 × 16"),
        (encoded(noise(400, 15), "PNG"), "400 × 15 pixels, at least"),
        (bytes(LIMITS.max_bytes + 1), "the limit is 20971520"),
        (b"\x89PNG\r\n\x1a\n", "cannot be read"),
        (b"\xff\xd8\xff", "cannot be read"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "cannot be read"),
    ],
    ids=["empty", "text", "gif", "bmp", "tiff", "1x1", "flat", "heavy", "png magic", "jpeg magic", "webp magic"],
)
def test_what_is_no_picture_that_we_read_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(InvalidImage, match=problem) as refused:
        read(data)
    assert refused.value.field == "image.encoded"
    assert " object at 0x" not in str(refused.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_refused(kind: str, share: float) -> None:
    data = encoded(noise(128, 128), kind)
    with pytest.raises(InvalidImage, match="cannot be read"):
        read(data[: int(len(data) * share)])


def test_a_truncated_png_that_bears_no_exif_before_its_pixels_is_refused() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(noise(128, 128), "PNG", exif=exif)
    with pytest.raises(InvalidImage, match="cannot be read"):
        read(data[: len(data) // 2])


def test_a_png_whose_stream_is_damaged_is_refused() -> None:
    rows = [b"\0" + row.tobytes() for row in raster(noise(64, 64))]
    sound = zlib.compress(b"".join(rows))
    middle = len(sound) // 2
    rows[32] = b"\x09" + rows[32][1:]
    assert read(png(64, 64, sound)).pixels.shape == (64, 64, 3)
    for stream in (
        sound[:middle] + bytes([sound[middle] ^ 0xFF]) + sound[middle + 1 :],
        zlib.compress(b"".join(rows)),  # no filter has this number
        sound[:-4] + bytes(4),  # the checksum of the rows
    ):
        with pytest.raises(InvalidImage, match="cannot be read"):
            read(png(64, 64, stream))


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    data = png(30_000, 30_000, bytes(100_000), colour_type=0)
    with pytest.raises(InvalidImage, match="30000 × 30000 pixels, the limit is 50000000"):
        read(data)


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_an_animated_picture_stands_for_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, lossless=True)
    assert corners(read(data).pixels) == [RED] * 4


def test_an_animated_gif_is_refused() -> None:
    frames = [Image.new("P", (64, 48), index) for index in (0, 1)]
    with pytest.raises(InvalidImage):
        read(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))


def test_a_cmyk_jpeg_keeps_its_colours() -> None:
    picture = read(encoded(four_corners().convert("CMYK"), "JPEG", quality=95))
    np.testing.assert_allclose(corners(picture.pixels), [RED, GREEN, BLUE, YELLOW], atol=12)


def test_a_grey_jpeg_becomes_rgb() -> None:
    picture = read(encoded(four_corners().convert("L"), "JPEG"))
    assert picture.pixels.shape == (48, 64, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright_as_its_exif_says(kind: str, orientation: int) -> None:
    upright = four_corners()
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,  # the camera stored it turned to the left: show it turned to the right
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read(encoded(stored, kind, exif=exif))
    assert (picture.width, picture.height) == (64, 48)
    assert picture.pixels.shape == (48, 64, 3)
    np.testing.assert_allclose(corners(picture.pixels), [RED, GREEN, BLUE, YELLOW], atol=40)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_pixel_lies_where_pillow_turns_it(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(noise(41, 26), "PNG", exif=exif)
    np.testing.assert_array_equal(read(data).pixels, raster(ImageOps.exif_transpose(Image.open(io.BytesIO(data)))))


@pytest.mark.parametrize("orientation", [0, 9, 255, 65535])
def test_an_orientation_that_does_not_exist_means_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read(encoded(four_corners(), "JPEG", exif=exif))
    assert (picture.width, picture.height) == (64, 48)
    assert picture.pixels.shape == (48, 64, 3)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF:UserWarning")
@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\x00\x00",
        b"Exif\x00\x00MM",
        b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff",
        b"Exif\x00\x00II*\x00\xff\xff\xff\xff",
        b"Exif\x00\x00garbage and more garbage",
    ],
)
def test_damaged_exif_around_a_sound_picture_is_passed_over(exif: bytes) -> None:
    assert read(encoded(four_corners(), "JPEG", exif=exif)).pixels.shape == (48, 64, 3)


def test_a_16_bit_grey_png_keeps_its_brightness() -> None:
    grey = np.full((32, 32), 0x8000, np.uint16)
    grey[:16] = 0xFFFF
    pixels = read(encoded(Image.fromarray(grey), "PNG")).pixels
    assert corners(pixels) == [(255,) * 3, (255,) * 3, (128,) * 3, (128,) * 3]


def test_a_16_bit_grey_png_is_turned_as_well() -> None:
    grey = np.zeros((32, 48), np.uint16)
    grey[:, :24] = 0xFFFF
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = read(encoded(Image.fromarray(grey), "PNG", exif=exif))
    assert (picture.width, picture.height) == (32, 48)
    assert corners(picture.pixels) == [(255,) * 3, (255,) * 3, (0,) * 3, (0,) * 3]


@pytest.mark.parametrize(("channels", "colour_type"), [(3, 2), (4, 6), (2, 4)])
def test_16_bit_png_of_every_kind_keeps_its_brightness(channels: int, colour_type: int) -> None:
    samples = np.full((32, 32, channels), 0x8000, ">u2")
    samples[..., -1] = 0xFFFF if channels != 3 else 0x8000
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    data = png(32, 32, zlib.compress(rows), 16, colour_type)
    np.testing.assert_allclose(read(data).pixels, 128, atol=1)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_transparent_becomes_white(kind: str) -> None:
    layer = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    layer.paste((0, 0, 255, 255), (16, 0, 32, 32))
    pixels = read(encoded(layer, kind, lossless=True)).pixels
    assert corners(pixels) == [(255, 255, 255), BLUE, BLUE, (255, 255, 255)]


def test_half_transparent_is_mixed_with_white() -> None:
    pixels = read(encoded(Image.new("RGBA", (32, 32), (0, 0, 0, 128)), "PNG")).pixels
    np.testing.assert_allclose(pixels, 127, atol=1)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_colour_that_png_declares_transparent_becomes_white(mode: str) -> None:
    transparent = 0 if mode == "L" else (0, 0, 0)
    picture = Image.new(mode, (32, 32), transparent)
    picture.paste(100 if mode == "L" else (100, 100, 100), (16, 0, 32, 32))
    pixels = read(encoded(picture, "PNG", transparency=transparent)).pixels
    assert corners(pixels) == [(255,) * 3, (100,) * 3, (100,) * 3, (255,) * 3]


def test_a_palette_with_a_transparent_colour_becomes_white_there() -> None:
    picture = Image.new("P", (32, 32), 0)
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.paste(1, (16, 0, 32, 32))
    pixels = read(encoded(picture, "PNG", transparency=0)).pixels
    assert corners(pixels) == [(255,) * 3, GREEN, GREEN, (255,) * 3]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_every_mode_of_png_becomes_rgb(mode: str) -> None:
    assert read(encoded(four_corners().convert(mode), "PNG")).pixels.shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("size", "decoded"), [((400, 300), (200, 150)), ((401, 301), (201, 151)), ((800, 600), (100, 75))]
)
def test_a_large_jpeg_is_decoded_smaller_and_remembers_its_size(
    size: tuple[int, int], decoded: tuple[int, int]
) -> None:
    limits = ImageLimits(decoded_side=75 if size[0] == 800 else 150)
    picture = read(encoded(four_corners(*size), "JPEG"), limits)
    assert (picture.width, picture.height) == size
    assert picture.pixels.shape == (decoded[1], decoded[0], 3)


def test_a_turned_jpeg_that_is_decoded_smaller_tells_its_upright_size() -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    picture = read(encoded(four_corners(400, 300), "JPEG", exif=exif), ImageLimits(decoded_side=150))
    assert (picture.width, picture.height) == (300, 400)
    assert picture.pixels.shape == (200, 150, 3)


def test_a_jpeg_is_never_decoded_below_the_side_that_is_needed() -> None:
    for side in (399, 300, 299, 151, 150, 149, 100, 76, 75, 38):
        picture = read(encoded(four_corners(400, 300), "JPEG"), ImageLimits(decoded_side=side))
        assert min(picture.pixels.shape[:2]) >= min(side, 300)


def test_a_jpeg_of_several_pictures_as_phones_write_it_is_read_and_decoded_smaller_too() -> None:
    data = encoded(four_corners(400, 300), "MPO", save_all=True, append_images=[noise(64, 64)])
    picture = read(data, ImageLimits(decoded_side=150))
    assert (picture.width, picture.height) == (400, 300)
    assert picture.pixels.shape == (150, 200, 3)
    np.testing.assert_allclose(corners(picture.pixels), [RED, GREEN, BLUE, YELLOW], atol=40)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA", "I;16"])
def test_a_large_png_of_every_mode_is_scaled_down_and_remembers_its_size(mode: str) -> None:
    upright = four_corners(401, 302)
    stored = Image.fromarray(np.asarray(upright.convert("L")).astype(np.uint16) * 257) if mode == "I;16" else upright
    picture = read(encoded(stored if mode == "I;16" else stored.convert(mode), "PNG"), ImageLimits(decoded_side=100))
    assert (picture.width, picture.height) == (401, 302)
    assert picture.pixels.shape == (101, 134, 3)
    grey = mode in ("L", "LA", "I;16")
    expected = corners(raster(upright.convert("L") if grey else upright))
    np.testing.assert_allclose(corners(picture.pixels), expected, atol=2)


def test_a_turned_png_that_is_scaled_down_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter to the right
    picture = read(encoded(four_corners(400, 300), "PNG", exif=exif), ImageLimits(decoded_side=100))
    assert (picture.width, picture.height) == (300, 400)
    assert picture.pixels.shape == (134, 100, 3)
    np.testing.assert_allclose(corners(picture.pixels), [YELLOW, RED, GREEN, BLUE], atol=2)


def test_a_large_picture_is_scaled_down_to_the_means_of_its_pixels_strip_by_strip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pixels = raster(noise(300, 400))
    means = pixels.reshape(100, 4, 75, 4, 3).mean(axis=(1, 3))
    for strip in (1, 5_000, 1 << 20):
        monkeypatch.setattr("serving.images._STRIP", strip)
        picture = read(encoded(Image.fromarray(pixels), "PNG"), ImageLimits(decoded_side=75))
        assert np.abs(picture.pixels - means).max() <= 0.5


def test_a_picture_too_long_to_be_scaled_down_becomes_white_where_it_is_transparent() -> None:
    picture = read(encoded(Image.new("RGBA", (70_000, 20), (255, 0, 0, 0)), "PNG"))
    assert picture.pixels.shape == (20, 70_000, 3)
    assert picture.pixels.min() == 255


def test_a_raster_is_taken_as_it_is() -> None:
    pixels = raster(photo(size=(20, 30)))
    picture = decode(types_pb2.Image(pixels=types_pb2.Pixels(width=20, height=30, rgb=pixels.tobytes())), LIMITS)
    assert (picture.width, picture.height) == (20, 30)
    np.testing.assert_array_equal(picture.pixels, pixels)


@pytest.mark.parametrize(
    ("width", "height", "count", "field"),
    [
        (20, 20, 1199, "image.pixels.rgb"),
        (20, 20, 1201, "image.pixels.rgb"),
        (20, 20, 0, "image.pixels.rgb"),
        (0, 0, 0, "image.pixels"),
        (-20, -20, 1200, "image.pixels"),
        (2**31 - 1, 2**31 - 1, 0, "image.pixels"),
        (1, 400, 1200, "image.pixels"),
    ],
)
def test_a_raster_whose_size_does_not_fit_is_refused(width: int, height: int, count: int, field: str) -> None:
    image = types_pb2.Image(pixels=types_pb2.Pixels(width=width, height=height, rgb=bytes(count)))
    with pytest.raises(InvalidField) as refused:
        decode(image, LIMITS)
    assert refused.value.field == field


def test_an_image_with_nothing_in_it_is_refused() -> None:
    with pytest.raises(InvalidField, match=r"images\[2\]: is empty"):
        decode(types_pb2.Image(), LIMITS, "images[2]")


@pytest.mark.parametrize(("height", "width"), [(339, 208), (300, 199), (103, 398), (77, 33), (13, 1), (599, 399)])
def test_a_smaller_picture_is_the_mean_of_areas(height: int, width: int) -> None:
    blurred = cv2.GaussianBlur(raster(noise(400, 600)), (0, 0), 1.5)
    areas = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_AREA)
    error = resize(blurred, height, width).astype(float) - areas
    assert error.shape == (height, width, 3)
    assert np.sqrt((error**2).mean()) < 1


def test_a_picture_of_half_the_size_is_the_mean_of_four_pixels() -> None:
    pixels = raster(noise(64, 48))
    means = pixels.reshape(24, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(resize(pixels, 24, 32) - means).max() <= 0.5


def test_a_larger_picture_is_interpolated() -> None:
    pixels = raster(noise(20, 10))
    expected = cv2.resize(pixels, (50, 30), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(resize(pixels, 30, 50), expected)
