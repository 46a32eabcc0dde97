"""What is known of all lines of a picture: where they run, how long and wide they are, and which way they go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Reals
from pipeline.measuring.junction_ends import lead_on
from pipeline.measuring.kinds import line_sums, orientation, steps_within
from pipeline.measuring.length import SIGMA_PX, lengthening, prolong
from pipeline.measuring.lines import Lines, smooth
from pipeline.measuring.scale import Scale
from pipeline.measuring.width import Profiles, stretches
from pipeline.measuring.width_sums import Widths, along


@dataclass(frozen=True)
class Figures:
    """Figures of lines, each ``(L,)`` unless it says otherwise; nan where unknown.

    Attributes:
        lines: unsmoothed; their ends may also be `pipeline.measuring.line_ends.AT_FRAME`.
        across: what was seen across each of their points.
        points: ``(M, 2)`` px of the smoothed lines, from end to end of their cracks.
        starts: ``(L + 1,)``, where each begins among them.
        road: ``(M, 2)`` m, or px where there is no scale.
        steps: ``(M, 2)`` of `road`.
        across_mm: mm a px, across each crack, in the mean of its metres.
        stretch_px: ``(N,)``, the length of line that each point of `lines` stands for.
        widths, widths_mm: along each, in px and on the road.
        confidence: mean probability along the line.
    """

    lines: Lines
    across: Profiles
    points: Reals
    starts: NDArray[np.int64]
    road: Reals
    steps: Reals
    length_px: Reals
    length_m: Reals
    across_mm: Reals
    stretch_px: Reals
    widths: Widths
    widths_mm: Widths
    degrees: Reals
    coherence: Reals
    confidence: Reals


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
    stretch = stretches(smoothed, lines.starts, lines.closed)
    stretch_px = np.hypot(*stretch.T)
    across_mm, widths_mm = (
        _on_the_road(seen, lines, smoothed, stretch, scale) if scaled else (unknown, Widths(*[unknown] * 5))
    )
    return Figures(
        lines._replace(ends=ends),
        seen,
        points,
        starts,
        road,
        steps,
        longer * _lengths(steps_within(points, starts), starts),
        longer * _lengths(steps, starts) if scaled else unknown,
        across_mm,
        stretch_px,
        along(seen, lines, stretch_px),
        widths_mm,
        degrees,
        coherence,
        _mean_along(probability, lines, smoothed),
    )


def _lengths(steps: Reals, starts: NDArray[np.int64]) -> Reals:
    return line_sums(np.hypot(steps[:, 0], steps[:, 1]), starts)


def _mean_along(probability: NDArray[np.float32], lines: Lines, smoothed: Reals) -> Reals:
    at = np.clip(np.round(smoothed).astype(np.int64), 0, (probability.shape[1] - 1, probability.shape[0] - 1))
    return line_sums(probability[at[:, 1], at[:, 0]].astype(np.float64), lines.starts) / np.diff(lines.starts)


def _on_the_road(seen: Profiles, lines: Lines, smoothed: Reals, stretch: Reals, scale: Scale) -> tuple[Reals, Widths]:
    """``(L,)`` mean mm a px across each crack, and its widths in mm.

    Ahead of a camera both the px that a crack is wide and the mm that a px is long change along it, against each
    other: the mean of their product is not that of their means. Near the camera a metre has more px than far off.
    """
    jacobians = scale.jacobians(smoothed + 0.5)
    metres = np.hypot(*(jacobians @ stretch[:, :, None])[:, :, 0].T)
    # |det J| / |J t|, for a small patch keeps its share of the area.
    across = 1000 * np.abs(np.linalg.det(jacobians)) * np.hypot(*stretch.T) / metres
    mean = line_sums(across * metres, lines.starts) / line_sums(metres, lines.starts)
    return mean, along(seen._replace(widths=seen.widths * across), lines, metres)
