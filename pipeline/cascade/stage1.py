"""What a detector found in one tile of a picture, told in px of the picture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.cascade.tiles import Tile

Found = tuple[NDArray[np.float32], NDArray[np.float32]]  # boxes (N, 4) xyxy px and scores (N,), best first
CellMap = NDArray[np.float32]  # (⌈H / c⌉, ⌈W / c⌉), 0–1: may this cell of c × c px hold crack pixels?


class Seen(NamedTuple):
    """What the detector says of a picture, before boxes are drawn.

    Attributes:
        found: detections.
        cells: of the picture; ``(0, 0)`` without that head.
        size: ``(H, W)`` px of the picture.
    """

    found: Found
    cells: CellMap
    size: tuple[int, int]


def own_part(found: Found, tile: Tile) -> Found:
    """Detections whose middle lies in the tile's own part, in px of the full frame."""
    boxes, scores = found
    if tile.own == tile.frame:
        return found
    boxes = boxes + np.array([tile.frame[0], tile.frame[1]] * 2, np.float32)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = (middle >= tile.own[:2]).all(axis=1) & (middle < tile.own[2:]).all(axis=1)
    return boxes[inside], scores[inside]


def best_first(parts: list[Found]) -> Found:
    """Detections of several tiles of one picture as one list."""
    if len(parts) == 1:
        return parts[0]
    boxes, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(-scores, kind="stable")
    return boxes[order], scores[order]


def at_least(found: Found, min_score: float) -> Found:
    """Detections from that score up."""
    boxes, scores = found
    return boxes[scores >= min_score], scores[scores >= min_score]
