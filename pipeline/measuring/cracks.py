"""Probability and mask → measured cracks: the whole way, in the order in which it happens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Mask
from pipeline.measuring.centre_pixels import trace
from pipeline.measuring.chains import join
from pipeline.measuring.kinds import PATTERN, kind_of, line_sums, orientation, steps_within
from pipeline.measuring.length import prolong
from pipeline.measuring.line_ends import AT_FRAME
from pipeline.measuring.lines import Lines, draw_lines, smooth
from pipeline.measuring.patterns import Patterns, area_of, diameter_of, find_patterns
from pipeline.measuring.scale import Scale, UniformScale
from pipeline.measuring.settings import MeasureSettings
from pipeline.measuring.severity import ASTM, LTPP, severity
from pipeline.measuring.width import Widths, along, directions, profiles

Floats = NDArray[np.float64]

WIDTH_SIGMA_PX, LENGTH_SIGMA_PX = 2.0, 1.25
"""Smoothing of the centre line before normals are taken, and before it is measured."""

MASK_ERROR_PX, NETWORK_ERROR_PX = 0.05, 0.5
"""What the mean width of a crack is off by beside its scatter: on generated cracks with a known width, and a
network's on CrackForest's test part, both in docs/ablations/measuring.md."""

SHORT = 3.0
"""A crack of less than so many widths is flagged: its width and direction are hardly told apart."""


@dataclass(frozen=True)
class Crack:
    """One crack, or one pattern area with all that lies in it. Unknown figures are nan, unknown words None.

    Attributes:
        line: ``(n, 2)`` float64 x, y px, where pixel c covers ``[c, c + 1)``; of a pattern area none, ``(0, 2)``.
        outline: ``(m, 2)`` likewise, of a pattern area; else ``(0, 2)``.
        orientation_deg: relative to the lane, see `pipeline.measuring.kinds.orientation`.
        area_px: length by mean width; of a pattern area, what its outline encloses.
        confidence: mean probability along the line, 0–1; nan where there is only a mask.
        mm_per_px: across the crack.
    """

    line: Floats
    outline: Floats
    length_px: float
    width_mean_px: float
    width_median_px: float
    width_p95_px: float
    width_max_px: float
    width_uncertainty_px: float
    orientation_deg: float
    coherence: float
    kind: str | None
    area_px: float
    fragments: int
    confidence: float
    length_m: float
    width_mean_mm: float
    mm_per_px: float
    severity_astm: str | None
    severity_ltpp: str | None
    area_m2: float = np.nan
    diameter_m: float = np.nan
    flags: tuple[str, ...] = field(default=())


class _Figures(NamedTuple):
    """What is known of lines, each field by line."""

    points: Floats  # (M, 2) px, from end to end
    starts: NDArray[np.int64]
    road: Floats  # (M, 2) m, or px where there is no scale
    length_px: Floats
    length_m: Floats
    across_mm: Floats  # mm a px
    widths: Widths
    steps: Floats  # (M, 2) of `road`
    degrees: Floats
    coherence: Floats
    confidence: Floats


def measure(
    probability: NDArray[np.float32] | None,
    mask: Mask,
    settings: MeasureSettings,
    scale: Scale | None = None,
    level: float = 0.5,
) -> list[Crack]:
    """Measure all cracks of one picture.

    Args:
        probability: ``(H, W)`` 0–1 that the mask was made of; None where there is only a mask.
        mask: ``(H, W)`` bool.
        settings: what counts as one crack.
        scale: of the picture; None: no metres, no millimetres, no severity.
        level: probability from which on a pixel is crack.
    """
    graph = trace(mask)
    if not len(graph.points):
        return []
    chains = join(graph, settings, (mask.shape[0], mask.shape[1]))
    lines = draw_lines(graph, chains, mask)
    field_ = mask.astype(np.float32) if probability is None else np.asarray(probability, np.float32)
    across, cut = profiles(field_, lines, smooth(lines, WIDTH_SIGMA_PX), level)
    widths = along(across, cut, lines)
    road_of: Scale = UniformScale(1000.0, "", settings.lane_axis_deg) if scale is None else scale
    figures = _figures(field_, lines, widths, road_of, scale is not None)
    steps = np.hypot(figures.steps[:, 0], figures.steps[:, 1])
    side = settings.pattern_px if scale is None else settings.pattern_m
    junctions = _junctions(graph.points, graph.starts, graph.nodes, chains.meeting)
    patterns = find_patterns(figures.road, steps, road_of.to_road(junctions + 0.5), side)
    owners = _owners(patterns, steps, figures.starts)
    error = MASK_ERROR_PX if probability is None else NETWORK_ERROR_PX
    found = [_crack(figures, lines, int(line), error, probability is not None) for line in np.flatnonzero(owners < 0)]
    for number, outline in enumerate(patterns.outlines):
        inside = np.flatnonzero(owners == number)
        if len(inside):
            found.append(_area(figures, lines, across, inside, outline, error, scale, road_of))
    return found


def _figures(probability: NDArray[np.float32], lines: Lines, widths: Widths, scale: Scale, scaled: bool) -> _Figures:
    smoothed = smooth(lines, LENGTH_SIGMA_PX)
    points, starts = prolong(probability, lines, smoothed)
    road = scale.to_road(points + 0.5)
    steps = steps_within(road, starts)
    picture_steps = steps_within(points, starts)
    length_px = line_sums(np.hypot(picture_steps[:, 0], picture_steps[:, 1]), starts)
    length_m = line_sums(np.hypot(steps[:, 0], steps[:, 1]), starts)
    unknown = np.full(len(length_px), np.nan)
    at = np.clip(np.round(smoothed).astype(np.int64), 0, (probability.shape[1] - 1, probability.shape[0] - 1))
    seen = line_sums(probability[at[:, 1], at[:, 0]].astype(np.float64), lines.starts)
    return _Figures(
        points,
        starts,
        road,
        length_px,
        length_m if scaled else unknown,
        _across_mm(lines, smoothed, scale) if scaled else unknown,
        widths,
        steps,
        *orientation(steps, starts),
        seen / np.diff(lines.starts),
    )


def _across_mm(lines: Lines, smoothed: Floats, scale: Scale) -> Floats:
    """``(L,)`` mean mm a px across each crack: |det J| / |J t|, for a small patch keeps its share of the area."""
    jacobians = scale.jacobians(smoothed + 0.5)
    tangents = directions(smoothed, lines.starts, lines.closed)
    stretched = np.hypot(*(jacobians @ tangents[:, :, None])[:, :, 0].T)
    across = 1000 * np.abs(np.linalg.det(jacobians)) / stretched
    return line_sums(across, lines.starts) / np.diff(lines.starts)


def _junctions(
    points: Floats, starts: NDArray[np.int64], nodes: NDArray[np.int64], meeting: NDArray[np.int64]
) -> Floats:
    """``(K, 2)`` px of the nodes where at least three segments meet."""
    places = np.full((len(meeting), 2), np.nan)
    for side, at in ((0, starts[:-1]), (1, starts[1:] - 1)):
        known = nodes[:, side] >= 0
        places[nodes[known, side]] = points[at[known]]
    return places[meeting >= 3]


def _owners(patterns: Patterns, steps: Floats, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """``(L,)``: the pattern area that at least half of each line lies in; −1: none."""
    owner = np.full(len(starts) - 1, -1)
    total = line_sums(steps, starts)
    for number in range(len(patterns.outlines)):
        inside = line_sums(np.where(patterns.owner == number, steps, 0.0), starts)
        owner[(inside >= 0.5 * total) & (inside > 0)] = number
    return owner


def _crack(figures: _Figures, lines: Lines, line: int, error: float, seen: bool) -> Crack:
    own = slice(figures.starts[line], figures.starts[line + 1])
    degrees = float(figures.degrees[line])
    widths = [float(part[line]) for part in figures.widths]
    length, length_m = float(figures.length_px[line]), float(figures.length_m[line])
    uncertainty = float(np.hypot(widths[4], error))
    across = float(figures.across_mm[line])
    kind = kind_of(degrees, length_m)
    severities = [severity(standard, widths[0] * across, uncertainty * across, across) for standard in (ASTM, LTPP)]
    flags = ["short"] if length < SHORT * widths[0] else []
    flags += ["frame"] if AT_FRAME in lines.ends[line] else []
    return Crack(
        figures.points[own] + 0.5,
        np.zeros((0, 2)),
        length,
        widths[0],
        widths[1],
        widths[2],
        widths[3],
        uncertainty,
        degrees,
        float(figures.coherence[line]),
        kind,
        length * widths[0],
        int(lines.fragments[line]),
        float(figures.confidence[line]) if seen else np.nan,
        length_m,
        widths[0] * across,
        across,
        severities[0],
        severities[1],
        flags=tuple(flags),
    )


def _area(
    figures: _Figures,
    lines: Lines,
    across: Floats,
    inside: NDArray[np.int64],
    outline: Floats,
    error: float,
    scale: Scale | None,
    road_of: Scale,
) -> Crack:
    """A pattern area with all lines in it; its severity is not a matter of widths."""
    weight = figures.length_px[inside] / figures.length_px[inside].sum()
    own = np.isin(np.repeat(np.arange(len(lines.closed)), np.diff(lines.starts)), inside)
    pooled = across[own & ~np.isnan(across)]
    median = float(np.median(pooled)) if len(pooled) else np.nan
    steps = np.concatenate([figures.steps[figures.starts[k] : figures.starts[k + 1]] for k in inside])
    degrees, coherence = (float(x[0]) for x in orientation(steps, np.array([0, len(steps)])))
    known = np.where(np.isnan(figures.widths.mean[inside]), 0.0, weight)
    known = known / known.sum() if known.any() else np.full(len(inside), np.nan)
    means = np.nan_to_num(figures.widths.mean[inside])
    scatter = float(np.sqrt(np.nansum((known * figures.widths.scatter[inside]) ** 2)))
    outline_px = road_of.to_picture(outline)
    return Crack(
        np.zeros((0, 2)),
        outline_px,
        float(figures.length_px[inside].sum()),
        float((known * means).sum()),
        median,
        float(np.percentile(pooled, 95)) if len(pooled) else np.nan,
        float(np.nanmax(figures.widths.largest[inside])) if len(pooled) else np.nan,
        float(np.hypot(scatter, error)),
        degrees,
        coherence,
        PATTERN,
        area_of(outline_px),
        int(lines.fragments[inside].sum()),
        float((weight * figures.confidence[inside]).sum()),
        float(figures.length_m[inside].sum()),
        float((known * means * figures.across_mm[inside]).sum()),
        float((weight * figures.across_mm[inside]).sum()),
        None,
        None,
        area_m2=np.nan if scale is None else area_of(outline),
        diameter_m=np.nan if scale is None else diameter_of(outline),
    )
