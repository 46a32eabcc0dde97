"""Where a file says that there is no picture, nothing is found, nor along that edge."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.arrays import Image, Mask, round_outwards
from pipeline.cascade.cascade import CascadeResult

SEAM_PX = 12
"""Reach of the edge between picture and nothing: both networks answer it with cracks along it."""


def filled(image: Image, valid: Mask) -> Image:
    """A copy of ``(H, W, 3)`` uint8 RGB with the mean colour of its valid pixels where it is not picture."""
    copy = image.copy()
    copy[~valid] = image[valid].mean(axis=0).round().astype(np.uint8)
    return copy


def only_valid(found: CascadeResult, valid: Mask) -> CascadeResult:
    """What was found, without what lies where there is no picture or within `SEAM_PX` of it.

    Args:
        found: of the picture that `filled` made.
        valid: ``(H, W)`` bool, False where there is no picture.

    Returns:
        the same with probability and mask emptied there, and without boxes that reach there and hold no crack now.
    """
    side = 2 * SEAM_PX + 1
    inside = cv2.erode(valid.astype(np.uint8), np.ones((side, side), np.uint8)).astype(bool)
    mask = found.mask & inside
    whole = round_outwards(found.boxes, (mask.shape[0], mask.shape[1]))
    stays = np.array([inside[y1:y2, x1:x2].all() or mask[y1:y2, x1:x2].any() for x1, y1, x2, y2 in whole], bool)
    probability = np.where(inside, found.probability, np.float32(0))
    return found._replace(boxes=found.boxes[stays], scores=found.scores[stays], probability=probability, mask=mask)
