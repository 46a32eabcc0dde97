"""Pattern (alligator) areas of a picture as cracks: each with the lines that lie in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Reals
from pipeline.measuring.centre_pixels import Graph
from pipeline.measuring.crack import Crack
from pipeline.measuring.figures import Figures
from pipeline.measuring.kinds import PATTERN, orientation
from pipeline.measuring.line_ends import AT_FRAME
from pipeline.measuring.lines import NEAR_JUNCTION
from pipeline.measuring.patterns import area_of, diameter_of, find_patterns
from pipeline.measuring.scale import Scale
from pipeline.measuring.width_sums import quantile


def patterns_of(
    figures: Figures, graph: Graph, meeting: NDArray[np.int64], side: float, scale: Scale
) -> tuple[list[Reals], NDArray[np.int64], Reals]:
    """Outlines of pattern areas, in the unit of `scale`; of each point of the unsmoothed lines, ``(N,)``, the area that
    it lies in, −1: none; and the length of crack at it, ``(N,)``.

    Args:
        figures: of all lines.
        graph: whose nodes are junctions where at least three segments meet.
        meeting: ``(K,)``, how many do.
        side: of the squares that are looked at, in the unit of `scale`.
        scale: of the picture.
    """
    lengths = np.nan_to_num(np.hypot(figures.steps[:, 0], figures.steps[:, 1]))
    junctions = scale.to_road(_junctions(graph, meeting) + 0.5)
    found = find_patterns(figures.road, lengths, _meshed(figures, lengths, side), junctions, side)
    own = np.ones(len(lengths), np.bool_)  # all but the ends that were put before and after each line
    own[figures.starts[:-1]] = own[figures.starts[1:] - 1] = False
    return found.outlines, found.owner[own], lengths[own]


def _meshed(figures: Figures, lengths: Reals, side: float) -> NDArray[np.bool_]:
    """``(M,)``: whether a point's line meets others, or the frame, before and after it, at most `side` apart."""
    count = len(lengths)
    near = np.zeros(count, np.bool_)
    line = np.repeat(np.arange(len(figures.lines.closed)), np.diff(figures.lines.starts))
    near[np.arange(len(line)) + 2 * line + 1] = figures.lines.what == NEAR_JUNCTION
    near[figures.starts[:-1]] = figures.lines.ends[:, 0] == AT_FRAME
    near[figures.starts[1:] - 1] = figures.lines.ends[:, 1] == AT_FRAME
    index = np.arange(count)
    before = np.maximum.accumulate(np.where(near, index, -1))
    after = np.minimum.accumulate(np.where(near, index, count)[::-1])[::-1]
    spans = np.diff(figures.starts)
    within = (before >= np.repeat(figures.starts[:-1], spans)) & (after < np.repeat(figures.starts[1:], spans))
    along = np.append(np.cumsum(lengths) - lengths, 0.0)
    return np.asarray(within & (along[after] - along[before] <= side))


def pattern_crack(
    figures: Figures, inside: NDArray[np.int64], outline: Reals, error_px: float, scale: Scale, scaled: bool
) -> Crack:
    """One area with all lines in it; its severity is not a matter of widths.

    Args:
        figures: of all lines.
        inside: numbers of those in the area, at least one.
        outline: ``(m, 2)`` in the unit of `scale`.
        error_px: what mean widths are off by beside their scatter.
        scale: of the picture.
        scaled: whether it is one.
    """
    length_px, length_m = figures.length_px[inside], figures.length_m[inside]
    known = np.where(np.isnan(figures.widths.mean[inside]), 0.0, length_px)
    with np.errstate(invalid="ignore"):  # of an area without a width, nan
        scatter = float(np.sqrt(np.nansum((known / known.sum() * figures.widths.scatter[inside]) ** 2)))
    steps = np.concatenate([figures.steps[figures.starts[k] : figures.starts[k + 1]] for k in inside])
    degrees, coherence = (float(x[0]) for x in orientation(steps, np.array([0, len(steps)])))
    across, stretch = _widths_in(figures, inside)
    seen = figures.points + 0.5
    outline_px = np.clip(scale.to_picture(outline), seen.min(axis=0), seen.max(axis=0))
    return Crack(
        outline=outline_px,
        length_px=float(length_px.sum()),
        width_mean_px=_mean(figures.widths.mean[inside], length_px),
        width_median_px=quantile(across, stretch, 0.5) if len(across) else np.nan,
        width_p95_px=quantile(across, stretch, 0.95) if len(across) else np.nan,
        width_max_px=float(np.nanmax(figures.widths.largest[inside])) if len(across) else np.nan,
        width_uncertainty_px=float(np.hypot(scatter, error_px)),
        orientation_deg=degrees,
        coherence=coherence,
        kind=PATTERN,
        area_px=area_of(outline_px),
        fragments=int(figures.lines.fragments[inside].sum()),
        confidence=_mean(figures.confidence[inside], length_px),
        length_m=float(length_m.sum()),
        width_mean_mm=_mean(figures.widths_mm.mean[inside], length_m),
        mm_per_px=_mean(figures.across_mm[inside], length_m),
        area_m2=area_of(outline) if scaled else np.nan,
        diameter_m=diameter_of(outline) if scaled else np.nan,
    )


def _mean(values: Reals, lengths: Reals) -> float:
    """Of lines, by their lengths; those that are nan are left out."""
    known = ~np.isnan(values)
    total = float(lengths[known].sum())
    return float((values[known] * lengths[known]).sum() / total) if total > 0 else np.nan


def _widths_in(figures: Figures, inside: NDArray[np.int64]) -> tuple[Reals, Reals]:
    """All widths along these lines, px, and the length of line that each stands for."""
    starts = figures.lines.starts
    own = np.concatenate([np.arange(starts[line], starts[line + 1]) for line in inside])
    own = own[~np.isnan(figures.across.widths[own])]
    return figures.across.widths[own], figures.stretch_px[own]


def _junctions(graph: Graph, meeting: NDArray[np.int64]) -> Reals:
    """``(K, 2)`` px of the nodes where at least three segments meet."""
    places = np.full((len(meeting), 2), np.nan)
    for side, at in ((0, graph.starts[:-1]), (1, graph.starts[1:] - 1)):
        known = graph.nodes[:, side] >= 0
        places[graph.nodes[known, side]] = graph.points[at[known]]
    return places[meeting >= 3]
