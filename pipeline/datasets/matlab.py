"""MATLAB files (version 5) from strangers: their layout is walked before scipy builds anything of it.

Layout after "MAT-File Format", MathWorks 2024: elements of a tag (kind, bytes) and content, most of them compressed; an
array (kind 14) holds its flags, its dimensions, its name, and then data or further arrays.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scipy.io import loadmat

from models.errors import DataError
from models.given import is_pipe

MOST_BYTES = 64 << 20
"""Of a file, and of all that it holds when unpacked: a hundred times CrackForest's largest."""

_HEADER = 128
_DEEPEST = 8
_ARRAY, _COMPRESSED = 14, 15
_CELL, _STRUCT = 1, 2
_CLASSES = frozenset({_CELL, _STRUCT, 4, *range(6, 16)})  # with text and numbers; no objects, functions or sparse ones


def load_matlab(path: Path, remedy: str) -> dict[str, Any]:
    """Read the variables of a file, as `scipy.io.loadmat` gives them, in bounded memory.

    Args:
        path: the file.
        remedy: what a user should do when it cannot be read.

    Raises:
        DataError: the file is missing, damaged, too large, or holds what no picture of labels needs.
    """
    try:
        if is_pipe(path):
            raise ValueError("it is a pipe, socket or device, not a file")
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"it is larger than {MOST_BYTES >> 20} MiB")
        content = path.read_bytes()
        _check(content)
        read: dict[str, Any] = loadmat(path)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist.", remedy) from None
    except Exception as error:  # a damaged file fails in scipy in a dozen ways: zlib, struct, KeyError, …
        raise DataError(f"{path} is no MATLAB file that can be read: {str(error)[:200]}.", remedy) from error
    return read


def _check(content: bytes) -> None:
    """Raise ValueError unless what scipy would build of a file stays within bounds."""
    if len(content) < _HEADER or content[126:128] not in (b"IM", b"MI"):
        raise ValueError("it is not of MATLAB's version 5")
    order = "<" if content[126:128] == b"IM" else ">"
    left = MOST_BYTES
    for kind, data in _elements(content[_HEADER:], order):
        if kind == _COMPRESSED:
            unpacking = zlib.decompressobj()
            data = unpacking.decompress(data, left + 1)
            if not unpacking.eof and len(data) <= left:
                raise ValueError("it ends too early")
        left -= len(data)
        if left < 0:
            raise ValueError(f"it holds more than {MOST_BYTES >> 20} MiB when unpacked")
        if kind == _COMPRESSED:
            for inner, array in _elements(data, order):
                _check_element(inner, array, order, 0)
        else:
            _check_element(kind, data, order, 0)


def _check_element(kind: int, data: bytes, order: str, depth: int) -> None:
    if kind != _ARRAY or not data:
        return
    if depth > _DEEPEST:
        raise ValueError("its arrays lie too deep in each other")
    (_, flags), (_, sizes), *inside = _elements(data, order)
    category = struct.unpack_from(order + "I", flags)[0] & 0xFF
    if category not in _CLASSES:
        raise ValueError(f"it holds an array of class {category}, not numbers")
    count = 1
    for size in struct.unpack(f"{order}{len(sizes) // 4}i", sizes):
        if size < 0:
            raise ValueError("an array has a negative size")
        count *= size
    if count > (len(data) // 8 if category in (_CELL, _STRUCT) else len(data)):  # the least that its items take
        raise ValueError(f"an array says that it has {count} items, more than the file holds")
    for inner, array in inside:
        _check_element(inner, array, order, depth + 1)


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Kind and content of each element, the small ones too, whose tag holds both."""
    at = 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from(order + "II", data, at)
        if kind >> 16:  # small: the size is in the upper half, the content in the tag
            kind, size, begin, after = kind & 0xFFFF, kind >> 16, at + 4, at + 8
        else:
            begin = at + 8
            after = begin + (size if kind == _COMPRESSED else size + -size % 8)
        if begin + size > len(data):
            raise ValueError("it ends too early")
        yield kind, data[begin : begin + size]
        at = after
