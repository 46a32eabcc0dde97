"""What is known of all lines of a picture: where they run, how long and wide they are, and which way they go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.measuring.junction_ends import lead_on
from pipeline.measuring.kinds import line_sums, orientation, steps_within
from pipeline.measuring.length import SIGMA_PX, lengthening, prolong
from pipeline.measuring.lines import Lines, smooth
from pipeline.measuring.scale import Scale
from pipeline.measuring.width import Profiles, Widths, along, directions

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Figures:
    """Figures of lines, each ``(L,)`` unless it says otherwise; nan where unknown.

    Attributes:
        lines: unsmoothed; their ends are also `AT_FRAME`.
        across: what was seen across each of their points.
        points: ``(M, 2)`` px of the smoothed lines, from end to end of their cracks.
        starts: ``(L + 1,)``, where each begins among them.
        road: ``(M, 2)`` m, or px where there is no scale.
        steps: ``(M, 2)`` of `road`.
        across_mm: mm a px, across each crack.
        confidence: mean probability along the line.
    """

    lines: Lines
    across: Profiles
    points: Floats
    starts: NDArray[np.int64]
    road: Floats
    steps: Floats
    length_px: Floats
    length_m: Floats
    across_mm: Floats
    widths: Widths
    degrees: Floats
    coherence: Floats
    confidence: Floats


def figures_of(probability: NDArray[np.float32], lines: Lines, seen: Profiles, scale: Scale, scaled: bool) -> Figures:
    """Measure all lines.

    Args:
        probability: ``(H, W)`` 0–1.
        lines: unsmoothed.
        seen: across them.
        scale: of the picture; where it is none, one that calls a pixel a metre.
        scaled: whether it is one.
    """
    centred = lines._replace(points=lead_on(lines, seen.middles))
    height, width = probability.shape
    smoothed = np.clip(smooth(centred, SIGMA_PX), -0.5, (width - 0.5, height - 0.5))
    points, starts, ends = prolong(probability, lines, smoothed)
    longer = lengthening(centred)
    road = scale.to_road(points + 0.5)
    steps = steps_within(road, starts)
    degrees, coherence = orientation(steps, starts)
    unknown = np.full(len(longer), np.nan)
    return Figures(
        lines._replace(ends=ends),
        seen,
        points,
        starts,
        road,
        steps,
        longer * _lengths(steps_within(points, starts), starts),
        longer * _lengths(steps, starts) if scaled else unknown,
        _across_mm(lines, smoothed, scale) if scaled else unknown,
        along(seen, lines),
        degrees,
        coherence,
        _mean_along(probability, lines, smoothed),
    )


def _lengths(steps: Floats, starts: NDArray[np.int64]) -> Floats:
    return line_sums(np.hypot(steps[:, 0], steps[:, 1]), starts)


def _mean_along(probability: NDArray[np.float32], lines: Lines, smoothed: Floats) -> Floats:
    at = np.clip(np.round(smoothed).astype(np.int64), 0, (probability.shape[1] - 1, probability.shape[0] - 1))
    return line_sums(probability[at[:, 1], at[:, 0]].astype(np.float64), lines.starts) / np.diff(lines.starts)


def _across_mm(lines: Lines, smoothed: Floats, scale: Scale) -> Floats:
    """``(L,)`` mean mm a px across each crack: |det J| / |J t|, for a small patch keeps its share of the area."""
    jacobians = scale.jacobians(smoothed + 0.5)
    tangents = directions(smoothed, lines.starts, lines.closed)
    stretched = np.hypot(*(jacobians @ tangents[:, :, None])[:, :, 0].T)
    across = 1000 * np.abs(np.linalg.det(jacobians)) / stretched
    return line_sums(across, lines.starts) / np.diff(lines.starts)
