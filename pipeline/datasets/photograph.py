"""One photograph's bytes → RGB and where there is picture. What is refused is refused before a pixel is decoded."""

from __future__ import annotations

import io
import struct
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from models.errors import DataError
from pipeline.arrays import Image, Mask
from pipeline.datasets import tiff
from pipeline.datasets.jpeg import MOST_SCANS, count_scans, decode_jpeg
from pipeline.datasets.png import check_png
from pipeline.datasets.tiff import TiffPage, photograph_page
from pipeline.datasets.tiff_parts import check_parts

MOST_SIDE = 32_768
"""Pixels of a side; a longer one is no photograph, and costs time out of all proportion to its pixels."""

_ORIENTATION = 0x0112
_MATTE = 127  # mid-grey: black would look like a crack, white like a lane marking
_JPEG = ("JPEG", "MPO")


ANIMATED = ("GIF", "WEBP", "PNG")  # of a TIFF or MPO one picture is the photograph


class Unfit(DataError):  # noqa: N818  # said of the picture: the program has no error
    """A sound picture that is no photograph to look at.

    Attributes:
        kind: a few words to count by: ``too large``, ``animated``, ``no pixels``.
    """

    def __init__(self, kind: str, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.kind = kind


class Photo(NamedTuple):
    """A photograph as it is looked at.

    Attributes:
        image: ``(H, W, 3)`` uint8 RGB, upright by its EXIF orientation; transparency lies over mid-grey.
        valid: ``(H, W)`` bool, False where the file says that there is no picture; None where all is picture.
        turned: its EXIF orientation, 1 to 8.
    """

    image: Image
    valid: Mask | None
    turned: int = 1


def decode_photo(
    content: bytes, name: str, formats: tuple[str, ...] | None = None, max_pixels: int | None = None
) -> Photo:
    """Decode a whole file.

    Grey, palette and CMYK become RGB without colour management. Samples of more than 8 bits are scaled by their
    significant bits: those that the tags tell, or as many as the greatest value needs. Of a TIFF the largest page that
    is no preview is read, of other formats the first frame.

    Args:
        content: the whole file.
        name: what errors call it.
        formats: Pillow's names of those that are opened.
        max_pixels: more are refused.

    Raises:
        Unfit: too many pixels, too long a side, too many scans, animated.
        DataError: a raw file, bands or depths that say nothing of a photograph, or transparent all over.
        OSError, ValueError, SyntaxError: it is damaged (`PIL.UnidentifiedImageError`: no picture).
    """
    page = photograph_page(content, name) if content[:4] in tiff.SIGNATURES else None
    try:
        opened = Pillow.open(io.BytesIO(content), formats=formats)
    except UnidentifiedImageError:
        if page is None:
            raise
        raise DataError(
            f"{name} has {page.bands} bands of {page.bits} bits in a layout that is not read.", tiff.EXPORT
        ) from None
    with opened as picture:
        if page is not None and page.number:
            picture.seek(page.number)
        _check(picture, content, name, max_pixels)
        loaded = 1 if page is None else orientation(picture)  # Pillow turns a TIFF while it loads it
        there = None if page is None else _mask_page(picture, content, page, loaded)
        if picture.format == "PNG":
            check_png(content)
        if picture.format not in _JPEG:
            picture.load()  # first: a PNG's EXIF would load it too, and hide what is damaged
        turned = orientation(picture)
        if page is not None:
            check_parts(content, page.number)
        if there is not None and there.shape != (picture.height, picture.width):
            raise DataError(f"{name} has a mask page of another size than its picture.", tiff.EXPORT)
        pixels, valid = _decode(picture, content, name, page, loaded, there)
    if valid is not None and not valid.any():
        raise DataError(f"{name} is transparent all over.", "Save it without transparency.")
    if valid is not None:
        valid = None if valid.all() else np.ascontiguousarray(turn(valid, turned))
    return Photo(np.require(turn(pixels, turned), requirements=("C", "W")), valid, turned)  # torch wants to write


def turn(pixels: NDArray[Any], turned: int) -> NDArray[Any]:
    """Turn ``(H, W, ...)`` upright by the EXIF orientation (TIFF 6.0, tag 274)."""
    if turned in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if turned in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if turned in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _mask_page(picture: Pillow.Image, content: bytes, page: TiffPage, turned: int) -> Mask | None:
    """``(H, W)`` bool, turned as its picture is, whatever orientation the mask's own page tells."""
    if page.mask is None:
        return None
    picture.seek(page.mask)
    own = orientation(picture)
    told = np.asarray(picture.convert("1")) != 0  # turned by its own; Pillow's True is a byte of 255
    check_parts(content, page.mask)
    picture.seek(page.number)
    return np.asarray(turn(turn(told, {6: 8, 8: 6}.get(own, own)), turned), np.bool_)


def _check(picture: Pillow.Image, content: bytes, name: str, max_pixels: int | None) -> None:
    width, height = picture.size
    size = f"{name} is {width}×{height} px"
    if width < 1 or height < 1:
        raise Unfit("no pixels", f"{size}.", "Copy it again from its source.")
    if max(width, height) > MOST_SIDE:
        raise Unfit("too large", f"{size}, a side of more than {MOST_SIDE} px.", "Cut it into tiles.")
    if max_pixels is not None and width * height > max_pixels:
        remedy = "Cut it into tiles, or see --max-pixels."
        raise Unfit("too large", f"{size}, more than {max_pixels / 1e6:g} Mpx.", remedy)
    if picture.format in _JPEG and (scans := count_scans(content)) > MOST_SCANS:
        raise Unfit("too large", f"{name} is a JPEG of {scans} scans; cameras write ten.", "Save it as a plain JPEG.")
    if picture.format in ANIMATED and getattr(picture, "is_animated", False):
        raise Unfit("animated", f"{name} is an animation.", "Save the frame that shows the road as JPEG or PNG.")


def orientation(picture: Pillow.Image) -> int:
    """EXIF orientation of an opened picture, 1 to 8 (TIFF 6.0, tag 274)."""
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except (SyntaxError, ValueError, TypeError, struct.error, OSError):
        return 1  # broken EXIF says nothing of the pixels, which are intact


def _decode(
    picture: Pillow.Image, content: bytes, name: str, page: TiffPage | None, loaded: int, there: Mask | None
) -> tuple[Image, Mask | None]:
    """Pixels as Pillow has them: ``(H, W, 3)`` uint8 RGB, and ``(H, W)`` bool, where they are picture.

    `there` is what a mask page says of that.
    """
    if picture.format in _JPEG:
        pixels = decode_jpeg(content)
        return (pixels if picture.mode in ("L", "RGB") else np.asarray(picture.convert("RGB"))), None
    deep = _deep(picture, content, name, page, loaded)
    rgba = np.asarray(picture.convert("RGBA")) if _has_alpha(picture, page) else None
    stored: NDArray[Any] = deep if deep is not None else np.asarray(picture.convert("RGB")) if rgba is None else rgba
    stored = stored[..., :3] if stored.ndim == 3 else stored
    clear = picture.info.get("transparency")  # of a grey PNG: the value that is no picture
    if rgba is not None:
        there = _both(there, rgba[..., 3] > 0)
    elif stored.ndim == 2 and isinstance(clear, int):
        there = _both(there, stored != clear)
    counts = there
    if page is not None and page.nodata is not None:
        same = stored == page.nodata
        same = same if same.ndim == 2 else same.all(axis=2)
        there, counts = _both(there, ~tiff.patches(same)), _both(there, ~same)
    levels = stored if deep is None else _eight_bits(deep, page, counts)
    levels = levels if rgba is None else _over_grey(levels, rgba[..., 3:])
    return (levels[..., None].repeat(3, axis=2) if levels.ndim == 2 else levels), there


def _both(one: Mask | None, other: Mask) -> Mask:
    return other if one is None else one & other


def _has_alpha(picture: Pillow.Image, page: TiffPage | None) -> bool:
    """A fourth band of a TIFF is alpha only where the file says so; it may be near infra-red."""
    if picture.mode.startswith("I"):
        return False
    return page.has_alpha if page is not None else picture.has_transparency_data


def _deep(
    picture: Pillow.Image, content: bytes, name: str, page: TiffPage | None, loaded: int
) -> NDArray[np.uint16] | None:
    """Samples of more than 8 bits, ``(H, W)`` or ``(H, W, 3)`` uint16 RGB; None where there are none.

    Pillow keeps the high byte of 16-bit colour only, so others read it once Pillow has found it sound. What they have
    is turned as Pillow has turned its own picture, by the orientation `loaded`.
    """
    if picture.mode.startswith("I;16") or (picture.mode == "I" and picture.format == "PNG"):
        return np.asarray(picture).astype(np.uint16)
    if picture.mode in ("I", "F"):
        raise DataError(f"{name} has 32-bit pixels of no known range.", "Save it with 8 or 16 bits a channel.")
    bits = page.bits if page is not None else content[24] if picture.format == "PNG" else 8
    if bits <= 8:
        return None
    colour = None if page is None else tiff.samples(content, page.number)
    if colour is not None:
        colour = turn(colour, loaded)
    else:  # OpenCV turns a TIFF by itself
        at = 0 if page is None else page.number
        done, found = cv2.imdecodemulti(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED, range=(at, at + 1))
        colour = found[0][..., 2::-1] if done and found[0].ndim == 3 else None
    if (
        colour is None
        or colour.dtype != np.uint16
        or colour.ndim != 3
        or colour.shape[2] < 3
        or colour.shape[:2] != (picture.height, picture.width)
        or (page is not None and picture.mode == "CMYK")
    ):
        raise DataError(f"{name} has {bits} bits a band in a layout that is not read.", tiff.EXPORT)
    return np.ascontiguousarray(colour[..., :3], np.uint16)


def _eight_bits(deep: NDArray[np.uint16], page: TiffPage | None, counts: Mask | None) -> NDArray[np.uint8]:
    """Scale by the significant bits of the pixels that count, 12 bits in 16 are 12, so that 0 is black."""
    where: Any = True if counts is None else counts if deep.ndim == 2 else counts[..., None]
    bits = max(8, int(deep.max(initial=0, where=where)).bit_length())
    if page is not None and page.bits < 16:
        bits = max(bits, page.bits)
    if page is not None and page.most is not None:
        bits = max(bits, min(page.most.bit_length(), 16))
    levels: NDArray[np.uint8] = np.minimum(deep >> (bits - 8), 255).astype(np.uint8)
    return 255 - levels if page is not None and page.white_is_zero else levels  # Pillow turns 8 bits only


def _over_grey(levels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    share = alpha.astype(np.uint16)
    return ((levels * share + _MATTE * (255 - share) + 127) // 255).astype(np.uint8)
