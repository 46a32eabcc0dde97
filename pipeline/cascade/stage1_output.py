"""What stage 1 says of a picture, and how what it says of tiles becomes that."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.detections import Detections
from pipeline.arrays import CoarseMask, Features
from pipeline.cascade.tiles import Tile


class Stage1Output(NamedTuple):
    """What the detector says of a picture, before boxes are drawn around its coarse mask.

    Attributes:
        detections: of RetinaNet, in px of the picture.
        coarse_mask: ``(⌈H / c⌉, ⌈W / c⌉)`` float32 probability, 0–1; ``(0, 0)`` without that head.
        size: ``(H, W)`` px of the picture.
        features: what the picture is like; None where nobody looked.
    """

    detections: Detections
    coarse_mask: CoarseMask
    size: tuple[int, int]
    features: Features | None = None


def inside_core(detections: Detections, tile: Tile) -> Detections:
    """Detections of a tile whose middle lies in its core, in px of the full frame."""
    boxes, scores = detections
    if tile.core == tile.frame:
        return detections
    boxes = boxes + np.array([tile.frame[0], tile.frame[1]] * 2, np.float32)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = (middle >= tile.core[:2]).all(axis=1) & (middle < tile.core[2:]).all(axis=1)
    return Detections(boxes[inside], scores[inside])


def best_first(parts: list[Detections]) -> Detections:
    """Detections of several tiles of one picture as one list."""
    if len(parts) == 1:
        return parts[0]
    boxes, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(-scores, kind="stable")
    return Detections(boxes[order], scores[order])


def at_least(detections: Detections, min_score: float) -> Detections:
    """Detections from that score up."""
    boxes, scores = detections
    return Detections(boxes[scores >= min_score], scores[scores >= min_score])
