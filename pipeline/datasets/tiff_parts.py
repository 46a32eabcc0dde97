"""What is lost in the strips and tiles of a TIFF, which libtiff passes over in silence, or fills with grey."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from typing import NamedTuple

import tifffile

from pipeline.datasets.inflating import count_inflated
from pipeline.datasets.jpeg import check_jpeg

_DEFLATES, _JPEG = (8, 32946), 7  # compression
_SEPARATE = 2  # planar configuration: a plane a band
_START, _END = b"\xff\xd8", b"\xff\xd9"  # markers of a JPEG
_SPARE_PX = 1 << 20
"""Pixels that a strip's JPEG may have beyond its share: libtiff lets the last one be as high as the others."""


class _Parts(NamedTuple):
    """The strips or tiles of a page.

    Attributes:
        jpeg: they are JPEGs; else they are deflated.
        tables: what stands in place of each JPEG's start marker: that marker, and tables that all share.
        size: height and width, px.
        most: bytes that each holds, inflated.
        places: offset and size in the file, bytes, and height and width of what the picture takes of it, px.
    """

    jpeg: bool
    tables: bytes
    size: tuple[int, int]
    most: int
    places: list[tuple[int, int, tuple[int, int]]]


def check_parts(content: bytes, number: int) -> None:
    """Inflate a page's strips or tiles for their sums, or decode its JPEGs for what is lost, a part at a time.

    Nothing is said of other compressions, nor of a structure that cannot be read.

    Raises:
        ValueError: one does not match its sum, has lost data, is cut short, or holds more than its share of the
            picture.
    """
    try:
        parts = _parts_of(content, number)
    except Exception:  # whatever a parser stumbles over: Pillow decides whether the file is sound
        return
    if parts is None:
        return
    for offset, size, least in parts.places:
        data = memoryview(content)[offset : offset + size]
        if not size:  # GDAL left it out, as empty
            continue
        if parts.jpeg:
            check_jpeg(parts.tables + bytes(data[2:]), least, 2 * math.prod(parts.size) + _SPARE_PX)
        else:
            _check_deflated(data, parts.most)


def _parts_of(content: bytes, number: int) -> _Parts | None:
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page = file.pages[number]
        if not isinstance(page, tifffile.TiffPage) or int(page.compression) not in (*_DEFLATES, _JPEG):
            return None
        height, width = int(page.imagelength), int(page.imagewidth)
        size = (page.tilelength, page.tilewidth) if page.is_tiled else (min(page.rowsperstrip, height), width)
        planes = int(page.samplesperpixel) if int(page.planarconfig) == _SEPARATE else 1
        most = math.prod(page.chunks) * ((int(page.bitspersample) + 7) // 8)
        shares = _shares(height, width, size, planes)
        places = list(zip(page.dataoffsets, page.databytecounts, shares, strict=False))  # those beyond are no picture
        tables = (page.jpegtables or _START).partition(_END)[0]
        return _Parts(int(page.compression) == _JPEG, tables, size, most, places)


def _shares(height: int, width: int, size: tuple[int, int], planes: int) -> Iterator[tuple[int, int]]:
    """Height and width of what the picture takes of each part, px: less than its size at the right and lower edge."""
    for _ in range(planes):
        for top in range(0, height, size[0]):
            for left in range(0, width, size[1]):
                yield min(size[0], height - top), min(size[1], width - left)


def _check_deflated(data: memoryview, most: int) -> None:
    held, ended = count_inflated([data], most)
    if held > most:
        raise ValueError("a part of it holds more than its share of the picture")
    if not ended:
        raise ValueError("a part of it is truncated")
