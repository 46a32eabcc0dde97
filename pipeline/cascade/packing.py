"""Crops of many shapes → few sheets: one call of the segmenter instead of one a crop.

A sheet holds crops of one picture only. What lies beside a crop moves its answer a little, and the answer to a picture
must not hang on which other pictures came along. Rectangles are laid out by the library rectangle-packer, which finds
nearly the smallest sheet for a few of them, on a grid of `GRID_PX`, to which crops are planned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import rpack
from numpy.typing import NDArray

from models.graphs import MEAN_COLOUR
from pipeline.cascade.crops import GRID_PX
from pipeline.datasets.base import Image

MOST_CROPS = 24  # on a sheet: the search takes 0.6 ms for so many, and grows with their third power
MOST_PX = 2**19  # of crops on a sheet: memory stays bounded whatever the picture

Shape = tuple[int, int]  # (h, w) px


class Place(NamedTuple):
    """Where a crop lies: its sheet, and the sheet's px of its upper left corner."""

    sheet: int
    x: int
    y: int


def pack(shapes: Sequence[Shape], multiple: int) -> tuple[list[Place], list[Shape]]:
    """Lay rectangles on as few small sheets as hold them.

    Args:
        shapes: ``(h, w)`` px of each.
        multiple: sides of sheets are multiples of this, px.

    Returns:
        The place of each rectangle, in their order, and the ``(H, W)`` px of each sheet.

    >>> pack([(32, 160), (16, 96), (16, 64)], multiple=16)
    ([Place(sheet=0, x=0, y=0), Place(sheet=0, x=0, y=32), Place(sheet=0, x=96, y=32)], [(48, 160)])
    """
    places: list[Place] = []
    sheets: list[Shape] = []
    for own in _groups(shapes):
        corners = rpack.pack([_in_grid(shape) for shape in own])
        laid = [Place(len(sheets), x * GRID_PX, y * GRID_PX) for x, y in corners]
        ends = [(place.y + height, place.x + width) for place, (height, width) in zip(laid, own, strict=True)]
        sheets.append((_up(max(y for y, _ in ends), multiple), _up(max(x for _, x in ends), multiple)))
        places += laid
    return places, sheets


def pack_square(shapes: Sequence[Shape], side: int) -> list[Place] | None:
    """Places of all rectangles on one ``side × side`` sheet; none where they do not fit, px.

    >>> pack_square([(32, 32), (32, 40)], side=64), pack_square([(40, 40), (40, 40)], side=64)
    ([Place(sheet=0, x=0, y=32), Place(sheet=0, x=0, y=0)], None)
    """
    longest = side // GRID_PX
    try:
        corners = rpack.pack([_in_grid(shape) for shape in shapes], max_width=longest, max_height=longest)
    except rpack.PackingImpossibleError:
        return None
    return [Place(0, x * GRID_PX, y * GRID_PX) for x, y in corners]


def _groups(shapes: Sequence[Shape]) -> Iterator[list[Shape]]:
    """What comes on each sheet, in order."""
    group: list[Shape] = []
    for shape in shapes:
        if len(group) == MOST_CROPS or (group and sum(h * w for h, w in [*group, shape]) > MOST_PX):
            yield group
            group = []
        group.append(shape)
    if group:
        yield group


def _in_grid(shape: Shape) -> tuple[int, int]:
    """Width and height in cells of the grid, as the packer takes them."""
    return -(-shape[1] // GRID_PX), -(-shape[0] // GRID_PX)


def _up(side: int, multiple: int) -> int:
    return -(-side // multiple) * multiple


def fill_sheets(crops: Sequence[Image], places: Sequence[Place], shapes: Sequence[Shape]) -> list[NDArray[np.uint8]]:
    """Copy ``(h, w, 3)`` crops to their places; the rest of each ``(H, W, 3)`` sheet has ImageNet's mean colour."""
    sheets = [np.empty((*shape, 3), np.uint8) for shape in shapes]
    for sheet in sheets:
        sheet[0] = MEAN_COLOUR
        sheet[1:] = sheet[0]  # colour by colour, this would take as long as all the copying
    for crop, (number, x, y) in zip(crops, places, strict=True):
        sheets[number][y : y + crop.shape[0], x : x + crop.shape[1]] = crop
    return sheets


def cut_sheets(
    sheets: Sequence[NDArray[np.float32]], places: Sequence[Place], shapes: Sequence[Shape]
) -> Iterator[NDArray[np.float32]]:
    """Views of what lies at each place, in order: ``(H, W)`` sheets → one ``(h, w)`` map a crop."""
    for (sheet, x, y), (height, width) in zip(places, shapes, strict=True):
        yield sheets[sheet][y : y + height, x : x + width]
