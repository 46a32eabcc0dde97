from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from models.errors import DataError
from pipeline.datasets.masks import read_mask
from pipeline.datasets.pictures import read_image

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (6, 9), dtype=np.uint8)


def assert_layout(image: np.ndarray) -> None:
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.flags.c_contiguous
    assert image.flags.writeable  # what else torch warns of


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".bmp", ".PNG"])
def test_colour_is_kept_exactly(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(COLOUR).save(tmp_path / f"a{suffix}")
    image = read_image(tmp_path / f"a{suffix}")
    assert_layout(image)
    np.testing.assert_array_equal(image, COLOUR)


def test_lossless_webp_is_kept_exactly(tmp_path: Path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "a.webp", lossless=True)
    np.testing.assert_array_equal(read_image(tmp_path / "a.webp"), COLOUR)


def test_jpeg_keeps_order_of_channels(tmp_path: Path) -> None:
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 200
    Image.fromarray(red).save(tmp_path / "a.jpg", quality=95)
    image = read_image(tmp_path / "a.jpg").astype(int)
    assert abs(image[..., 0] - 200).max() < 6
    assert image[..., 1:].max() < 6


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_grey_is_repeated(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(GREY).save(tmp_path / f"a{suffix}")
    image = read_image(tmp_path / f"a{suffix}")
    assert_layout(image)
    for channel in range(3):
        np.testing.assert_array_equal(image[..., channel], GREY)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bit_grey_keeps_the_high_byte(tmp_path: Path, suffix: str) -> None:
    cv2.imwrite(str(tmp_path / f"a{suffix}"), GREY.astype(np.uint16) * 256 + 77)
    np.testing.assert_array_equal(read_image(tmp_path / f"a{suffix}")[..., 0], GREY)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bit_colour_keeps_the_high_byte(tmp_path: Path, suffix: str) -> None:
    cv2.imwrite(str(tmp_path / f"a{suffix}"), COLOUR[..., ::-1].astype(np.uint16) * 256 + 77)
    np.testing.assert_array_equal(read_image(tmp_path / f"a{suffix}"), COLOUR)


def test_palette(tmp_path: Path) -> None:
    picture = Image.fromarray(COLOUR).quantize(8)
    picture.save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert_layout(image)
    np.testing.assert_array_equal(image, np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk(tmp_path: Path, suffix: str) -> None:
    picture = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # red
    picture.save(tmp_path / f"a{suffix}")
    image = read_image(tmp_path / f"a{suffix}")
    assert_layout(image)
    assert image[..., 0].min() > 240
    assert image[..., 1:].max() < 15


def test_transparency_lies_over_mid_grey(tmp_path: Path) -> None:
    pixels = np.zeros((2, 3, 4), np.uint8)
    pixels[0] = (10, 20, 30, 255)
    pixels[1] = (200, 200, 200, 0)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert_layout(image)
    assert image[0].tolist() == [[10, 20, 30]] * 3
    assert image[1].tolist() == [[127, 127, 127]] * 3


def test_bilevel(tmp_path: Path) -> None:
    Image.fromarray(GREY > 127).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert_layout(image)
    np.testing.assert_array_equal(image[..., 0], np.where(GREY > 127, 255, 0))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_as_pillow_has_it(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(COLOUR).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture))
    image = read_image(tmp_path / "a.png")
    assert_layout(image)
    np.testing.assert_array_equal(image, expected)
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), expected.max(axis=2) > 127)


def test_broken_exif_does_not_cost_the_picture(tmp_path: Path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "a.png", exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), COLOUR)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".bmp"])
def test_truncated(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError) as error:
        read_image(path)
    assert str(path) in error.value.problem
    assert error.value.remedy


@pytest.mark.parametrize("content", [b"", b"not a picture at all", b"\xff\xd8\xff"])
def test_no_picture(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    for read in (read_image, read_mask):
        with pytest.raises(DataError, match=r"a\.jpg"):
            read(tmp_path / "a.jpg")


def test_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_image(tmp_path / "none.jpg")
    with pytest.raises(DataError):
        read_image(tmp_path)


def test_float_pixels_are_refused(tmp_path: Path) -> None:
    Image.fromarray(GREY.astype(np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match="32-bit"):
        read_image(tmp_path / "a.tif")
