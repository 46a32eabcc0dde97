"""Photographs of unusual kinds: read right, or refused with what they are, never read wrong in silence."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from models.errors import DataError
from pipeline.datasets.folder import ImageFolder
from pipeline.datasets.jpeg import count_scans, decode_jpeg
from pipeline.datasets.photograph import Photo, Unfit, decode_photo
from pipeline.survey.decode import decode
from pipeline.survey.listing.photographs import Refused

RNG = np.random.default_rng(1)
SMOOTH = cv2.resize(RNG.integers(20, 236, (9, 12, 3), dtype=np.uint8), (96, 72), interpolation=cv2.INTER_CUBIC)
GREY = np.ascontiguousarray(SMOOTH[..., 0])


def jpeg(pixels: np.ndarray = SMOOTH, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95, **options)
    return buffer.getvalue()


def png(pixels: np.ndarray) -> bytes:
    done, encoded = cv2.imencode(".png", pixels)
    assert done
    return encoded.tobytes()


def tiff(*pages: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        for page in pages:
            file.write(page, **options)
    return buffer.getvalue()


def read(content: bytes) -> Photo:
    return decode_photo(content, "a")


def kind_of(content: bytes) -> str:
    with pytest.raises(Refused) as refused:
        decode(content, 200_000_000)
    return refused.value.failure.kind


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}])
@pytest.mark.parametrize("pixels", [SMOOTH, GREY])
def test_a_sound_jpeg_is_as_pillow_has_it(pixels: np.ndarray, options: dict[str, Any]) -> None:
    content = jpeg(pixels, **options)
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    np.testing.assert_array_equal(read(content).image, expected)


@pytest.mark.parametrize("progressive", [False, True])
def test_lost_data_in_a_jpeg_is_damage(progressive: bool) -> None:
    whole = jpeg(RNG.integers(0, 256, (200, 200, 3), dtype=np.uint8), progressive=progressive)
    half = len(whole) // 2
    assert kind_of(whole[:half] + b"\xff\xd9") == "damaged"
    assert kind_of(whole[:half] + bytes(4096) + whole[half + 4096 :]) == "damaged"
    assert kind_of(whole[:half]) == "truncated"
    decode(whole + b"garbage", 200_000_000)


def test_lost_data_in_a_data_set_is_damage(tmp_path: Path) -> None:
    whole = jpeg(RNG.integers(0, 256, (200, 200, 3), dtype=np.uint8))
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2] + b"\xff\xd9")
    from pipeline.datasets.pictures import read_image

    with pytest.raises(DataError, match="damaged"):
        read_image(tmp_path / "a.jpg")


def test_a_few_bytes_before_the_end_are_harmless() -> None:
    whole = jpeg()
    np.testing.assert_array_equal(decode_jpeg(whole[:-2] + b"\0\x01\0" + whole[-2:]), decode_jpeg(whole))


def test_a_jpeg_of_many_scans_is_refused_before_it_is_decoded() -> None:
    whole = jpeg(progressive=True)
    last = whole.rindex(b"\xff\xda")
    many = whole[:last] + whole[last:-2] * 300 + whole[-2:]
    assert count_scans(many) > 300
    assert kind_of(many) == "too large"
    exif = b"Exif\0\0" + b"\xff\xda" * 200  # such bytes in metadata are no scans
    assert count_scans(jpeg(exif=exif)) == 1
    read(jpeg(exif=exif))


def test_a_side_beyond_the_limit_is_refused() -> None:
    buffer = io.BytesIO()
    Image.new("1", (1, 40_000)).save(buffer, "PNG")
    assert kind_of(buffer.getvalue()) == "too large"
    with pytest.raises(Unfit, match="32768"):
        read(buffer.getvalue())


@pytest.mark.parametrize("photometric", ["minisblack", "rgb"])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_red_green_blue_and_near_infrared(photometric: str, depth: type, compression: str | None) -> None:
    scale = 257 if depth is np.uint16 else 1
    bands = np.dstack([SMOOTH, 255 - GREY]).astype(depth) * scale
    bands[0, 0] = 255 * scale
    extra = {"extrasamples": ["unspecified"]} if photometric == "rgb" else {}
    content = tiff(bands, photometric=photometric, planarconfig="contig", compression=compression, **extra)
    photo = read(content)
    assert photo.valid is None
    np.testing.assert_array_equal(photo.image[1:], SMOOTH[1:])


def test_three_bands_that_are_not_called_rgb() -> None:
    photo = read(tiff(SMOOTH, photometric="minisblack", planarconfig="contig"))
    np.testing.assert_array_equal(photo.image, SMOOTH)


@pytest.mark.parametrize(
    ("bands", "says"),
    [
        (np.dstack([SMOOTH, SMOOTH[..., :2]]), "5 bands of 8-bit"),
        (SMOOTH.astype(np.float32) / 255, "3 bands of 32-bit floating"),
        (GREY.astype(np.float64), "1 band of 64-bit floating"),
        (GREY.astype(np.int16), "1 band of 16-bit signed"),
        (GREY.astype(np.uint32), "1 band of 32-bit unsigned"),
    ],
)
def test_other_bands_and_depths_are_unsupported(bands: np.ndarray, says: str) -> None:
    content = tiff(bands, photometric="minisblack", planarconfig="contig" if bands.ndim == 3 else None)
    with pytest.raises(DataError, match=says) as error:
        read(content)
    assert "Export" in error.value.remedy
    assert kind_of(content) == "unsupported"


def test_the_largest_page_that_is_no_preview_is_read() -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(SMOOTH[::4, ::4], photometric="rgb", subfiletype=1)
        file.write(SMOOTH, photometric="rgb")
    np.testing.assert_array_equal(read(buffer.getvalue()).image, SMOOTH)
    np.testing.assert_array_equal(read(tiff(SMOOTH[::2, ::2], SMOOTH, photometric="rgb")).image, SMOOTH)


def test_pages_that_may_each_be_a_photograph_are_refused() -> None:
    content = tiff(SMOOTH[:-2], SMOOTH, photometric="rgb")
    assert kind_of(content) == "unsupported"
    with pytest.raises(DataError, match="2 pictures of about one size"):
        read(content)


def test_raw_files_are_told_as_raw() -> None:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(SMOOTH[::4, ::4], photometric="rgb", subfiletype=1, subifds=1)
        file.write(GREY.astype(np.uint16) * 16, photometric=32803)
    assert kind_of(buffer.getvalue()) == "unsupported"
    with pytest.raises(DataError, match="raw") as error:
        read(buffer.getvalue())
    assert "JPEG" in error.value.remedy
    assert kind_of(tiff(SMOOTH, photometric="rgb", extratags=[(50706, 1, 4, (1, 4, 0, 0), True)])) == "unsupported"


@pytest.mark.parametrize("encode", [png, lambda pixels: tiff(pixels, photometric="minisblack")])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_grey_is_scaled_by_its_significant_bits(encode: Any, bits: int) -> None:
    full = GREY.copy()
    full[0, 0] = 255
    image = read(encode(full.astype(np.uint16) << (bits - 8))).image
    np.testing.assert_array_equal(image[..., 0], full)


@pytest.mark.parametrize("encode", [lambda p: png(p[..., ::-1]), lambda p: tiff(p, photometric="rgb")])
def test_twelve_bits_of_colour(encode: Any) -> None:
    full = SMOOTH.copy()
    full[0, 0] = 255
    np.testing.assert_array_equal(read(encode(full.astype(np.uint16) * 16)).image, full)


def test_the_tags_tell_the_range_of_a_dark_picture() -> None:
    tags = [(281, 3, 1, 4095, True)]
    dark = GREY // 8
    content = tiff(dark.astype(np.uint16) * 16, photometric="minisblack", extratags=tags)
    np.testing.assert_array_equal(read(content).image[..., 0], dark)


def cut_off() -> np.ndarray:
    alpha = np.full(GREY.shape, 255, np.uint8)
    alpha[:30] = 0
    return alpha


def test_alpha_tells_where_there_is_no_picture() -> None:
    alpha = cut_off()
    rgba = np.dstack([SMOOTH, alpha])
    for content in (png(rgba[..., [2, 1, 0, 3]]), tiff(rgba, photometric="rgb", extrasamples=["unassalpha"])):
        photo = read(content)
        assert photo.valid is not None
        np.testing.assert_array_equal(photo.valid, alpha > 0)
        np.testing.assert_array_equal(photo.image[30:], SMOOTH[30:])
    opaque = read(png(np.dstack([SMOOTH, np.full_like(alpha, 255)])))
    assert opaque.valid is None
    assert kind_of(png(np.dstack([SMOOTH, np.zeros_like(alpha)]))) == "unsupported"


def test_nodata_values_and_mask_pages_tell_it_too() -> None:
    black = np.where(cut_off()[..., None] > 0, SMOOTH, 0).astype(np.uint8)
    black[60, 60] = 0  # a dark spot of the road
    photo = read(tiff(black, photometric="rgb", extratags=[(42113, 2, 0, "0", True)]))
    assert photo.valid is not None
    np.testing.assert_array_equal(photo.valid, cut_off() > 0)
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(black, photometric="rgb")
        file.write(cut_off() > 0, photometric=4, subfiletype=4)
    photo = read(buffer.getvalue())
    assert photo.valid is not None
    np.testing.assert_array_equal(photo.valid, cut_off() > 0)


def test_pixels_without_picture_are_not_judged_in_a_data_set(tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "images" / "a.png").write_bytes(png(np.dstack([SMOOTH, cut_off()])))
    (tmp_path / "masks" / "a.png").write_bytes(png(np.where(np.eye(*GREY.shape, dtype=bool), 255, 0).astype(np.uint8)))
    sample = ImageFolder(tmp_path).load("a")
    assert sample.ignore is not None
    np.testing.assert_array_equal(sample.ignore, cut_off() == 0)
    assert not sample.mask[:30].any()
    assert sample.mask[30:].any()
