"""Holes in a mask that are none in the crack: thinning would draw a ring around each, a crack of its own."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SPECK_PX, AROUND_PX = 9, 2
"""A hole of no more pixels with two of crack all around it is a speck of a mask; between thin cracks it is road."""

NO_ROAD_PX = 2
"""A hole of no more pixels is a speck whatever lies around it, such as a ragged edge: so little road tells no crack
from its neighbour."""


def without_specks(part: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(H, W)`` 0 or 1, a copy with its specks filled."""
    filled = part.copy()
    _, labels, found, _ = cv2.connectedComponentsWithStats(1 - part, connectivity=4)
    for number in np.flatnonzero(found[:, cv2.CC_STAT_AREA] <= SPECK_PX):
        x, y, width, height, size = found[number].tolist()
        rim = 1 if size <= NO_ROAD_PX else AROUND_PX
        if min(x, y) < rim or max(x + width - part.shape[1], y + height - part.shape[0]) > -rim:
            continue
        around = np.s_[y - rim : y + height + rim, x - rim : x + width + rim]
        speck = labels[around] == number
        if size <= NO_ROAD_PX or (speck | (part[around] > 0)).all():
            filled[around] |= speck
    return filled
