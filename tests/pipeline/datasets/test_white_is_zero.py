"""TIFFs in which 0 is white, as scanners write them: the road is not read as its negative."""

import io

import numpy as np
import pytest
import tifffile

from pipeline.datasets.photograph import decode_photo

GREY = np.linspace(0, 255, 64 * 48).reshape(48, 64).astype(np.uint8)


def tiff(samples, photometric, **tags):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, photometric=photometric, **tags)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("samples", "tags"),
    [
        (255 - GREY, {}),
        ((255 - GREY).astype(np.uint16) * 257, {}),
        ((255 - GREY).astype(np.uint16) * 16, {}),  # 12 bits in 16
        ((255 - GREY).astype(np.uint16) * 257, {"byteorder": ">"}),
        ((255 - GREY).astype(np.uint16) * 257, {"compression": "deflate"}),
    ],
    ids=["8 bits", "16 bits", "12 bits in 16", "big-endian", "compressed"],
)
def test_the_negative_is_turned(samples, tags):
    image, valid, _ = decode_photo(tiff(samples, "miniswhite", **tags), "scan.tif")
    np.testing.assert_allclose(image[..., 0].astype(int), GREY, atol=1)
    assert valid is None


def test_where_there_is_no_picture_is_told_by_the_stored_value():
    samples = (255 - GREY).astype(np.uint16) * 257
    samples[:40, :40] = 65535
    nodata = [(42113, "s", 0, "65535", True)]
    image, valid, _ = decode_photo(tiff(samples, "miniswhite", extratags=nodata), "scan.tif")
    assert not valid[:40, :40].any()
    assert valid[45:, 45:].all()
    np.testing.assert_allclose(image[45:, 45:, 0].astype(int), GREY[45:, 45:], atol=1)
