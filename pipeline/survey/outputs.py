"""Masks and overlays: pictures beside the tables, one a photograph, named after it."""

from __future__ import annotations

import hashlib
import io
import secrets
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image as Pillow

from models.errors import DataError
from pipeline.arrays import Image, Mask
from pipeline.cascade.cascade import CascadeResult
from pipeline.reporting.figures import PALETTE, draw_boxes

LONGEST_NAME = 230
"""Bytes. File systems allow 255, and a suffix comes after."""


def output_name(name: str, suffix: str) -> str:
    """Where below its folder the output for photograph `name` goes: ``name`` and `suffix`.

    Names that could clash or lead elsewhere (absolute, ``..``, too long, in a folder with a picture's suffix) are
    replaced by a hash.

    >>> output_name("a/b.jpg", ".png"), output_name("/etc/b.jpg", ".png")
    ('a/b.jpg.png', 'hashed/5e1ed70e92b5568d.png')
    """
    parts = PurePosixPath(name).parts
    plain = (
        not name.startswith("/")
        and ".." not in parts
        and "://" not in name
        and "\0" not in name
        and len(name.encode()) < 2000
        and all(len(part.encode()) <= LONGEST_NAME for part in parts)
        and not any(part.endswith(suffix) for part in parts[:-1])
    )
    return f"{name}{suffix}" if plain else f"hashed/{hashlib.sha256(name.encode()).hexdigest()[:16]}{suffix}"


def mask_png(mask: Mask) -> bytes:
    """``(H, W)`` bool as PNG with one bit a pixel, white on crack."""
    target = io.BytesIO()
    Pillow.fromarray(mask).save(target, "PNG", compress_level=3)
    return target.getvalue()


def overlay_jpeg(image: Image, found: CascadeResult) -> bytes:
    """The photograph with crack pixels coloured and boxes outlined."""
    target = io.BytesIO()
    Pillow.fromarray(draw_boxes(tint(image, found.mask), found.boxes, found.scores)).save(target, "JPEG", quality=85)
    return target.getvalue()


def tint(image: Image, mask: Mask) -> Image:
    """``(H, W, 3)`` with the pixels of ``mask`` ``(H, W)`` coloured."""
    tinted = image.copy()
    tinted[mask] = (0.35 * tinted[mask] + 0.65 * np.array(PALETTE["fp"])).astype(np.uint8)
    return tinted


def place(content: bytes, path: Path, temporary: Path) -> None:
    """Put a whole file in its place by way of `temporary`, a folder on the same disk.

    Raises:
        DataError: the disk is full, or the folder cannot be written.
    """
    beside = temporary / secrets.token_hex(16)
    try:
        for folder in (path.parent, temporary):
            folder.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise DataError(
            f"Cannot write {path}: {error}",
            "Free some space or mend the folder's rights, then run the same command again: it goes on where it was.",
        ) from error
