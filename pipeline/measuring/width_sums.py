"""Widths of a crack from one end to the other → its mean, median, widest and how sure the mean is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from pipeline.arrays import Reals
from pipeline.measuring.line_ends import FREE
from pipeline.measuring.lines import Lines
from pipeline.measuring.width import Profiles

END_PX = 6
"""Points left out at a free end: its rounding is no width."""

INDEPENDENT_PX = 4
"""Profiles this far from each other have errors of their own: they share no pixel."""


class Widths(NamedTuple):
    """Widths of lines, each ``(L,)`` float64 px or mm, nan for a line without a profile.

    Attributes:
        mean, median, p95, largest: along the line, of which each stretch weighs as it is long; the last two of means
            over five profiles.
        scatter: standard error of the mean, from how profiles `INDEPENDENT_PX` apart differ.
    """

    mean: Reals
    median: Reals
    p95: Reals
    largest: Reals
    scatter: Reals


def along(seen: Profiles, lines: Lines, lengths: Reals) -> Widths:
    """Sum up `profiles` by line. Ends and what the frame cuts off are left out, unless nothing else is left.

    Args:
        seen: in px, or with widths in mm.
        lines: unsmoothed.
        lengths: ``(N,)`` of the stretch that each profile stands for, in px or m.
    """
    whole = np.where(seen.cut, np.nan, seen.widths)
    return Widths(*_along(whole, seen.widths, lengths, lines.starts, lines.closed, lines.ends))


@compiled()
def _along(
    whole: Reals,
    widths: Reals,
    lengths: Reals,
    starts: NDArray[np.int64],
    closed: NDArray[np.bool_],
    ends: NDArray[np.uint8],
) -> Reals:
    found = np.full((5, len(closed)), np.nan)
    for line in range(len(closed)):
        first, last = starts[line], starts[line + 1]
        less = 0 if closed[line] else min(END_PX, (last - first - 1) // 3)
        a = first + (less if ends[line, 0] == FREE else 0)
        b = last - (less if ends[line, 1] == FREE else 0)
        known = ~np.isnan(whole[a:b])
        own, weights = whole[a:b][known], lengths[a:b][known]
        if len(own) == 0:
            known = ~np.isnan(widths[first:last])
            own, weights = widths[first:last][known], lengths[first:last][known]
        if len(own):
            found[0, line], found[1, line], found[2, line], found[3, line], found[4, line] = _sum_up(own, weights)
    return found


@compiled()
def _sum_up(own: Reals, weights: Reals) -> tuple[float, float, float, float, float]:
    n, total = len(own), weights.sum()
    mean = (weights * own).sum() / total
    calm = np.empty(n)
    for i in range(n):
        calm[i] = own[max(i - 2, 0) : i + 3].mean()
    squares, pairs = 0.0, 0
    for i in range(n - INDEPENDENT_PX):
        squares += 0.5 * weights[i] * weights[i + INDEPENDENT_PX] * (own[i] - own[i + INDEPENDENT_PX]) ** 2
        pairs += 1
    if pairs:  # as many errors of their own as there are stretches of `INDEPENDENT_PX`
        scatter = np.sqrt(squares / pairs * n * INDEPENDENT_PX) / total
    else:
        scatter = np.sqrt((weights * (own - mean) ** 2).sum() / total)
    return mean, quantile(own, weights, 0.5), quantile(calm, weights, 0.95), calm.max(), scatter


@compiled()
def quantile(values: Reals, weights: Reals, share: float) -> float:
    """Of values of different weight; `numpy.quantile` where all weigh the same."""
    order = np.argsort(values)
    sorted_weights = weights[order]
    middles = np.cumsum(sorted_weights) - 0.5 * sorted_weights
    places = (middles - middles[0]) / max(middles[-1] - middles[0], 1e-300)
    return float(np.interp(share, places, values[order]))
