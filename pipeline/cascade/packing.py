"""Crops of many shapes → few canvases: one call of the segmenter instead of one a crop.

A canvas holds crops of one picture only. What lies beside a crop moves its answer a little, and the answer to a picture
must not hang on which other pictures came along. Rectangles are laid out by the library rectangle-packer, which finds
nearly the smallest canvas for a few of them, on a grid of `GRID_PX`, to which crops are planned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import rpack
from numpy.typing import NDArray

from models.graphs import MEAN_COLOUR
from pipeline.arrays import Image
from pipeline.cascade.crops import GRID_PX

MOST_CROPS = 24  # on a canvas: the search takes 0.6 ms for so many, and grows with their third power
MOST_PX = 2**19  # of crops on a canvas: memory stays bounded whatever the picture

Shape = tuple[int, int]  # (h, w) px


class Place(NamedTuple):
    """Where a crop lies: its canvas, and the canvas's px of its upper left corner."""

    canvas: int
    x: int
    y: int


def pack(shapes: Sequence[Shape], multiple: int) -> tuple[list[Place], list[Shape]]:
    """Lay rectangles on as few small canvases as hold them.

    Args:
        shapes: ``(h, w)`` px of each.
        multiple: sides of canvases are multiples of this, px.

    Returns:
        The place of each rectangle, in their order, and the ``(H, W)`` px of each canvas.

    >>> pack([(32, 160), (16, 96), (16, 64)], multiple=16)
    ([Place(canvas=0, x=0, y=0), Place(canvas=0, x=0, y=32), Place(canvas=0, x=96, y=32)], [(48, 160)])
    """
    places: list[Place] = []
    canvases: list[Shape] = []
    for group in _groups(shapes):
        corners = rpack.pack([_in_grid(shape) for shape in group])
        laid = [Place(len(canvases), x * GRID_PX, y * GRID_PX) for x, y in corners]
        ends = [(place.y + height, place.x + width) for place, (height, width) in zip(laid, group, strict=True)]
        canvases.append((_up(max(y for y, _ in ends), multiple), _up(max(x for _, x in ends), multiple)))
        places += laid
    return places, canvases


def pack_square(shapes: Sequence[Shape], side: int) -> list[Place] | None:
    """Places of all rectangles on one ``side × side`` canvas; none where they do not fit, px.

    >>> pack_square([(32, 32), (32, 40)], side=64), pack_square([(40, 40), (40, 40)], side=64)
    ([Place(canvas=0, x=0, y=32), Place(canvas=0, x=0, y=0)], None)
    """
    longest = side // GRID_PX
    try:
        corners = rpack.pack([_in_grid(shape) for shape in shapes], max_width=longest, max_height=longest)
    except rpack.PackingImpossibleError:
        return None
    return [Place(0, x * GRID_PX, y * GRID_PX) for x, y in corners]


def _groups(shapes: Sequence[Shape]) -> Iterator[list[Shape]]:
    """What comes on each canvas, in order."""
    group: list[Shape] = []
    for shape in shapes:
        if len(group) == MOST_CROPS or (group and sum(h * w for h, w in [*group, shape]) > MOST_PX):
            yield group
            group = []
        group.append(shape)
    if group:
        yield group


def _in_grid(shape: Shape) -> tuple[int, int]:
    """Width and height in steps of the grid, as the packer takes them."""
    return -(-shape[1] // GRID_PX), -(-shape[0] // GRID_PX)


def _up(side: int, multiple: int) -> int:
    return -(-side // multiple) * multiple


def fill_canvases(crops: Sequence[Image], places: Sequence[Place], shapes: Sequence[Shape]) -> list[NDArray[np.uint8]]:
    """Copy ``(h, w, 3)`` crops to their places; the rest of each ``(H, W, 3)`` canvas has ImageNet's mean colour."""
    canvases = [np.empty((*shape, 3), np.uint8) for shape in shapes]
    for canvas in canvases:
        canvas[0] = MEAN_COLOUR
        canvas[1:] = canvas[0]  # colour by colour, this would take as long as all the copying
    for crop, (number, x, y) in zip(crops, places, strict=True):
        canvases[number][y : y + crop.shape[0], x : x + crop.shape[1]] = crop
    return canvases


def cut_canvases(
    canvases: Sequence[NDArray[np.float32]], places: Sequence[Place], shapes: Sequence[Shape]
) -> Iterator[NDArray[np.float32]]:
    """Views of what lies at each place, in order: ``(H, W)`` canvases → one ``(h, w)`` map a crop."""
    for (number, x, y), (height, width) in zip(places, shapes, strict=True):
        yield canvases[number][y : y + height, x : x + width]
