"""TIFFs with an orientation tag: the picture, its depth and what is no picture are turned alike."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile

from models.errors import DataError
from pipeline.datasets.photograph import Photo, decode_photo, turn
from tests.pipeline.datasets.test_pictures_kinds import SMOOTH

ORIENTATIONS = list(range(1, 9))
THERE = np.add.outer(np.arange(SMOOTH.shape[0]), np.arange(SMOOTH.shape[1])) >= 60
DARK = np.where(THERE[..., None], np.maximum(SMOOTH, 1), 0).astype(np.uint8)


def tag(orientation: int) -> tuple[int, int, int, int, bool]:
    return 274, 3, 1, orientation, True


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
