"""PNG files: whether all of the picture is in them, where readers leave black what is missing."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.datasets.inflating import count_inflated

_SIGNATURE = 8  # bytes
_HEAD, _SUM = 8, 4  # of a chunk: length and type before its data, and the sum after them
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""Of Adam7: first row, first column, and from each row and column to the next (PNG, third edition, 8.1)."""


def check_png(content: bytes) -> None:
    """Inflate the picture, a part at a time, and count its bytes.

    Nothing is said of a structure that cannot be read, nor of bytes beyond the picture.

    Raises:
        ValueError: its data do not match their sum, or end before the picture does.
    """
    head = content[_SIGNATURE + _HEAD : _SIGNATURE + _HEAD + 13]
    if content[_SIGNATURE + 4 : _SIGNATURE + _HEAD] != b"IHDR" or len(head) < 13 or head[9] not in _CHANNELS:
        return
    width, height, bits = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big"), head[8]
    wanted = _bytes_of(width, height, bits * _CHANNELS[head[9]], interlaced=head[12] == 1)
    found, _ = count_inflated(_picture_data(content), wanted)
    if found < wanted:
        raise ValueError(f"its pixel data are truncated: {found} of {wanted} bytes are there")
    if bits > 8 and b"IEND" not in content:  # OpenCV, which reads those, does not without
        raise ValueError("unexpected end, without its last chunk")


def _bytes_of(width: int, height: int, pixel_bits: int, *, interlaced: bool) -> int:
    """Bytes of the rows of all passes, each with one that names its filter."""
    total = 0
    for top, left, down, across in _PASSES if interlaced else ((0, 0, 1, 1),):
        rows, columns = -((top - height) // down), -((left - width) // across)
        if rows > 0 and columns > 0:
            total += rows * (1 + (columns * pixel_bits + 7) // 8)
    return total


def _picture_data(content: bytes) -> Iterator[memoryview]:
    """What the chunks IDAT hold, which follow each other; frames of an animation lie in others."""
    at, begun = _SIGNATURE, False
    while at + _HEAD <= len(content):
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + _HEAD]
        if kind == b"IDAT":
            begun = True
            yield memoryview(content)[at + _HEAD : at + _HEAD + length]
        elif begun:
            return
        at += _HEAD + length + _SUM
