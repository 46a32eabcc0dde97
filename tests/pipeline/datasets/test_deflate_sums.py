"""Deflated TIFFs whose data do not match their own sum are damaged; Pillow's decoder does not look at it."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from models.errors import DataError
from pipeline.datasets.photograph import decode_photo
from pipeline.datasets.pictures import read_pixels
from pipeline.datasets.tiff_parts import check_parts
from tests.pipeline.datasets.test_pictures_kinds import SMOOTH, cut_off, kind_of, png

NOISE = np.random.default_rng(3).integers(0, 256, (160, 200, 3), dtype=np.uint8)
KINDS: list[dict[str, Any]] = [{}, {"rowsperstrip": 7}, {"tile": (64, 64)}, {"predictor": True}, {"bigtiff": True}]


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    bigtiff = options.pop("bigtiff", False)
    with tifffile.TiffWriter(buffer, bigtiff=bigtiff) as file:
        file.write(pixels, **{"photometric": "rgb", "compression": "zlib"} | options)
    return buffer.getvalue()


def flipped(content: bytes) -> bytes:
    """One byte of the picture's data, at a place where inflating goes on, is another."""
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        at = file.pages[0].dataoffsets[0] + file.pages[0].databytecounts[0] // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_what_does_not_match_its_sum_is_damaged(options: dict[str, Any], depth: type) -> None:
    content = tiff(NOISE.astype(depth) * (np.iinfo(depth).max // 255), **options)
    np.testing.assert_array_equal(decode_photo(content, "a").image, NOISE)
    assert kind_of(flipped(content)) == "damaged"


def test_the_older_number_of_deflate_is_checked_too() -> None:
    content = bytearray(tiff(NOISE))
    at = content.index(struct.pack("<HHI", 259, 3, 1)) + 8
    content[at : at + 2] = struct.pack("<H", 32946)
    np.testing.assert_array_equal(decode_photo(bytes(content), "a").image, NOISE)
    assert kind_of(flipped(bytes(content))) == "damaged"


def test_masks_are_checked(tmp_path: Path) -> None:
    content = tiff(NOISE[..., 0], photometric="minisblack")
    (tmp_path / "a.tif").write_bytes(content)
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.tif")[0], NOISE[..., 0])
    (tmp_path / "a.tif").write_bytes(flipped(content))
    with pytest.raises(DataError, match="damaged"):
        read_pixels(tmp_path / "a.tif")


def test_a_strip_that_inflates_beyond_its_size_is_not_followed() -> None:
    content = tiff(np.zeros((16, 16, 3), np.uint8))
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page = file.pages.first
        offset, counts = page.dataoffsets[0], page.tags["StripByteCounts"].valueoffset
    bomb = zlib.compress(bytes(50_000_000))
    changed = bytearray(content[:offset] + bomb)
    struct.pack_into("<I", changed, counts, len(bomb))
    with pytest.raises(ValueError, match="more"):
        check_parts(bytes(changed), 0)


def test_deep_pngs_without_their_end_are_truncated() -> None:
    whole = png(SMOOTH.astype(np.uint16) * 257)
    assert kind_of(whole[:-12]) == "truncated"
    assert kind_of(png(np.dstack([SMOOTH, cut_off()]).astype(np.uint16) * 257)[:-12]) == "truncated"
