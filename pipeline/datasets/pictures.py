"""Photographs from disk: any common format in, one layout out."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from models.errors import DataError
from models.given import is_pipe
from pipeline.arrays import Image
from pipeline.datasets.photograph import ANIMATED, Photo, decode_photo, orientation, turn
from pipeline.datasets.png import check_png
from pipeline.datasets.tiff import only_picture
from pipeline.datasets.tiff_parts import check_parts

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp"})
OTHER_PICTURES = frozenset(
    (
        *(".gif", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".jpe", ".jfif", ".mpo", ".dng"),
        *(".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2"),
    )
)
"""Suffixes of pictures that are read neither as masks nor in data sets, which is told; surveys look at them."""

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

# Once and for all, since `warnings.catch_warnings` is not safe in threads. Pillow warns of a decompression bomb from
# 89 Mpx on, which survey cameras reach (from 179 Mpx it refuses), and of broken EXIF, which costs no pixels.
warnings.filterwarnings("ignore", category=Pillow.DecompressionBombWarning)
warnings.filterwarnings("ignore", module=r"PIL\.", category=UserWarning)

LOSSY = frozenset({"JPEG", "MPO", "WEBP"})


def read_image(path: Path) -> Image:
    """Read a photograph as ``(H, W, 3)`` uint8 RGB; `read_photo` without what the file says of nodata."""
    return read_photo(path).image


def read_photo(path: Path) -> Photo:
    """Read a photograph, upright by its EXIF orientation (`pipeline.datasets.photograph.decode_photo`).

    Raises:
        DataError: the file is missing, no picture, damaged, too large, or of bands or depths that are not read.
    """
    with _told_of(path):
        return decode_photo(path.read_bytes(), str(path))


def exif_orientation(path: Path) -> int:
    """How EXIF says that a picture is to be turned, 1 to 8; 1: not at all."""
    with _told_of(path), Pillow.open(path) as picture:
        return orientation(picture)


def header_pixels(path: Path) -> int | None:
    """Pixels that the header tells of; None of a TIFF, whose first page may be a preview."""
    with _told_of(path), Pillow.open(path) as picture:
        return None if picture.format == "TIFF" else picture.width * picture.height


def read_pixels(path: Path) -> tuple[Pixels, str]:
    """Decode `path`: ``(H, W)`` uint8/uint16, or ``(H, W, 3 or 4)`` uint8, upright; and Pillow's name of the format.

    Raises:
        DataError: the file is missing, no picture, truncated, of several pictures, or of a pixel type without a defined
            range.
    """
    with _told_of(path), Pillow.open(path) as picture:
        _choose_one(picture, path)
        pixels = _decode(picture, path)
        if pixels.ndim == 3 and not pixels[..., :3].any():
            _check_not_lost(path)
        return turn(pixels, orientation(picture)), str(picture.format)


def _choose_one(picture: Pillow.Image, path: Path) -> None:
    """Load the one picture of a file, and find out whether all of it is there.

    Raises:
        DataError: it holds several.
        OSError, ValueError, SyntaxError: it is damaged.
    """
    if picture.format in ANIMATED and getattr(picture, "is_animated", False):
        raise DataError(f"{path} is an animation.", "Save the frame that is meant as PNG.")
    content = path.read_bytes() if picture.format in ("PNG", "TIFF") else b""
    number = only_picture(content, str(path)) if picture.format == "TIFF" else 0
    if number:
        picture.seek(number)
    if picture.format == "PNG":
        check_png(content)
    picture.load()
    if picture.format == "TIFF":
        check_parts(content, number)


def _check_not_lost(path: Path) -> None:
    """Refuse colours of 16 bits that all lie in the lower eight, as labels do: Pillow keeps the higher ones alone.

    Raises:
        DataError: they do.
    """
    # From bytes: with a path that is not UTF-8 OpenCV's own reader takes the process down.
    deep = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if deep is not None and deep.dtype == np.uint16 and deep[..., :3].any():
        raise DataError(
            f"{path} has 16 bits a channel, and values of the lower 8 alone, which would all be read as 0.",
            "Save it with 8 bits a channel.",
        )


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """Whatever goes wrong in reading `path` becomes a `DataError` with a remedy."""
    try:
        if is_pipe(path):
            raise DataError(f"{path} is a pipe, socket or device, not a picture.", "Put a picture in its place.")
        yield
    except FileNotFoundError:
        raise DataError(f"{path} does not exist.", "Check the path, or fetch the data set again.") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder, not a picture.", "Name one picture in it.") from None
    except PermissionError:
        raise DataError(f"{path} may not be read.", "Give yourself leave to read it (chmod u+r).") from None
    except UnidentifiedImageError:
        raise DataError(
            f"{path} is not a picture that can be read.",
            "Replace it by an intact JPEG, PNG, TIFF, WebP or BMP file, or remove it.",
        ) from None
    except Pillow.DecompressionBombError as error:
        raise DataError(f"{path} is too large: {error}.", "Cut it into tiles first.") from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        raise DataError(f"{path} is damaged: {error}.", "Copy it again from its source, or remove it.") from error


def _decode(picture: Pillow.Image, path: Path | str) -> Pixels:
    if picture.mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16)
    if picture.mode == "I" and picture.format == "PNG":  # older Pillow's mode of 16-bit grey
        return np.asarray(picture).astype(np.uint16)
    if picture.mode in ("I", "F"):
        raise DataError(f"{path} has 32-bit pixels of no known range.", "Save it with 8 or 16 bits a channel.")
    if picture.has_transparency_data:
        return np.asarray(picture.convert("RGBA"))
    return np.asarray(picture.convert("L" if picture.mode in ("1", "L") else "RGB"))
