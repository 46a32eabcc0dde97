"""Holes in a mask that are none in the crack, and slits between two cracks that pixels close here and there.

Thinning would draw a ring around each hole, a crack of its own, and a rung wherever a slit is closed.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Mask
from pipeline.measuring.centre_pixels import held

Numbers = NDArray[np.int32]

SPECK_PX, AROUND_PX = 9, 2
"""A hole of no more pixels, with two pixels of crack all around it, is a speck of a mask; between thin cracks it is
road."""

NO_ROAD_PX = 2
"""A hole of no more pixels is a speck whatever lies around it, such as a ragged edge: so little road separates no
cracks."""

RIM = 0.5
"""A hole of any size is one of the mask where more than this share of its rim lies in crack that is wider than the hole
is long; between cracks that are no wider than it is long, it is road."""

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


def likely_in_specks(probability: NDArray[np.float32], specks: Mask) -> NDArray[np.float32]:
    """``(H, W)`` float32: the probability, which in each speck is at least the mean of that on its rim.

    Otherwise a crack would be narrower at its specks, and its line go around them.
    """
    if not specks.any():
        return probability
    count, labels = cv2.connectedComponents(specks.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    # cv2.dilate takes no int32; float32 holds every whole number up to 2^24, more than there can be specks
    grown = cv2.dilate(labels.astype(np.float32), np.ones((3, 3), np.uint8))
    rim = np.flatnonzero((grown > 0) & ~specks)
    of = grown.ravel()[rim].astype(np.intp)
    means = np.bincount(of, probability.ravel()[rim], count) / np.maximum(np.bincount(of, minlength=count), 1)
    return np.where(specks, np.maximum(probability, means.astype(np.float32)[labels]), probability)


def _mended(part: NDArray[np.uint8]) -> NDArray[np.uint8]:
    filled = part.copy()
    slits = _slits(part)
    filled[slits] = 0
    labels, found = _components(1 - part, 4)
    x, y, width, height, sizes = found.T
    inside = (np.minimum(x, y) > 0) & (x + width < part.shape[1]) & (y + height < part.shape[0])
    inside[labels[slits]] = inside[0] = False  # 0 is the crack
    larger = []
    for number in np.flatnonzero(inside).tolist():
        if sizes[number] > SPECK_PX or not _is_speck(part, labels, number, found[number]):
            larger.append(number)
        else:
            _fill(filled, labels, number, found[number])
    _fill_narrow(filled, labels, found, larger)
    if slits.any():
        _part(filled.view(np.bool_), slits)
    return filled


def _is_speck(part: NDArray[np.uint8], labels: Numbers, number: int, found: Numbers) -> bool:
    x, y, width, height, size = found.tolist()
    if size <= NO_ROAD_PX:
        return True
    if min(x, y) < AROUND_PX or max(x + width - part.shape[1], y + height - part.shape[0]) > -AROUND_PX:
        return False
    around = np.s_[y - AROUND_PX : y + height + AROUND_PX, x - AROUND_PX : x + width + AROUND_PX]
    return bool(((labels[around] == number) | (part[around] > 0)).all())


def _fill(filled: NDArray[np.uint8], labels: Numbers, number: int, found: Numbers) -> None:
    x, y, width, height, _ = found.tolist()
    own = np.s_[y : y + height, x : x + width]
    filled[own] |= labels[own] == number


def _fill_narrow(filled: NDArray[np.uint8], labels: Numbers, found: Numbers, holes: list[int]) -> None:
    """Fill those of the holes that are narrower than the crack beside them, all at once: were the next one judged with
    its neighbours filled, one wide junction would fill a whole net.
    """
    if not holes:
        return
    deep = _depth(filled)
    widest = 2 * deep.max()
    longest = found[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    for hole in holes:
        if longest[hole] < widest and _in_wide(deep, labels, hole, found[hole]):
            _fill(filled, labels, hole, found[hole])


def _components(plane: NDArray[np.uint8], connectivity: int) -> tuple[Numbers, Numbers]:
    """``(H, W)`` number of the part that each pixel lies in, and ``(N, 5)`` x, y, width, height and pixels of each."""
    _, labels, found, _ = cv2.connectedComponentsWithStats(plane, connectivity=connectivity)
    return np.asarray(labels, np.int32), np.asarray(found, np.int32)


def _depth(part: NDArray[np.uint8]) -> NDArray[np.float32]:
    """``(H, W)`` px to the nearest road; around the part, and beyond the frame, is road."""
    return np.asarray(cv2.distanceTransform(np.pad(part, 1), cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)


def _in_wide(deep: NDArray[np.float32], labels: Numbers, number: int, found: Numbers) -> bool:
    """Whether more than `RIM` of a hole's rim lies in discs within the crack that are wider than the hole is long."""
    x, y, width, height, _ = found.tolist()
    half = max(width, height) / 2
    reach = int(half) + 2
    view = np.s_[max(y - reach, 0) : y + height + reach, max(x - reach, 0) : x + width + reach]
    middles = deep[view] > half
    if not middles.any():
        return False
    hole = (labels[view] == number).astype(np.uint8)
    rim = cv2.dilate(hole, np.ones((3, 3), np.uint8)) > hole
    apart = cv2.distanceTransform((~middles).astype(np.uint8), cv2.DIST_L2, 5)
    return bool(np.mean(apart[rim] <= half) > RIM)


def _slits(part: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """``(H, W)``: seams between thick cracks that are open for the most part, what closes them included.

    A seam that is shorter than the crack beside it is wide is none: it is a hole.
    """
    thick = _opened(part)
    near = np.ones((SEAM_PX, SEAM_PX), np.uint8)
    # Beyond the frame is road: with OpenCV's own border, all along it would be a seam.
    closed = cv2.erode(cv2.dilate(thick, near), near, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    seams = np.where(thick > 0, 0, closed).astype(np.uint8)
    labels, found = _components(seams, 8)
    areas = found[:, cv2.CC_STAT_AREA]
    road = np.bincount(labels[(seams > 0) & (part == 0)], minlength=len(areas))
    slits = ((road > SPECK_PX) & (road >= OPEN * areas))[labels].astype(np.uint8)
    if not slits.any():
        return np.zeros(part.shape, np.bool_)
    # A slit ends where both cracks do, in corners that no square fits into.
    reaching = cv2.dilate(slits, np.ones((THICK_PX, THICK_PX), np.uint8))
    labels, found = _components(np.asarray(reaching, np.uint8), 8)
    labels[thick > 0] = 0
    found[:, :4] += np.array((1, 1, -2, -2)) * (THICK_PX // 2)  # as long as they were before they reached on
    deep = _depth(np.where(labels > 0, 0, part).astype(np.uint8))
    lasts = [number > 0 and not _in_wide(deep, labels, number, found[number]) for number in range(len(found))]
    return np.asarray(np.array(lasts)[labels], np.bool_)


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
