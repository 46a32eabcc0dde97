"""What a TIFF holds before a pixel of it is decoded: pages, bands, depth, and where it says there is no picture."""

from __future__ import annotations

import io
import itertools
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import TiffImagePlugin

from models.errors import DataError
from pipeline.arrays import Mask

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MOST_PAGES = 64  # those after them are not looked at

NODATA_PX = 1024
"""Pixels that a patch of GDAL's nodata value has at least; smaller ones are dark or bright spots of the road."""

_DNG_VERSION, _MAX_SAMPLE_VALUE, _GDAL_NODATA = 50706, 281, 42113
_MOSAICS = (32803, 34892)  # photometric: colour filter array, linear raw
_WHITE_IS_ZERO, _TRANSPARENCY_MASK = 0, 4  # photometric
_MASK, _REDUCED = 4, 1  # bits of NewSubfileType, TIFF 6.0, tag 254
_ALPHAS = (1, 2)  # ExtraSamples: associated and unassociated alpha
_UNSIGNED, _FLOAT = 1, 3
_DEPTHS = (1, 2, 4, 8, 12, 16)

EXPORT = (
    "Export three bands with 8 bits each, for example: "
    "gdal_translate -ot Byte -scale -b 1 -b 2 -b 3 in.tif out.tif (red, green, blue)."
)
EXPORT_RAW = "Export it as JPEG from the camera's or a raw program."

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # damaged files are this program's to tell

# Three and four bands that are not called RGB, as GDAL writes them: red, green, blue first, and after them near
# infra-red or alpha. Pillow knows the same layouts only under photometric RGB.
for _prefix, _order in ((b"II", "L"), (b"MM", "B")):
    TiffImagePlugin.OPEN_INFO.setdefault((_prefix, _TRANSPARENCY_MASK, (1,), 1, (1,), ()), ("1", "1"))
    for _bits, _suffix in ((8, ""), (16, f";16{_order}")):
        for _extra, _mode, _raw in (
            ((0, 0), "RGB", "RGB"),
            ((0, 0, 0), "RGB", "RGBX"),
            ((0, 0, 1), "RGBA", "RGBa"),
            ((0, 0, 2), "RGBA", "RGBA"),
        ):
            _key = (_prefix, 1, (1,), 1, (_bits,) * (len(_extra) + 1), _extra)
            TiffImagePlugin.OPEN_INFO.setdefault(_key, (_mode, _raw + _suffix))
TiffImagePlugin.OPEN_INFO.setdefault((b"MM", _WHITE_IS_ZERO, (1,), 1, (16,), ()), ("I;16B", "I;16B"))


class TiffPage(NamedTuple):
    """The page of a TIFF that is the photograph.

    Attributes:
        number: of the page, from 0.
        bits: a sample, as the tags have it.
        bands: samples a pixel, alpha among them.
        has_alpha: the file says that a band is alpha; a fourth band of another meaning is none.
        most: greatest sample value that the tags tell, or None.
        nodata: value of pixels that are no picture (GDAL's tag), or None.
        mask: number of a page that says which pixels are picture, or None.
        white_is_zero: its greys are a negative: 0 is white.
    """

    number: int
    bits: int
    bands: int
    has_alpha: bool
    most: int | None
    nodata: int | None
    mask: int | None
    white_is_zero: bool


def photograph_page(content: bytes, name: str) -> TiffPage | None:
    """Find the largest page that is no preview; None where the structure cannot be read.

    Raises:
        DataError: it is a camera's raw file, or has bands or a depth that say nothing of a photograph.
    """
    if content[8:10] == b"CR":
        raise DataError(f"{name} is a camera's raw file (Canon CR2).", EXPORT_RAW)
    try:
        pages, inner = _pages_of(content)
        return _choose(pages, inner, name) if pages else None
    except DataError:
        raise
    except Exception:  # whatever a parser stumbles over: Pillow decides whether the file is sound
        return None


def only_picture(content: bytes, name: str) -> int:
    """Number of the largest page that is no preview, from 0, also where the structure cannot be read.

    Raises:
        DataError: there are others of about its size.
    """
    try:
        pages, _ = _pages_of(content)
        return _largest(pages, name) if pages else 0
    except DataError:
        raise
    except Exception:  # whatever a parser stumbles over: Pillow decides whether the file is sound
        return 0


def _pages_of(content: bytes) -> tuple[list[tifffile.TiffPage], list[tifffile.TiffPage]]:
    """Pages, and those that lie within them."""
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        pages = [page for page in itertools.islice(file.pages, MOST_PAGES) if isinstance(page, tifffile.TiffPage)]
        return pages, [sub for page in pages for sub in page.pages or () if isinstance(sub, tifffile.TiffPage)]


def samples(content: bytes, number: int) -> NDArray[Any] | None:
    """All bands of a page, ``(H, W)`` or ``(H, W, bands)``; None where they are packed in a way not known here."""
    try:
        with tifffile.TiffFile(io.BytesIO(content)) as file:
            page = file.pages[number]
            found = np.asarray(page.asarray())
            return (
                np.moveaxis(found, 0, -1)
                if found.ndim == 3 and int(getattr(page, "planarconfig", 0) or 1) == 2
                else found
            )
    except Exception:  # such as a compression without a decoder: another reader has it
        return None


def patches(same: Mask) -> Mask:
    """``(H, W)`` bool, True on connected patches of `same` of `NODATA_PX` and more."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(same.astype(np.uint8), connectivity=4)
    large = stats[:, cv2.CC_STAT_AREA] >= NODATA_PX
    large[0] = False  # what is not nodata
    return np.asarray(large[labels], np.bool_)


def _choose(pages: Sequence[tifffile.TiffPage], inner: Sequence[tifffile.TiffPage], name: str) -> TiffPage:
    if any(_DNG_VERSION in page.tags for page in pages) or any(p.photometric in _MOSAICS for p in (*pages, *inner)):
        raise DataError(f"{name} is a camera's raw file (DNG or alike).", EXPORT_RAW)
    number = _largest(pages, name)
    page = pages[number]
    if any(_area(sub) > _area(page) for sub in inner if not int(sub.subfiletype) & (_MASK | _REDUCED)):
        raise DataError(f"{name} keeps its full picture below a preview.", "Export the picture as JPEG or plain TIFF.")
    _require_photograph(page, name)
    same = [n for n, other in enumerate(pages) if int(other.subfiletype) == _MASK and _area(other) == _area(page)]
    return TiffPage(
        number,
        bits=int(page.bitspersample),
        bands=int(page.samplesperpixel),
        has_alpha=any(int(extra) in _ALPHAS for extra in page.extrasamples),
        most=_whole_number(page, _MAX_SAMPLE_VALUE),
        nodata=_whole_number(page, _GDAL_NODATA),
        mask=same[0] if same else None,
        white_is_zero=int(page.photometric) == _WHITE_IS_ZERO,
    )


def _largest(pages: Sequence[tifffile.TiffPage], name: str) -> int:
    """Number of the largest page that is neither a preview nor says where there is picture.

    Raises:
        DataError: there are others of about its size.
    """
    pictures = [n for n, page in enumerate(pages) if not int(page.subfiletype) & _MASK]
    whole = [n for n in pictures if not int(pages[n].subfiletype) & _REDUCED] or pictures or [0]
    number = max(whole, key=lambda n: _area(pages[n]))
    most = _area(pages[number])
    alike = len({pages[n].offset for n in whole if 2 * _area(pages[n]) > most})  # damaged ones lead in a loop
    if alike > 1:  # unlike a preview or the levels of a pyramid, each of them may be what is meant
        raise DataError(f"{name} holds {alike} pictures of about one size.", "Save each of them as a file of its own.")
    return number


def _require_photograph(page: tifffile.TiffPage, name: str) -> None:
    bands, bits, kind = int(page.samplesperpixel), int(page.bitspersample), int(page.sampleformat)
    if bands <= 4 and kind == _UNSIGNED and bits in _DEPTHS:
        return
    numbers = "floating-point" if kind == _FLOAT else "unsigned" if kind == _UNSIGNED else "signed or complex"
    noun = "band" if bands == 1 else "bands"
    raise DataError(f"{name} has {bands} {noun} of {bits}-bit {numbers} numbers, which is no photograph.", EXPORT)


def _area(page: tifffile.TiffPage) -> int:
    return int(page.imagewidth) * int(page.imagelength)


def _whole_number(page: tifffile.TiffPage, tag: int) -> int | None:
    if tag not in page.tags:
        return None
    value = page.tags[tag].value
    try:
        return int(float(max(value) if isinstance(value, tuple) else value))
    except (TypeError, ValueError, OverflowError):  # such as "nan"
        return None
