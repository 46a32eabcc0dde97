"""Close-ups of a run's mistakes: false boxes, and stretches of crack in no box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.arrays import Image, Mask, round_outwards, union_mask
from pipeline.datasets.base import Sample
from pipeline.metrics import judged_boxes
from pipeline.reporting.figures import PALETTE, holds_crack, outline


@dataclass(frozen=True)
class ReviewCut:
    """A close-up of one mistake: the bare photograph on the left, the same marked on the right.

    Attributes:
        name: of the sample.
        kind: ``"missed"`` (crack outside every box) or ``"false"`` (box without crack).
        weight: how bad: missed pixels, or the false box's score.
        picture: ``(240, 484, 3)``: false boxes red, other boxes yellow, missed pixels blue.
    """

    name: str
    kind: Literal["missed", "false"]
    weight: float
    picture: Image


def review_cuts(sample: Sample, boxes: ArrayLike, scores: ArrayLike) -> list[ReviewCut]:
    """A close-up of every false box and of every missed stretch of crack (pixels up to 4 px apart are one stretch)."""
    size = (sample.mask.shape[0], sample.mask.shape[1])
    corners, hit = round_outwards(np.asarray(boxes), size), holds_crack(boxes, sample.mask)
    missed = sample.mask & ~union_mask(corners, size)
    places: list[tuple[Literal["missed", "false"], float, NDArray[np.int64]]]
    false = ~hit & judged_boxes(corners, sample.mask, sample.ignore)
    places = [("false", score, box) for score, box in zip(np.asarray(scores)[false], corners[false], strict=True)]
    grown = cv2.dilate(missed.astype(np.uint8), np.ones((5, 5), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(grown)
    for label, (x, y, wide, tall, _area) in enumerate(stats[1:].tolist(), start=1):
        places.append(("missed", (missed & (labels == label)).sum(), np.array([x, y, x + wide, y + tall])))
    cuts = []
    for kind, weight, box in places:
        marks = [*((other, "box") for other in corners[hit]), *((other, "fp") for other in corners[false])]
        cuts.append(ReviewCut(sample.name, kind, float(weight), _close_up(sample.image, box, marks, missed)))
    return cuts


def _close_up(image: Image, box: NDArray[np.int64], marks: list[tuple[NDArray[np.int64], str]], missed: Mask) -> Image:
    height, width = missed.shape
    side = int(min(max(96, box[2] - box[0] + 32, box[3] - box[1] + 32), height, width))
    left = int(np.clip((box[0] + box[2] - side) // 2, 0, width - side))
    top = int(np.clip((box[1] + box[3] - side) // 2, 0, height - side))
    window = np.s_[top : top + side, left : left + side]
    bare = np.asarray(cv2.resize(image[window], (240, 240), interpolation=cv2.INTER_CUBIC), np.uint8)
    marked, factor = bare.copy(), 240 / side
    blue = cv2.resize(missed[window].astype(np.uint8), (240, 240), interpolation=cv2.INTER_NEAREST) > 0
    marked[blue] = PALETTE["missed"]
    for other, colour in marks:
        outline(marked, np.rint((other - [left, top, left, top]) * factor).astype(np.int64), PALETTE[colour], 2)
    return np.concatenate([bare, np.full((240, 4, 3), 255, np.uint8), marked], axis=1)
