"""Large pictures in tiles of one shape: the networks' memory stays bounded, and the detector's merging linear."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pipeline.arrays import Image, ProbabilityMap

TILE_PX = 1024
OVERLAP_PX = 128  # more than the longest box that the detector learns, so that each lies whole in some tile

AT_ONCE_PX = 2**21  # pictures of more are segmented in tiles: 12 megapixels at once took the U-Net 5 GB
EVEN_PX = TILE_PX * 3 // 2
MARGIN_PX = 32  # around what a tile of the U-Net answers for: of its surroundings it needs little


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


def even_tiles(size: tuple[int, int]) -> list[Tile]:
    """Cover an ``(H, W)`` frame for the U-Net: one tile up to `AT_ONCE_PX`, else as few equal ones as cores allow.

    >>> len(even_tiles((1080, 1920))), len(even_tiles((3000, 4000)))
    (1, 6)
    """
    height, width = size
    if height * width <= AT_ONCE_PX:
        return [Tile((0, 0, width, height), (0, 0, width, height))]
    return [
        Tile((x1, y1, x2, y2), (core_x1, core_y1, core_x2, core_y2))
        for (y1, y2), (core_y1, core_y2) in _even_spans(height)
        for (x1, x2), (core_x1, core_x2) in _even_spans(width)
    ]


def _even_spans(side: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Along one side: what each even tile sees and what it answers for, at most `EVEN_PX`."""
    count = -(-side // EVEN_PX)
    cuts = [side * number // count for number in range(count + 1)]
    seen = min(side, -(-side // count) + 2 * MARGIN_PX)
    starts = [min(max(0, cut - MARGIN_PX), side - seen) for cut in cuts[:-1]]
    return [((s, s + seen), core) for s, core in zip(starts, pairwise(cuts), strict=True)]


def in_tiles(image: Image, answer: Callable[[Image], ProbabilityMap]) -> ProbabilityMap:
    """What a U-Net says of an ``(H, W, 3)`` picture, ``(H, W)``, of a large one tile by tile.

    Args:
        image: the picture.
        answer: the map of a picture, or of a part of one.
    """
    tiles = even_tiles((image.shape[0], image.shape[1]))
    if len(tiles) == 1:
        return answer(image)
    probability = np.empty(image.shape[:2], np.float32)
    for (left, top, right, bottom), (x1, y1, x2, y2) in tiles:
        seen = answer(np.ascontiguousarray(image[top:bottom, left:right]))
        probability[y1:y2, x1:x2] = seen[y1 - top : y2 - top, x1 - left : x2 - left]
    return probability
