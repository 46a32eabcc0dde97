"""Close-ups of a run's mistakes: false boxes, and stretches of crack in no box."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.arrays import Image, Mask, round_outwards, union_mask
from pipeline.datasets.base import Sample
from pipeline.metrics import judged_boxes
from pipeline.reporting.figures import PALETTE, holds_crack, outline

MOST_CUTS = 8  # of a kind, on a page
Kind = Literal["missed", "false"]


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
    kind: Kind
    weight: float
    picture: Image


class Review:
    """The worst mistakes of a run, and how many there are; a close-up is drawn only of what may be shown.

    Attributes:
        cuts: the `MOST_CUTS` worst of each kind, worst first.
        totals: mistakes of each kind in all.
    """

    def __init__(self) -> None:
        self.cuts: dict[Kind, list[ReviewCut]] = {"missed": [], "false": []}
        self.totals: dict[Kind, int] = {"missed": 0, "false": 0}

    def add(self, sample: Sample, boxes: ArrayLike, scores: ArrayLike) -> None:
        """Look at one more picture, of which stage 1 made `boxes`, ``(N, 4)`` xyxy px, with `scores`, ``(N,)``."""
        size = (sample.mask.shape[0], sample.mask.shape[1])
        corners, hit = round_outwards(np.asarray(boxes), size), holds_crack(boxes, sample.mask)
        missed = sample.mask & ~union_mask(corners, size)
        false = ~hit & judged_boxes(corners, sample.mask, sample.ignore)
        marks = [*((other, "box") for other in corners[hit]), *((other, "fp") for other in corners[false])]
        for kind, weight, box in _mistakes(missed, corners[false], np.asarray(scores)[false]):
            self.totals[kind] += 1
            kept = self.cuts[kind]
            if len(kept) < MOST_CUTS or weight > kept[-1].weight:
                kept.append(ReviewCut(sample.name, kind, weight, _close_up(sample.image, box, marks, missed)))
                kept.sort(key=lambda cut: -cut.weight)
                del kept[MOST_CUTS:]


def _mistakes(
    missed: Mask, false: NDArray[np.int64], scores: NDArray[np.floating]
) -> Iterator[tuple[Kind, float, NDArray[np.int64]]]:
    """Kind, weight and box of every false box and of every missed stretch (pixels up to 4 px apart are one stretch)."""
    for score, box in zip(scores, false, strict=True):
        yield "false", float(score), box
    grown = cv2.dilate(missed.astype(np.uint8), np.ones((5, 5), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(grown)
    pixels = np.bincount(labels[missed], minlength=len(stats))
    for label, (x, y, wide, tall, _area) in enumerate(stats[1:].tolist(), start=1):
        yield "missed", float(pixels[label]), np.array([x, y, x + wide, y + tall])


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
