"""Holes in a mask that are none in the crack, and slits between two cracks that pixels close here and there.

Thinning would draw a ring around each hole, a crack of its own, and a rung wherever a slit is closed.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Mask
from pipeline.measuring.centre_pixels import held

SPECK_PX, AROUND_PX = 9, 2
"""A hole of no more pixels, with two pixels of crack all around it, is a speck of a mask; between thin cracks it is
road."""

NO_ROAD_PX = 2
"""A hole of no more pixels is a speck whatever lies around it, such as a ragged edge: so little road separates no
cracks."""

THICK_PX, SEAM_PX = 5, 3
"""A crack is thick where a square of the first side fits into it; where two thick cracks are less than the second
number of pixels apart, there is a seam between them."""

OPEN = 0.5
"""A seam of which this share is road is a slit, if that is more than a speck; else both are one crack with holes."""


def without_specks(mask: Mask) -> Mask:
    """``(H, W)`` bool, a copy with its specks filled and its slits open from end to end."""
    found = mask.copy()
    left, top, right, bottom = held(mask)
    if right > left:
        part = np.ascontiguousarray(mask[top:bottom, left:right]).view(np.uint8)
        found[top:bottom, left:right] = _mended(part) > 0
    return found


def _mended(part: NDArray[np.uint8]) -> NDArray[np.uint8]:
    filled = part.copy()
    slits = _slits(part)
    filled[slits] = 0
    _, labels, found, _ = cv2.connectedComponentsWithStats(1 - part, connectivity=4)
    for number in np.flatnonzero(found[:, cv2.CC_STAT_AREA] <= SPECK_PX):
        x, y, width, height, size = found[number].tolist()
        rim = 1 if size <= NO_ROAD_PX else AROUND_PX
        if min(x, y) < rim or max(x + width - part.shape[1], y + height - part.shape[0]) > -rim:
            continue
        around = np.s_[y - rim : y + height + rim, x - rim : x + width + rim]
        speck = labels[around] == number
        if (speck & slits[around]).any():
            continue
        if size <= NO_ROAD_PX or (speck | (part[around] > 0)).all():
            filled[around] |= speck
    if slits.any():
        _part(filled.view(np.bool_), slits)
    return filled


def _slits(part: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """``(H, W)``: seams between thick cracks that are open for the most part, what closes them included."""
    thick = _opened(part)
    near = np.ones((SEAM_PX, SEAM_PX), np.uint8)
    # Beyond the frame is road: with OpenCV's own border, all along it would be a seam.
    closed = cv2.erode(cv2.dilate(thick, near), near, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    seams = np.where(thick > 0, 0, closed).astype(np.uint8)
    _, labels, found, _ = cv2.connectedComponentsWithStats(seams, connectivity=8)
    areas = found[:, cv2.CC_STAT_AREA]
    road = np.bincount(labels[(seams > 0) & (part == 0)], minlength=len(areas))
    slits = ((road > SPECK_PX) & (road >= OPEN * areas))[labels].astype(np.uint8)
    # A slit ends where both cracks do, in corners that no square fits into.
    return np.asarray((cv2.dilate(slits, np.ones((THICK_PX, THICK_PX), np.uint8)) > 0) & (thick == 0))


def _opened(part: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.morphologyEx(part, cv2.MORPH_OPEN, np.ones((THICK_PX, THICK_PX), np.uint8)), np.uint8)


def _part(crack: NDArray[np.bool_], slits: NDArray[np.bool_]) -> None:
    """Take one of two pixels that meet across a slit, by a side or by their corners: thinning calls both joined."""
    for own, slit in ((crack, slits), (crack.T, slits.T)):
        beside = slit[:-1] | slit[1:]
        own[:-1, 1:-1][own[:-1, 1:-1] & own[1:, 1:-1] & beside[:, :-2] & beside[:, 2:]] = False
    for left, right in ((np.s_[:-1], np.s_[1:]), (np.s_[1:], np.s_[:-1])):
        a, b = (np.s_[:-1], left), (np.s_[1:], right)  # of each square of four: these are crack, the others road
        c, d = (np.s_[:-1], right), (np.s_[1:], left)
        crack[a][crack[a] & crack[b] & ~crack[c] & ~crack[d] & (slits[c] | slits[d])] = False
