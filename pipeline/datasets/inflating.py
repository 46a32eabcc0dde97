"""Data of zlib, inflated for their number and sum alone, a part at a time, so that no bomb fills the memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

_PART = 1 << 16  # bytes taken in at once: what is left over of them is copied
_MOST_OUT = 1 << 20  # bytes inflated at once


def count_inflated(pieces: Iterable[memoryview], most: int) -> tuple[int, bool]:
    """Bytes that the data hold, and whether they come to their end; beyond `most` nothing is looked for.

    Args:
        pieces: the data, cut up anyhow.
        most: bytes.

    Raises:
        ValueError: they are no data of zlib, or do not match their sum.
    """
    stream, done = zlib.decompressobj(), 0
    try:
        for part in (piece[at : at + _PART] for piece in pieces for at in range(0, len(piece), _PART)):
            left: memoryview | bytes = part
            while left and not stream.eof and done <= most:
                done += len(stream.decompress(left, _MOST_OUT))
                left = stream.unconsumed_tail
            if stream.eof or done > most:
                break
        while not stream.eof and done <= most and (rest := stream.decompress(b"", _MOST_OUT)):
            done += len(rest)
    except zlib.error as error:
        raise ValueError(f"a part of it does not match its sum ({error})") from None
    return done, stream.eof
