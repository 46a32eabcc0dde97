"""What a crack is by construction: its truth, cut at the frame and drawn exactly."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Plane = NDArray[np.float32]

SUPERSAMPLING = 4
_SUBPIXEL_BITS = 6
# OpenCV fills a polygon together with its one-pixel outline, which widens it by this much in all (fitted to straight
# bars of 1–6 px at every angle: the raster's area is then length × width within 1 % on average).
_OUTLINE = 1.0


@dataclass(frozen=True, slots=True)
class CrackTruth:
    """What one unbranched stretch of crack is by construction; the part inside the frame.

    Attributes:
        points: ``(n, 2)`` float, n ≥ 2, x and y of the centre line in px; pixel (column c, row r) covers
            ``[c, c + 1) × [r, r + 1)``, so that its centre lies at ``(c + 0.5, r + 0.5)``.
        widths: ``(n,)`` float, width across the centre line at each point, px.
        opacity: ``(n,)`` float 0–1, how visible the crack is at each point; the mask ignores it.
    """

    points: Floats
    widths: Floats
    opacity: Floats

    @property
    def length_px(self) -> float:
        """Length of the centre line, px."""
        return float(self._steps().sum())

    @property
    def area_px(self) -> float:
        """Area between the edges, px²: the integral of the width along the centre line."""
        return float((self._steps() * (self.widths[1:] + self.widths[:-1]) / 2).sum())

    @property
    def mean_width_px(self) -> float:
        """Mean width along the centre line, px."""
        return self.area_px / self.length_px

    def _steps(self) -> Floats:
        return np.asarray(np.hypot(*np.diff(self.points, axis=0).T), dtype=np.float64)


def clip_to_frame(crack: CrackTruth, width: int, height: int) -> list[CrackTruth]:
    """Cut the centre line at the frame; stretches shorter than 2 px are dropped.

    >>> line = CrackTruth(np.array([[-5.0, 4.0], [5.0, 4.0], [25.0, 4.0]]), np.full(3, 2.0), np.ones(3))
    >>> [part.length_px for part in clip_to_frame(line, 20, 8)]
    [20.0]
    """
    rows = np.column_stack([crack.points, crack.widths, crack.opacity])
    size = np.array([width, height])
    step = np.diff(crack.points, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        cuts = np.concatenate([-crack.points[:-1] / step, (size - crack.points[:-1]) / step], axis=1)  # (n - 1, 4)
    piece, side = np.nonzero((cuts > 0) & (cuts < 1))
    at = piece + cuts[piece, side]
    position = np.sort(np.concatenate([np.arange(len(rows), dtype=np.float64), at]))
    dense = np.stack([np.interp(position, np.arange(len(rows)), column) for column in rows.T], 1)
    xy = dense[:, :2]
    inside = np.asarray(((xy >= -1e-6) & (xy <= size + 1e-6)).all(axis=1), np.bool_)
    parts = split_runs(CrackTruth(np.clip(xy, 0, size), dense[:, 2], dense[:, 3]), inside)
    return [part for part in parts if part.length_px >= 2]


def split_runs(crack: CrackTruth, kept: NDArray[np.bool_]) -> list[CrackTruth]:
    """Stretches of at least two neighbouring points that are `kept`, a bool ``(n,)``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8)))
    return [
        CrackTruth(crack.points[a:b], crack.widths[a:b], crack.opacity[a:b])
        for a, b in zip(edges[::2], edges[1::2], strict=True)
        if b - a >= 2
    ]


def rasterise(cracks: tuple[CrackTruth, ...], width: int, height: int) -> tuple[Plane, Plane]:
    """Draw `cracks` with `SUPERSAMPLING`² samples a pixel, so that an edge is off by ⅛ px at most.

    Returns:
        Two planes, ``(height, width)`` float32 0–1: the share of each pixel that lies in a crack, and the same
        weighted with the opacity.
    """
    canvas = np.zeros((height * SUPERSAMPLING, width * SUPERSAMPLING, 2), np.uint8)
    for crack in cracks:
        _draw(canvas, crack)
    small = np.float32(1 / 255) * np.asarray(cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA))
    return np.asarray(small[..., 0], np.float32), np.asarray(small[..., 1], np.float32)


def _draw(canvas: NDArray[np.uint8], crack: CrackTruth) -> None:
    scale = 1 << _SUBPIXEL_BITS
    # OpenCV's integer coordinates are pixel centres; ours are pixel corners.
    centres = crack.points * SUPERSAMPLING - 0.5
    half = np.maximum(crack.widths * SUPERSAMPLING - _OUTLINE, 0.5) / 2
    along = np.diff(centres, axis=0)
    normals = np.stack([-along[:, 1], along[:, 0]], 1) / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    # At a bend neighbouring pieces gap on the outer side; a mitred common normal closes them exactly.
    joint = np.concatenate([normals[:1], normals[1:] + normals[:-1], normals[-1:]])
    squared = np.maximum((joint**2).sum(1), 0.5)
    squared[[0, -1]] = 1.0
    joint *= np.where(np.arange(len(joint)) % (len(joint) - 1) == 0, 1.0, 2.0 / squared)[:, None]
    left, right = centres + joint * half[:, None], centres - joint * half[:, None]
    quads = np.stack([left[:-1], left[1:], right[1:], right[:-1]], 1)  # (n - 1, 4, 2)
    fixed = np.round(quads * scale).astype(np.int32)
    ink = np.round(255 * (crack.opacity[1:] + crack.opacity[:-1]) / 2)
    for quad, value in zip(fixed, ink, strict=True):
        cv2.fillConvexPoly(canvas, quad, (255, float(value)), cv2.LINE_8, _SUBPIXEL_BITS)
