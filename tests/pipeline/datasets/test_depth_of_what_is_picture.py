"""What is no picture has no say in how deep the picture is: its pixels may hold the greatest value of 16 bits."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile

from pipeline.datasets.photograph import decode_photo
from tests.pipeline.datasets.test_pictures_kinds import SMOOTH, png

THERE = np.add.outer(np.arange(SMOOTH.shape[0]), np.arange(SMOOTH.shape[1])) >= 60
TWELVE = SMOOTH.copy()
TWELVE[-1, -1] = 255
DEEP = TWELVE.astype(np.uint16) * 16
ALPHA = np.where(THERE, 65535, 0).astype(np.uint16)


def around(value: int) -> np.ndarray:
    return np.where(THERE[..., None], DEEP, value).astype(np.uint16)


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **{"photometric": "rgb"} | options)
    return buffer.getvalue()


def with_mask_page() -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        file.write(around(65535), photometric="rgb")
        file.write(THERE, photometric=4, subfiletype=4)
    return buffer.getvalue()


def nodata(value: int) -> dict[str, Any]:
    return {"extratags": [(42113, 2, 0, str(value), True)]}


@pytest.mark.parametrize(
    "content",
    [
        tiff(around(65535), **nodata(65535)),
        tiff(around(32767), **nodata(32767)),
        tiff(np.dstack([around(65535), ALPHA]), extrasamples=["unassalpha"]),
        png(np.dstack([around(65535)[..., ::-1], ALPHA])),
        with_mask_page(),
    ],
    ids=["nodata 65535", "nodata 32767", "alpha of a TIFF", "alpha of a PNG", "mask page"],
)
def test_twelve_bits_in_sixteen_stay_as_bright(content: bytes) -> None:
    image, valid, _ = decode_photo(content, "a")
    assert valid is not None
    np.testing.assert_array_equal(valid, THERE)
    np.testing.assert_array_equal(image[THERE], TWELVE[THERE])


def test_a_few_pixels_of_the_nodata_value_are_spots_of_white() -> None:
    spots = DEEP.copy()
    spots[40, 10:20] = 65535  # too few for a patch
    image, valid, _ = decode_photo(tiff(spots, **nodata(65535)), "a")
    assert valid is None
    assert (image[40, 10:20] == 255).all()
    np.testing.assert_array_equal(image[41:], TWELVE[41:])


def test_grey_too() -> None:
    grey = around(65535)[..., 0]
    image, valid, _ = decode_photo(tiff(grey, photometric="minisblack", **nodata(65535)), "a")
    assert valid is not None
    np.testing.assert_array_equal(image[THERE][:, 0], TWELVE[..., 0][THERE])
    done, content = cv2.imencode(".png", grey)
    assert done
    assert decode_photo(content.tobytes(), "a").valid is None  # nothing says that it is no picture
