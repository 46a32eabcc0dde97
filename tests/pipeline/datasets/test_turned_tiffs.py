"""TIFFs with an orientation tag: the picture, its depth and what is no picture are turned alike."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile

from models.errors import DataError
from pipeline.datasets import photograph
from pipeline.datasets.photograph import Photo, decode_photo, turn
from tests.pipeline.datasets.test_pictures_kinds import SMOOTH

ORIENTATIONS = list(range(1, 9))
THERE = np.add.outer(np.arange(SMOOTH.shape[0]), np.arange(SMOOTH.shape[1])) >= 60
DARK = np.where(THERE[..., None], np.maximum(SMOOTH, 1), 0).astype(np.uint8)


def tag(orientation: int) -> tuple[int, int, int, int, bool]:
    return 274, 3, 1, orientation, True


def tiff(pixels: np.ndarray, orientation: int, *tags: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, photometric="rgb", extratags=[tag(orientation), *tags], **options)
    return buffer.getvalue()


def with_mask_page(orientation: int, masks: int | None, there: np.ndarray = THERE) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(DARK, photometric="rgb", extratags=[tag(orientation)])
        file.write(there, photometric=4, subfiletype=4, extratags=[] if masks is None else [tag(masks)])
    return buffer.getvalue()


def assert_turned(photo: Photo, orientation: int, pixels: np.ndarray, valid: np.ndarray | None) -> None:
    np.testing.assert_array_equal(photo.image, turn(pixels, orientation))
    if valid is None:
        assert photo.valid is None
    else:
        assert photo.valid is not None
        np.testing.assert_array_equal(photo.valid, turn(valid, orientation))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_mask_page_is_turned_as_its_picture_is(orientation: int) -> None:
    for masks in (None, 1, orientation):  # the mask page's own tag
        assert_turned(decode_photo(with_mask_page(orientation, masks), "a"), orientation, DARK, THERE)


def test_a_mask_page_of_another_size_than_the_picture_is_refused() -> None:
    content = with_mask_page(1, None, np.ascontiguousarray(THERE.T))  # of the same area
    with pytest.raises(DataError, match="mask"):
        decode_photo(content, "a")


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_sixteen_bits_are_turned_as_eight_are(orientation: int, compression: str | None) -> None:
    nodata = (42113, 2, 0, "0", True)
    rgba = np.dstack([DARK, np.where(THERE, 255, 0).astype(np.uint8)])
    for pixels, tags, options, valid in (
        (SMOOTH, (), {}, None),
        (DARK, (nodata,), {}, THERE),
        (rgba, (), {"extrasamples": ["unassalpha"]}, THERE),
    ):
        deep = pixels.astype(np.uint16) * 257
        found = decode_photo(tiff(deep, orientation, *tags, compression=compression, **options), "a")
        twin = decode_photo(tiff(pixels, orientation, *tags, compression=compression, **options), "a")
        np.testing.assert_array_equal(found.image, twin.image)
        assert_turned(twin, orientation, twin_of(pixels), valid)
        assert_turned(found, orientation, twin_of(pixels), valid)


def twin_of(pixels: np.ndarray) -> np.ndarray:
    if pixels.shape[2] == 3:
        return pixels
    return np.where(pixels[..., 3:] > 0, pixels[..., :3], photograph._MATTE).astype(np.uint8)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_second_reader_of_sixteen_bits_turns_them_once(orientation: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.datasets.tiff.samples", lambda content, number: None)
    cv2.setNumThreads(1)
    found = decode_photo(tiff(SMOOTH.astype(np.uint16) * 257, orientation), "a")
    assert_turned(found, orientation, SMOOTH, None)
