"""Which pixels of a probability map are crack: likely enough, and not a mere flank of something likelier beside them.

A network's probability falls off beside a crack over some px. One threshold low enough for a faint crack takes in the
flanks of every clear one; held against the highest nearby they go, whatever the threshold, which may then be lower.
That matters most on roads that the network has not seen, where it is less sure of all cracks
(docs/ablations/segmenter.md).
"""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.arrays import Mask, ProbabilityMap

NEAR_PX = 4
"""A flank lies within so many px of what is likelier, along both axes; chosen on validation parts."""


def crack_pixels(
    probability: ProbabilityMap, threshold: float, flank_share: float = 0.0, near_px: int = NEAR_PX
) -> Mask:
    """Pixels at or above a threshold that are no flanks.

    Args:
        probability: ``(H, W)`` float32, 0–1.
        threshold: 0–1, compared in float32.
        flank_share: see `without_flanks`.
        near_px: see `NEAR_PX`; more in a map that was enlarged.

    Returns:
        ``(H, W)`` bool.
    """
    likely = probability >= np.float32(threshold)
    return likely if flank_share == 0 else likely & ~_flanks(probability, flank_share, near_px)


def without_flanks(probability: ProbabilityMap, flank_share: float) -> ProbabilityMap:
    """The map with 0 on flanks: cut off at any threshold above 0 it makes the mask of `crack_pixels` there.

    Args:
        probability: ``(H, W)`` float32, 0–1.
        flank_share: a pixel is a flank below this share of the highest probability near it; 0: none is.
    """
    return np.where(_flanks(probability, flank_share, NEAR_PX), np.float32(0), probability)


def _flanks(probability: ProbabilityMap, share: float, near_px: int) -> Mask:
    highest = cv2.dilate(probability, np.ones((2 * near_px + 1, 2 * near_px + 1), np.uint8))
    return np.asarray(probability < np.float32(share) * highest)
