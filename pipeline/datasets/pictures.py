"""Photographs from disk: any common format in, one layout out."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from models.errors import DataError
from pipeline.arrays import Image

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp"})

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

# Once and for all, since `warnings.catch_warnings` is not safe in threads. Pillow warns of a decompression bomb from
# 89 Mpx on, which survey cameras reach (from 179 Mpx it refuses), and of broken EXIF, which costs no pixels.
warnings.filterwarnings("ignore", category=Pillow.DecompressionBombWarning)
warnings.filterwarnings("ignore", message="Corrupt EXIF data", category=UserWarning)

_ORIENTATION = 0x0112
_MATTE = 127  # mid-grey: black would look like a crack, white like a lane marking
LOSSY = frozenset({"JPEG", "MPO", "WEBP"})


def read_image(path: Path) -> Image:
    """Read a photograph as ``(H, W, 3)`` uint8 RGB, upright by its EXIF orientation.

    Grey, palette and CMYK become RGB without colour management; of 16-bit values the high byte is kept; transparency is
    laid over mid-grey; of several frames or pages the first is read.

    Raises:
        DataError: the file is missing, no picture, truncated, or of a pixel type without a defined range.
    """
    pixels, _ = read_pixels(path)
    return _to_rgb(pixels)


def to_image(picture: Pillow.Image, name: Path | str) -> Image:
    """A loaded picture as `read_image` gives it; `name` is what errors call it.

    Raises:
        DataError: its pixel type has no defined range.
    """
    return _to_rgb(_turn(_decode(picture, name), _orientation(picture)))


def read_pixels(path: Path) -> tuple[Pixels, str]:
    """Decode `path`: ``(H, W)`` uint8/uint16, or ``(H, W, 3 or 4)`` uint8, upright; and Pillow's name of the format.

    Raises:
        DataError: the file is missing, no picture, truncated, or of a pixel type without a defined range.
    """
    try:
        with Pillow.open(path) as picture:
            picture.load()
            return _turn(_decode(picture, path), _orientation(picture)), str(picture.format)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist.", "Check the path, or fetch the data set again.") from None
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


def _orientation(picture: Pillow.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except (SyntaxError, ValueError, TypeError, struct.error, OSError):
        return 1  # broken EXIF says nothing of the pixels, which are intact


def _turn(pixels: Pixels, orientation: int) -> Pixels:
    """Turn ``(H, W, ...)`` upright by the EXIF orientation (TIFF 6.0, tag 274)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _to_rgb(pixels: Pixels) -> Image:
    levels = (pixels >> 8 if pixels.dtype == np.uint16 else pixels).astype(np.uint8)
    if levels.ndim == 2:
        levels = levels[..., None].repeat(3, axis=2)
    elif levels.shape[2] == 4:
        alpha = levels[..., 3:].astype(np.uint16)
        levels = ((levels[..., :3] * alpha + _MATTE * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(levels)
