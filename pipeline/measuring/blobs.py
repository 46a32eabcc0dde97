"""Blobs: what is hardly longer than it is wide, such as a pothole. It has no direction, so no kind and no severity."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Mask, Reals
from pipeline.measuring.crack import Crack
from pipeline.measuring.patterns import diameter_of
from pipeline.measuring.scale import Scale

LEAST_WIDTHS = 2.0
"""A line shorter than this many of its widths has no direction. The line of a disc is 0.79 of its width long, that of
an ellipse of ratio 1.5 is 1.2, and that of a square 0.5 to 1.4, depending on how it lies, or up to 1.9 where it is
small (2 is its diagonal by the mean width across); all of these point anywhere. Bars of ratio 3 come out above 2.4
however they lie."""


def blobs_by_area(cracks: list[Crack], alone: NDArray[np.bool_], mask: Mask, scale: Scale, scaled: bool) -> list[Crack]:
    """The same cracks; the blobs among them without kind and severity, but with area and diameter.

    Args:
        cracks: that lie in no pattern area.
        alone: ``(C,)``, whether a crack is all that there is in its part of the mask. The area of a blob that is not is
            its length by its width, and its diameter the longer of the two.
        mask: ``(H, W)`` bool.
        scale: of the picture.
        scaled: whether it is one; without, there are no metres.
    """
    blobs = [number for number, crack in enumerate(cracks) if _is_blob(crack)]
    own = [number for number in blobs if alone[number]]
    sizes = dict(zip(own, _sizes([cracks[number] for number in own], mask, scale, scaled), strict=True)) if own else {}
    found = list(cracks)
    for number in blobs:
        crack = cracks[number]
        by_line = crack.area_px, max(crack.length_m, crack.width_mean_mm / 1000)
        area, diameter = sizes.get(number) or by_line
        pixel_m2 = crack.length_m / crack.length_px * crack.mm_per_px / 1000  # along by across
        known = replace(crack, area_px=area, area_m2=area * pixel_m2, diameter_m=diameter)
        found[number] = replace(known, kind=None, severity_astm=None, severity_ltpp=None)
    return found


def _is_blob(crack: Crack) -> bool:
    """Told on the road, where that is known: a camera that looks ahead sees what is round as wide."""
    if np.isnan(crack.length_m):
        return 0 < crack.length_px < LEAST_WIDTHS * crack.width_mean_px
    return 0 < crack.length_m < LEAST_WIDTHS * crack.width_mean_mm / 1000


_THIS, _BEFORE = 1, 2  # the part of a mask that is being filled, and those that were filled before


def _sizes(cracks: list[Crack], mask: Mask, scale: Scale, scaled: bool) -> list[tuple[float, float] | None]:
    """Pixels of the part of the mask that the middle of each line lies in, and how far it reaches at its longest, m.

    None where the middle lies beside the mask, or in the part of a crack before.
    """
    plane = np.ascontiguousarray(mask, np.uint8)
    filled = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.uint8)  # OpenCV's has a pixel more on each side
    sizes: list[tuple[float, float] | None] = []
    for crack in cracks:
        column, row = np.floor(crack.line[len(crack.line) // 2]).astype(int).tolist()
        column, row = min(max(column, 0), mask.shape[1] - 1), min(max(row, 0), mask.shape[0] - 1)
        if not plane[row, column] or filled[row + 1, column + 1]:
            sizes.append(None)
            continue
        # One part at a time: labelling all of them would take as long as all the rest of the measuring.
        found = cv2.floodFill(plane, filled, (column, row), 0, flags=8 | cv2.FLOODFILL_MASK_ONLY | _THIS << 8)
        area, _, _, (left, top, width, height) = found
        within = filled[top + 1 : top + height + 1, left + 1 : left + width + 1]
        outline = _outline((within == _THIS).astype(np.uint8)) + np.array((left, top))
        within[within == _THIS] = _BEFORE
        sizes.append((float(area), diameter_of(scale.to_road(outline)) if scaled else np.nan))
    return sizes


def _outline(part: NDArray[np.uint8]) -> Reals:
    """``(M, 2)`` px, the corners of the convex hull of a part's pixels: their middles, moved out to where it ends."""
    hull = cv2.convexHull(np.asarray(cv2.findNonZero(part)))[:, 0] + 0.5
    out = hull - hull.mean(axis=0)
    return np.asarray(hull + 0.5 * out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9), np.float64)
