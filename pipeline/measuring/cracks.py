"""Probability and mask → measured cracks: the whole way, in the order in which it happens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Mask
from pipeline.measuring.area_cuts import cut_at_areas
from pipeline.measuring.blobs import blobs_by_area
from pipeline.measuring.centre_pixels import trace
from pipeline.measuring.chains import join
from pipeline.measuring.crack import Crack
from pipeline.measuring.figures import Figures, figures_of
from pipeline.measuring.kinds import kind_of
from pipeline.measuring.line_ends import AT_AREA, AT_FRAME, AT_JUNCTION
from pipeline.measuring.lines import draw_lines
from pipeline.measuring.pattern_cracks import pattern_crack, patterns_of
from pipeline.measuring.scale import Scale, UniformScale
from pipeline.measuring.settings import MeasureSettings
from pipeline.measuring.severity import ASTM, LTPP, severity
from pipeline.measuring.specks import likely_in_specks, without_specks
from pipeline.measuring.width import profiles, rounding

MASK_ERROR_PX, NETWORK_ERROR_PX = 0.05, 0.5
"""Error of a crack's mean width beside its scatter: of masks, on generated cracks of known width; of a network, on
CrackForest's test part (both in docs/ablations/measuring.md)."""

SHORT = 3.0
"""A crack shorter than this many of its widths is flagged: which way it runs, and which way it is wide, is hard to
tell."""

LEAST_PIECE = 0.25
"""A piece of a crack outside a pattern area still belongs to the area if it is shorter than this share of a square's
side."""


def measure(
    probability: NDArray[np.float32] | None,
    mask: Mask,
    settings: MeasureSettings,
    scale: Scale | None = None,
    level: float = 0.5,
    within: bool = False,
) -> list[Crack]:
    """Measure all cracks of one picture.

    Args:
        probability: ``(H, W)`` 0–1 that the mask was made of; None where there is only a mask.
        mask: ``(H, W)`` bool.
        settings: what counts as one crack.
        scale: of the picture; None: no metres, no millimetres, no severity.
        level: probability from which on a pixel is crack.
        within: widths are taken within the mask alone, which leaves flanks of the probability out
            (`pipeline.cascade.crack_pixels`).
    """
    mask = np.not_equal(mask, 0)  # Pillow's True is a byte of 255, which the loops below would take for a number
    whole = without_specks(mask)
    graph = trace(whole)
    if not len(graph.points):
        return []
    graph, chains = join(graph, whole, settings)
    lines = draw_lines(graph, chains, whole)
    drawn, scaled = probability is None, scale is not None
    crackness = whole.astype(np.float32)
    if probability is not None:
        crackness = likely_in_specks(np.asarray(probability, np.float32), whole & ~mask)
    road = UniformScale(1000.0, "", settings.lane_axis_deg) if scale is None else scale
    seen = profiles(np.where(whole, crackness, np.float32(0)) if within else crackness, whole, lines, level)
    figures = figures_of(crackness, lines, seen, road, scaled)
    side = settings.pattern_m if scaled else settings.pattern_px
    outlines, owner, lengths = patterns_of(figures, graph, chains.meeting, side, road)
    areas = np.full(len(lines.closed), -1)
    if outlines:
        lines, seen, areas = cut_at_areas(lines, seen, owner, lengths, LEAST_PIECE * side)
        figures = figures_of(crackness, lines, seen, road, scaled)
    error = MASK_ERROR_PX if drawn else NETWORK_ERROR_PX
    single = np.flatnonzero(areas < 0)
    found = [_crack(figures, int(line), error, drawn) for line in single]
    alone = (figures.lines.fragments == 1) & ~np.isin(figures.lines.ends, (AT_JUNCTION, AT_AREA)).any(axis=1)
    found = blobs_by_area(found, alone[single], whole, road, scaled)
    for number, outline in enumerate(outlines):
        inside = np.flatnonzero(areas == number)
        if len(inside):
            found.append(pattern_crack(figures, inside, outline, error, road, scaled))
    return found


def _crack(figures: Figures, line: int, error_px: float, drawn: bool) -> Crack:
    """One crack that lies in no pattern area; `drawn`: there is a mask only."""
    width, median, p95, largest, scatter = (float(part[line]) for part in figures.widths)
    length, length_m = float(figures.length_px[line]), float(figures.length_m[line])
    degrees, coherence, across = (float(x[line]) for x in (figures.degrees, figures.coherence, figures.across_mm))
    points = figures.points[figures.starts[line] : figures.starts[line + 1]]
    error = np.hypot(error_px, rounding(points) if drawn else 0.0)  # of all profiles alike
    width_mm, scatter_mm = float(figures.widths_mm.mean[line]), float(figures.widths_mm.scatter[line])
    uncertainty_mm = float(np.hypot(scatter_mm, error * across))
    flags = ["short"] if length < SHORT * width else []
    flags += ["frame"] if AT_FRAME in figures.lines.ends[line] else []
    return Crack(
        line=points + 0.5,
        length_px=length,
        width_mean_px=width,
        width_median_px=median,
        width_p95_px=p95,
        width_max_px=largest,
        width_uncertainty_px=float(np.hypot(scatter, error)),
        orientation_deg=degrees,
        coherence=coherence,
        kind=kind_of(degrees, coherence, length_m),
        area_px=length * width,
        fragments=int(figures.lines.fragments[line]),
        confidence=np.nan if drawn else float(figures.confidence[line]),
        length_m=length_m,
        width_mean_mm=width_mm,
        mm_per_px=across,
        severity_astm=severity(ASTM, width_mm, uncertainty_mm, across),
        severity_ltpp=severity(LTPP, width_mm, uncertainty_mm, across),
        flags=tuple(flags),
    )
