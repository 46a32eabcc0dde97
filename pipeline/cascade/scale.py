"""Photographs at the scale that a bundle knows best: made smaller or larger before the cascade looks, and what it finds
brought back to their own pixels.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from pipeline.arrays import Image, round_outwards, union_mask
from pipeline.cascade.cascade import CascadeResult, CascadeThresholds
from pipeline.cascade.crack_pixels import NEAR_PX, crack_pixels

NEAR = 1.5
"""A photograph whose scale is within this factor of the bundle's is looked at as it is: training shows each picture at
half to twice its size, and up to here masks are as good without (docs/ablations/scale.md)."""

LARGEST, MOST_PX = 3.0, 40_000_000
"""No photograph is made more than so many times as large, beyond which masks get worse again (the same page), nor is it
enlarged to more pixels than these: both networks' time and memory grow with them."""

LEAST_PX = 128
"""Nor is its shorter side made shorter than this: a network sees no road in less."""


def factor_to(known_mm: float | None, mm_per_px: float | None, size: tuple[int, int]) -> float:
    """How many times as large the cascade is to see a photograph; 1 where it is to see it as it is.

    Args:
        known_mm: scale that the bundle knows best, mm a pixel; None: it does not say.
        mm_per_px: scale of the photograph; None: nobody knows.
        size: ``(H, W)`` px of the photograph.

    >>> factor_to(2.0, 0.5, (3000, 4000)), factor_to(2.0, 1.5, (3000, 4000)), factor_to(2.0, 9.0, (300, 400))
    (0.25, 1.0, 3.0)
    """
    if known_mm is None or mm_per_px is None:
        return 1.0
    wanted = mm_per_px / known_mm
    if 1 / NEAR <= wanted <= NEAR:
        return 1.0
    height, width = size
    largest = max(1.0, min(LARGEST, math.sqrt(MOST_PX / (height * width))))
    smallest = min(1.0, LEAST_PX / min(height, width))
    return max(smallest, min(wanted, largest))


def resampled(image: Image, factor: float) -> Image:
    """A picture, ``(H, W, 3)`` uint8, so many times as large; interpolated as training windows are."""
    if factor == 1:
        return image
    height, width = image.shape[:2]
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(cv2.resize(image, size, interpolation=_interpolation(factor)), np.uint8)


def brought_back(found: CascadeResult, size: tuple[int, int], thresholds: CascadeThresholds) -> CascadeResult:
    """What was found in a resampled picture, in px of the picture itself.

    Args:
        found: in the resampled one.
        size: ``(H, W)`` px of the picture.
        thresholds: of the cascade that found it.
    """
    height, width = size
    if found.mask.shape == (height, width):
        return found
    down, across = height / found.mask.shape[0], width / found.mask.shape[1]
    stretch = np.array([across, down, across, down])
    near_px = max(1, round(NEAR_PX * down))
    how = _interpolation(down)
    probability = np.asarray(cv2.resize(found.probability, (width, height), interpolation=how), np.float32)
    boxes = (found.boxes * stretch).astype(np.float32)
    probability[~union_mask(boxes, size)] = 0  # interpolating carries some over the edges of boxes
    return found._replace(
        boxes=boxes,
        crops=round_outwards(found.crops * stretch, size),
        probability=probability,
        mask=crack_pixels(probability, thresholds.probability, thresholds.flank_share, near_px),
    )


def _interpolation(factor: float) -> int:
    return cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
