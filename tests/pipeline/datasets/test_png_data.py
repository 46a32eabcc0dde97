"""PNGs whose pixel data end before the picture does are told; readers leave the rest black without a word."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from models.errors import DataError
from pipeline.datasets.photograph import decode_photo
from pipeline.datasets.pictures import read_pixels
from pipeline.datasets.png import check_png
from tests.pipeline.datasets.test_pictures_kinds import kind_of

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = [(kind, bits) for kind in CHANNELS for bits in (1, 2, 4, 8, 16) if bits >= 8 or kind in (0, 3)]
DEPTHS.remove((3, 16))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def written(raw: bytes, size: tuple[int, int], bits: int, kind: int, cut: int = 1000, interlaced: int = 0) -> bytes:
    """A PNG whose chunk sums are right, whatever its rows are; `cut` is the size of its chunks IDAT."""
    data = zlib.compress(raw)
    head = struct.pack(">IIBBBBB", *size, bits, kind, 0, 0, interlaced)
    palette = chunk(b"PLTE", bytes(range(3)) * 2**bits) if kind == 3 else b""
    parts = [chunk(b"IDAT", data[at : at + cut]) for at in range(0, len(data), cut)]
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + palette + b"".join(parts) + chunk(b"IEND", b"")


def rows(width: int, height: int, bits: int, kind: int) -> list[bytes]:
    noise = np.random.default_rng(4).integers(0, 256, (height, (width * bits * CHANNELS[kind] + 7) // 8), np.uint8)
    return [b"\0" + row.tobytes() for row in noise]


@pytest.mark.parametrize(("kind", "bits"), DEPTHS)
def test_data_that_end_early_are_truncated(kind: int, bits: int) -> None:
    given = rows(61, 40, bits, kind)
    whole = written(b"".join(given), (61, 40), bits, kind)
    Image.open(io.BytesIO(whole)).load()
    decode_photo(whole, "a")
    for raw in (b"".join(given[:20]), b"".join(given)[:-1], b""):
        assert kind_of(written(raw, (61, 40), bits, kind)) == "truncated"
    decode_photo(written(b"".join(given) + bytes(999), (61, 40), bits, kind), "a")  # more than all is there


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (4, 4), (5, 1), (1, 9), (61, 40)])
@pytest.mark.parametrize(("kind", "bits"), DEPTHS)
def test_the_passes_of_an_interlaced_picture_are_counted(size: tuple[int, int], kind: int, bits: int) -> None:
    width, height = size
    count = 0
    for top, left, down, across in (
        *((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4)),
        *((2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)),
    ):
        lines, columns = len(range(top, height, down)), len(range(left, width, across))
        count += lines * (1 + (columns * bits * CHANNELS[kind] + 7) // 8) if columns else 0
    check_png(written(bytes(count), size, bits, kind, interlaced=1))
    with pytest.raises(ValueError, match=f"{count - 1} of {count}"):
        check_png(written(bytes(count - 1), size, bits, kind, interlaced=1))


def saved(picture: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_sound_files_are_read_as_before(mode: str) -> None:
    noise = np.random.default_rng(4).integers(0, 256, (40, 61, 3), np.uint8)
    grey = Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
    picture = grey if mode == "I;16" else Image.fromarray(noise).convert(mode)
    check_png(saved(picture))
    decode_photo(saved(picture), "a")
    done, encoded = cv2.imencode(".png", noise, [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_FIXED])
    assert done
    np.testing.assert_array_equal(decode_photo(encoded.tobytes(), "a").image, noise[..., ::-1])


def test_of_an_animation_the_picture_itself_is_counted() -> None:
    frames = [Image.fromarray(np.full((40, 61, 3), level, np.uint8)) for level in (10, 200)]
    check_png(saved(frames[0], save_all=True, append_images=frames[1:]))
    check_png(saved(frames[0], save_all=True, append_images=frames[1:], default_image=True))


def test_what_inflates_without_end_is_not_followed() -> None:
    check_png(written(bytes(200_000_000), (8, 8), 8, 2, cut=10**9))


def test_masks_are_counted_too(tmp_path: Path) -> None:
    given = rows(61, 40, 8, 0)
    (tmp_path / "a.png").write_bytes(written(b"".join(given), (61, 40), 8, 0))
    assert read_pixels(tmp_path / "a.png")[0].shape == (40, 61)
    (tmp_path / "a.png").write_bytes(written(b"".join(given[:20]), (61, 40), 8, 0))
    with pytest.raises(DataError, match="truncated: 1240 of 2480 bytes"):
        read_pixels(tmp_path / "a.png")
