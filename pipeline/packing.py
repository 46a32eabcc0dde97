"""Crops of many shapes → few small sheets: one call of the segmenter instead of one a crop.

A sheet holds crops of one picture only. What lies beside a crop moves its answer a little, and the answer to a picture
must not hang on which other pictures came along.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import rpack
from numpy.typing import NDArray

from models.graphs import MEAN_COLOUR
from pipeline.datasets.base import Image

MOST_CROPS = 16  # in a sheet: sixteen are packed in 0.3 ms, thirty in 4 ms, and lie hardly any closer
MOST_PX = 2**19  # of crops in a sheet: memory stays bounded however large the picture


class Place(NamedTuple):
    """Where a crop lies: its sheet, and the sheet's px of its upper left corner."""

    sheet: int
    x: int
    y: int


def pack(shapes: Sequence[tuple[int, int]], multiple: int) -> tuple[list[Place], list[tuple[int, int]]]:
    """Lay rectangles on the smallest sheets that `rpack` finds, at most `MOST_CROPS` or `MOST_PX` on each.

    Args:
        shapes: ``(h, w)`` px of each.
        multiple: sides of sheets are multiples of this, px.

    Returns:
        The place of each rectangle, in their order, and ``(H, W)`` px of each sheet.

    >>> pack([(30, 150), (30, 150), (30, 300)], multiple=16)
    ([Place(sheet=0, x=300, y=0), Place(sheet=0, x=450, y=0), Place(sheet=0, x=0, y=0)], [(32, 608)])
    """
    places = [Place(0, 0, 0)] * len(shapes)
    sides: list[tuple[int, int]] = []
    for group in _groups(shapes):
        rectangles = [(shapes[index][1], shapes[index][0]) for index in group]
        corners = rpack.pack(rectangles)
        width, height = rpack.bbox_size(rectangles, corners)
        for index, (x, y) in zip(group, corners, strict=True):
            places[index] = Place(len(sides), x, y)
        sides.append((-(-height // multiple) * multiple, -(-width // multiple) * multiple))
    return places, sides


def _groups(shapes: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Indices of the crops of each sheet, the highest first."""
    groups: list[list[int]] = []
    filled = 0
    for index in sorted(range(len(shapes)), key=lambda index: -shapes[index][0]):
        pixels = shapes[index][0] * shapes[index][1]
        if not groups or len(groups[-1]) == MOST_CROPS or filled + pixels > MOST_PX:
            groups.append([])
            filled = 0
        groups[-1].append(index)
        filled += pixels
    return groups


def fill_sheets(
    crops: Sequence[Image], places: Sequence[Place], sides: Sequence[tuple[int, int]]
) -> list[NDArray[np.uint8]]:
    """Copy ``(h, w, 3)`` crops to their places; the rest of each ``(H, W, 3)`` sheet has ImageNet's mean colour."""
    sheets = [np.empty((height, width, 3), np.uint8) for height, width in sides]
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
