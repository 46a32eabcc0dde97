"""JPEG files: what is lost in them is told, where other readers fill it with grey."""

from __future__ import annotations

import re

import numpy as np
import simplejpeg
from numpy.typing import NDArray

MOST_SCANS = 100
"""A progressive camera JPEG has about ten; each costs a pass over the whole picture."""

HARMLESS_EXTRA = 16
"""Bytes between the pixels and the end marker that some telephones leave there; more are a sign of lost data."""

_SCAN = b"\xff\xda"
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")  # neither a stuffed byte nor a restart nor a fill byte
_EXTRA_AT_END = re.compile(r"(\d+) extraneous bytes before marker 0xd9")


def decode_jpeg(content: bytes) -> NDArray[np.uint8]:
    """Decode a JPEG as ``(H, W, 3)`` uint8 RGB as it is stored, EXIF orientation not applied.

    Not for CMYK, whose colours are Pillow's matter.

    Raises:
        ValueError: libjpeg warns of lost, corrupt or missing data (it would go on with grey).
    """
    try:
        return np.asarray(simplejpeg.decode_jpeg(content, strict=True))
    except ValueError as error:
        extra = _EXTRA_AT_END.search(str(error))  # libjpeg tells its first warning: nothing went wrong before the end
        if extra is None or int(extra[1]) > HARMLESS_EXTRA:
            raise
    return np.asarray(simplejpeg.decode_jpeg(content, strict=False))


def check_jpeg(content: bytes, least: tuple[int, int], most_px: int) -> None:
    """Decode a JPEG at an eighth of its size, for what is lost in it alone.

    Of a small one a few bytes too many are much, and no telephone writes these: none are harmless. Nothing is said of
    one whose header is not read here, such as that of two bands.

    Args:
        content: the whole of it.
        least: height and width that it has at least, px.
        most_px: pixels that it may have; one of more is not decoded.

    Raises:
        ValueError: libjpeg warns of lost, corrupt or missing data, or it is smaller or larger than that.
    """
    try:
        height, width = map(int, simplejpeg.decode_jpeg_header(content, strict=False)[:2])
    except ValueError:
        return
    if height < least[0] or width < least[1]:
        raise ValueError(f"a part of it is {width}×{height} px, less than its share of the picture")
    if height * width > most_px:
        raise ValueError(f"a part of it is {width}×{height} px, more than its share of the picture")
    simplejpeg.decode_jpeg(content, min_height=1, min_width=1, strict=True)  # all bits are read at any size


def count_scans(content: bytes) -> int:
    """Scans of a JPEG, counted without decoding; at most `MOST_SCANS` is said quickly of nearly every file."""
    if content.count(_SCAN) <= MOST_SCANS:  # those within metadata are counted too: an upper bound
        return content.count(_SCAN)
    scans, at = 0, 2
    while found := _MARKER.search(content, at):
        marker, at = found[1][0], found.end()
        if marker == 0xD9:  # end of the picture
            break
        scans += marker == 0xDA
        if marker not in (0x01, 0xD8):  # those two have no length
            at += int.from_bytes(content[at : at + 2], "big")
    return scans
