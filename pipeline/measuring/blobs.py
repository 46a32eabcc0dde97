"""Blobs: what is hardly longer than it is wide, such as a pothole. It has no direction, so no kind and no severity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from pipeline.arrays import Mask
from pipeline.measuring.crack import Crack
from pipeline.measuring.scale import Scale

Floats = NDArray[np.float64]

LEAST_WIDTHS = 2.0
"""A line shorter than so many of its widths has no direction: the line of a disc is 0.79 of its width long, that of an
ellipse of ratio 1.5 is 1.2, of a square 0.5 to 1.4, by how it lies, up to 1.9 where it is small (2 is its diagonal by
the mean width across), and all of these point anywhere. Bars of ratio 3 come out above 2.4 however they lie."""


def blobs_by_area(cracks: list[Crack], alone: NDArray[np.bool_], mask: Mask, scale: Scale, scaled: bool) -> list[Crack]:
    """The same cracks; the blobs among them without kind and severity, but with area and diameter.

    Args:
        cracks: that lie in no pattern area.
        alone: ``(C,)``, whether a crack is all that there is in its part of the mask; else a blob's area is its length
            by its width, and its diameter the longer of them.
        mask: ``(H, W)`` bool.
        scale: of the picture.
        scaled: whether it is one; without, there are no metres.
    """
    blobs = [number for number, crack in enumerate(cracks) if _is_blob(crack)]
    plane = np.ascontiguousarray(mask).view(np.uint8)
    own = [number for number in blobs if alone[number]]
    areas, edges, starts = _parts(plane, _seeds([cracks[number] for number in own], plane)) if own else _NONE
    across = _longest(scale.to_road(edges), starts) if scaled and own else np.full(len(own), np.nan)
    sizes = dict(zip(own, zip(areas.tolist(), across.tolist(), strict=True), strict=True))
    found = list(cracks)
    for number in blobs:
        crack = cracks[number]
        area, diameter = sizes.get(number, (0.0, np.nan))
        if area == 0:
            area, diameter = crack.area_px, max(crack.length_m, crack.width_mean_mm / 1000)
        pixel_m2 = crack.length_m / crack.length_px * crack.mm_per_px / 1000  # along by across
        known = {"area_px": area, "area_m2": area * pixel_m2, "diameter_m": diameter}
        found[number] = replace(crack, kind=None, severity_astm=None, severity_ltpp=None, **known)
    return found


def _is_blob(crack: Crack) -> bool:
    """On the road, where it is known: to a camera that looks ahead, what is round is wide."""
    if np.isnan(crack.length_m):
        return 0 < crack.length_px < LEAST_WIDTHS * crack.width_mean_px
    return 0 < crack.length_m < LEAST_WIDTHS * crack.width_mean_mm / 1000


_NONE = np.zeros(0), np.zeros((0, 2)), np.zeros(1, np.int64)


def _seeds(cracks: list[Crack], plane: NDArray[np.uint8]) -> NDArray[np.int64]:
    """``(C, 2)`` x, y of the pixel in the middle of each line."""
    middles = np.array([crack.line[len(crack.line) // 2] for crack in cracks])
    return np.asarray(np.clip(np.floor(middles).astype(np.int64), 0, (plane.shape[1] - 1, plane.shape[0] - 1)))


@compiled()
def _parts(plane: NDArray[np.uint8], seeds: NDArray[np.int64]) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """The parts of a mask, pixels that touch, in which `seeds` lie.

    Args:
        plane: ``(H, W)``, 1 where there is crack.
        seeds: ``(C, 2)`` x, y.

    Returns:
        ``(C,)`` pixels of each part, 0 where its seed lies in none or in that of one before; ``(M, 2)`` px, where their
        outermost pixels end, and ``(C + 1,)`` int64, where those of each part begin.
    """
    height, width = plane.shape
    seen = np.zeros((height, width), np.bool_)
    areas, starts = np.zeros(len(seeds)), np.zeros(len(seeds) + 1, np.int64)
    edges = [(0.0, 0.0)]
    edges.pop()
    for part in range(len(seeds)):
        x, y = seeds[part]
        stack = [(x, y)]
        if seen[y, x] or not plane[y, x]:
            stack.pop()
        seen[y, x] = True
        while stack:
            x, y = stack.pop()
            areas[part] += 1
            inside = 0
            for v in range(max(y - 1, 0), min(y + 2, height)):
                for u in range(max(x - 1, 0), min(x + 2, width)):
                    inside += plane[v, u]
                    if plane[v, u] and not seen[v, u]:
                        seen[v, u] = True
                        stack.append((u, v))
            if inside < 9:
                edges.append((x + 0.5, y + 0.5))
        starts[part + 1] = len(edges)
    found = np.zeros((len(edges), 2))
    for part in range(len(seeds)):
        a, b = starts[part], starts[part + 1]
        for i in range(a, b):
            found[i, 0], found[i, 1] = edges[i]
        _outwards(found[a:b])
    return areas, found, starts


@compiled()
def _outwards(edges: Floats) -> None:
    """Move ``(M, 2)`` middles of the outermost pixels of a part half a pixel out, to where it ends."""
    if len(edges) == 0:
        return
    x, y = edges[:, 0].mean(), edges[:, 1].mean()
    for i in range(len(edges)):
        u, v = edges[i, 0] - x, edges[i, 1] - y
        norm = max(np.hypot(u, v), 1e-9)
        edges[i, 0] += 0.5 * u / norm
        edges[i, 1] += 0.5 * v / norm


@compiled()
def _longest(points: Floats, starts: NDArray[np.int64]) -> Floats:
    """``(C,)`` longest distance between two of the points of each part; nan where one of them is nowhere."""
    found = np.zeros(len(starts) - 1)
    for part in range(len(found)):
        for i in range(starts[part], starts[part + 1]):
            for j in range(i, starts[part + 1]):
                apart = np.hypot(points[i, 0] - points[j, 0], points[i, 1] - points[j, 1])
                if apart > found[part] or np.isnan(apart):
                    found[part] = apart
    return found
