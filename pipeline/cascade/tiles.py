"""Large pictures in tiles of one shape: the detector's memory stays bounded, and its merging linear."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

TILE_PX = 1024
OVERLAP_PX = 128  # more than the longest box that the detector learns, so that each lies whole in some tile


class Tile(NamedTuple):
    """A part of a picture that the detector is shown at once; half-open px of the full frame.

    Attributes:
        frame: xyxy of what it is shown.
        core: xyxy of what it answers for: a detection counts where its middle lies here. Tiles share no such pixel, and
            together they answer for all.
    """

    frame: tuple[int, int, int, int]
    core: tuple[int, int, int, int]


def tiles_of(size: tuple[int, int]) -> list[Tile]:
    """Cover an ``(H, W)`` frame by equal tiles with an overlap; one tile where it is not larger than one and a half.

    >>> [tile.frame for tile in tiles_of((640, 1024))]
    [(0, 0, 1024, 640)]
    >>> len(tiles_of((3072, 4096)))
    20
    """
    height, width = size
    rows, columns = _spans(height), _spans(width)
    return [
        Tile((x1, y1, x2, y2), (core_x1, core_y1, core_x2, core_y2))
        for (y1, y2), (core_y1, core_y2) in rows
        for (x1, x2), (core_x1, core_x2) in columns
    ]


def _spans(side: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Along one side: what each tile sees and what it answers for."""
    if side <= TILE_PX * 3 // 2:
        return [((0, side), (0, side))]
    count = -(-(side - OVERLAP_PX) // (TILE_PX - OVERLAP_PX))
    starts = [int(start) for start in np.linspace(0, side - TILE_PX, count).round()]
    borders = [(start + before + TILE_PX) // 2 for before, start in pairwise(starts)]
    cuts = [0, *borders, side]
    return [((s, s + TILE_PX), core) for s, core in zip(starts, pairwise(cuts), strict=True)]
