"""JPEG in TIFF, as orthophotos have it: lost data of a strip or tile is damage, where libtiff goes on in silence."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg
import tifffile
from PIL import Image

from models.errors import DataError
from pipeline.datasets.photograph import decode_photo
from pipeline.datasets.pictures import read_pixels
from tests.pipeline.datasets.test_pictures_kinds import kind_of

NOISE = np.random.default_rng(5).integers(0, 256, (150, 200, 3), dtype=np.uint8)
FAR = np.random.default_rng(6).integers(0, 256, (300, 400, 3), dtype=np.uint8)
END = b"\xff\xd9"


def pillows(mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(NOISE).convert(mode).save(buffer, "TIFF", compression="jpeg", quality=95, **options)
    return buffer.getvalue()


def cut_up(pixels: np.ndarray, size: int, shared: bool, **encoding: Any) -> tuple[bytes | None, list[bytes]]:
    """Tiles of `size` px as GDAL writes them: the tables that all of them share, if so wanted, and each one's JPEG."""
    full = np.pad(pixels, ((0, -pixels.shape[0] % size), (0, -pixels.shape[1] % size), (0, 0)), mode="edge")
    tables: bytes | None = None
    tiles = []
    for top in range(0, full.shape[0], size):
        for left in range(0, full.shape[1], size):
            whole = simplejpeg.encode_jpeg(np.ascontiguousarray(full[top : top + size, left : left + size]), **encoding)
            apart = b"".join(segment for marker, segment in segments(whole) if marker in (0xDB, 0xC4))
            rest = b"".join(segment for marker, segment in segments(whole) if marker not in (0xDB, 0xC4, 0xE0))
            tables = b"\xff\xd8" + apart + END if shared else None
            tiles.append(b"\xff\xd8" + rest if shared else whole)
    return tables, tiles


def segments(jpeg: bytes) -> Iterator[tuple[int, bytes]]:
    """Markers of a JPEG and their bytes; the scan goes to the end of the file."""
    at = 2
    while at < len(jpeg):
        end = len(jpeg) if jpeg[at + 1] == 0xDA else at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        yield jpeg[at + 1], jpeg[at:end]
        at = end


def tiled(shared: bool = True, planar: bool = False, grey: bool = False, size: int = 256) -> bytes:
    one = {"colorspace": "gray", "colorsubsampling": "Gray"}
    parts = [FAR[..., n : n + 1] for n in range(3)] if planar else [FAR[..., :1]] if grey else [FAR]
    cut = [cut_up(part, size, shared, **(one if part.shape[2] == 1 else {"colorsubsampling": "420"})) for part in parts]
    tiles = [tile for _, tiles in cut for tile in tiles]
    bands, kind = (1, 1) if grey else (3, 2 if planar else 6)  # photometric: black is zero, RGB, YCbCr
    tags = {256: FAR.shape[1], 257: FAR.shape[0], 258: (8,) * bands, 259: 7, 262: kind, 277: bands, 284: 1 + planar}
    tags |= {322: size, 323: size, 324: (), 325: tuple(map(len, tiles))}
    tags |= {347: cut[0][0]} if cut[0][0] else {}
    return written(tags | ({530: (2, 2)} if kind == 6 else {}), tiles)


def written(tags: dict[int, Any], tiles: list[bytes]) -> bytes:
    """A TIFF, whose tag 324 will hold where the tiles lie; tifffile writes JPEG only with a package beside it."""
    at = 8 + sum(map(len, tiles))
    starts = 8 + np.cumsum([0, *map(len, tiles)])[:-1]
    entries, beyond = b"", b""
    for tag, value in sorted((tags | {324: tuple(map(int, starts))}).items()):
        values = value if isinstance(value, tuple) else (value,)
        kind, count = (7, len(value)) if isinstance(value, bytes) else (4, len(values))
        held = value if isinstance(value, bytes) else struct.pack(f"<{count}I", *values)
        if tag in (258, 530):  # readers want these as short numbers
            kind, held = 3, struct.pack(f"<{count}H", *values)
        if len(held) > 4:
            held, beyond = struct.pack("<I", at + 6 + 12 * len(tags) + len(beyond)), beyond + held
        entries += struct.pack("<HHI", tag, kind, count) + held.ljust(4, b"\0")
    head = struct.pack("<2sHI", b"II", 42, at)
    return head + b"".join(tiles) + struct.pack("<H", len(tags)) + entries + bytes(4) + beyond


def parts_of(content: bytes) -> list[tuple[int, int]]:
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page = file.pages.first
        return list(zip(page.dataoffsets, page.databytecounts, strict=True))


def damaged(content: bytes, number: int, filler: bytes) -> bytes:
    """The back half of a strip or tile is overwritten."""
    offset, size = parts_of(content)[number]
    changed = bytearray(content)
    changed[offset + size // 2 : offset + size] = (filler * size)[: size - size // 2]
    return bytes(changed)


KINDS = {
    "Pillow": pillows,
    "Pillow, grey": lambda: pillows("L"),
    "Pillow, YCbCr": lambda: pillows("YCbCr"),
    "Pillow, CMYK": lambda: pillows("CMYK"),
    "Pillow, one strip": lambda: pillows(tiffinfo={278: 150}),
    "tiles": tiled,
    "tiles with tables of their own": lambda: tiled(shared=False),
    "planes": lambda: tiled(planar=True),
    "grey tiles": lambda: tiled(grey=True, size=64),
}


@pytest.mark.parametrize("kind", KINDS)
def test_lost_data_of_a_part_is_damage(kind: str) -> None:
    content = KINDS[kind]()
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    np.testing.assert_array_equal(decode_photo(content, "a").image, expected)
    last = len(parts_of(content)) - 1
    for number in {0, last // 2, last}:
        assert kind_of(damaged(content, number, END)) == "damaged"
        assert kind_of(damaged(content, number, b"\0")) in ("damaged", "truncated")


def resized(content: bytes, number: int, at: int, to: int) -> bytes:
    """A part whose JPEG says another height (`at` 5) or width (7)."""
    changed = bytearray(content)
    struct.pack_into(">H", changed, content.index(b"\xff\xc0", parts_of(content)[number][0]) + at, to)
    return bytes(changed)


@pytest.mark.parametrize("make", [pillows, tiled])
def test_a_part_of_fewer_pixels_than_its_share_is_damage(make: Any) -> None:
    assert kind_of(resized(make(), 0, 5, 8)) == "damaged"
    assert kind_of(resized(make(), 0, 7, 104)) == "damaged"


def test_the_last_strip_may_be_longer_than_the_picture_but_not_by_much() -> None:
    content = pillows(tiffinfo={278: 16})
    last = len(parts_of(content)) - 1
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        assert file.pages.first.imagelength % 16 == 6
    decode_photo(resized(content, last, 5, 8), "a")  # libjpeg fills the same blocks
    assert kind_of(resized(content, last, 5, 65_500)) == "damaged"


def test_masks_are_looked_at_too(tmp_path: Path) -> None:
    content = tiled(grey=True)
    (tmp_path / "a.tif").write_bytes(content)
    assert read_pixels(tmp_path / "a.tif")[0].shape == FAR.shape[:2]
    (tmp_path / "a.tif").write_bytes(damaged(content, 0, END))
    with pytest.raises(DataError, match="damaged"):
        read_pixels(tmp_path / "a.tif")
