"""Crops of many shapes → few sheets of one width: one call of the segmenter instead of one a shape.

A sheet holds crops of one picture only. What lies beside a crop moves its answer a little, and the answer to a picture
must not hang on which other pictures came along.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.graphs import MEAN_COLOUR
from pipeline.crops import LONGEST_PX
from pipeline.datasets.base import Image

WIDTHS_PX = tuple(range(128, LONGEST_PX + 1, 32))
HIGHEST_PX = 1024  # of a sheet: memory stays bounded whatever the batch


class Place(NamedTuple):
    """Where a crop lies: its sheet, and the sheet's px of its upper left corner."""

    sheet: int
    x: int
    y: int


def pack(shapes: Sequence[tuple[int, int]], multiple: int) -> tuple[int, list[Place], list[int]]:
    """Lay rectangles on sheets of the one of `WIDTHS_PX` that wastes least.

    Args:
        shapes: ``(h, w)`` px of each, no side longer than `LONGEST_PX`.
        multiple: heights of sheets are multiples of this, px.

    Returns:
        Width of the sheets, the place of each rectangle, in their order, and the height of each sheet, px.

    >>> pack([(30, 150), (30, 150), (30, 300)], multiple=32)
    (320, [Place(sheet=0, x=0, y=0), Place(sheet=0, x=150, y=0), Place(sheet=0, x=0, y=30)], [64])
    """
    widest = max((width for _, width in shapes), default=0)
    laid = [(width, *place(shapes, multiple, width)) for width in WIDTHS_PX if width >= widest]
    return min(laid, key=lambda found: found[0] * sum(found[2]))


def place(shapes: Sequence[tuple[int, int]], multiple: int, width: int) -> tuple[list[Place], list[int]]:
    """Lay rectangles on shelves, the highest first, each on the first shelf with room (first fit, decreasing height).

    Coffman, Garey, Johnson and Tarjan 1980: never higher than 1.7 times the best, plus one rectangle.

    Args:
        shapes: ``(h, w)`` px of each, none wider than the sheet.
        multiple: heights of sheets are multiples of this, px.
        width: of the sheets, px.

    Returns:
        The place of each, in their order, and the height of each sheet, px.

    >>> place([(20, 300), (50, 200), (30, 250)], multiple=32, width=512)
    ([Place(sheet=0, x=0, y=50), Place(sheet=0, x=0, y=0), Place(sheet=0, x=200, y=0)], [96])
    """
    places = [Place(0, 0, 0)] * len(shapes)
    shelves: list[tuple[int, int]] = []  # sheet and y
    used: list[int] = []  # px of each shelf's width
    sheets: list[int] = []  # heights
    for index in sorted(range(len(shapes)), key=lambda i: -shapes[i][0]):
        height, needed = shapes[index]
        shelf = next((s for s, taken in enumerate(used) if taken + needed <= width), None)
        if shelf is None:
            if not sheets or sheets[-1] + height > HIGHEST_PX:
                sheets.append(0)
            shelf = len(shelves)
            shelves.append((len(sheets) - 1, sheets[-1]))
            used.append(0)
            sheets[-1] += height
        sheet, y = shelves[shelf]
        places[index] = Place(sheet, used[shelf], y)
        used[shelf] += needed
    return places, [-(-height // multiple) * multiple for height in sheets]


def fill_sheets(
    crops: Sequence[Image], places: Sequence[Place], heights: Sequence[int], width: int
) -> list[NDArray[np.uint8]]:
    """Copy ``(h, w, 3)`` crops to their places; the rest of each ``(H, W, 3)`` sheet has ImageNet's mean colour."""
    sheets = [np.empty((height, width, 3), np.uint8) for height in heights]
    for sheet in sheets:
        sheet[:] = MEAN_COLOUR
    for crop, (number, x, y) in zip(crops, places, strict=True):
        sheets[number][y : y + crop.shape[0], x : x + crop.shape[1]] = crop
    return sheets


def cut_sheets(
    sheets: Sequence[NDArray[np.float32]], places: Sequence[Place], shapes: Sequence[tuple[int, int]]
) -> Iterator[NDArray[np.float32]]:
    """Views of what lies at each place, in order: ``(H, W)`` sheets → one ``(h, w)`` map a crop."""
    for (sheet, x, y), (height, width) in zip(places, shapes, strict=True):
        yield sheets[sheet][y : y + height, x : x + width]
