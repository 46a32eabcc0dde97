"""Ends of fragments that go on into each other across a gap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from pipeline.arrays import Mask
from pipeline.measuring.centre_pixels import Graph, distances
from pipeline.measuring.segment_ends import follow, tip
from pipeline.measuring.settings import MeasureSettings

AHEAD_PX = 8
"""The direction of an end is taken over this many points, or fewer where its piece is shorter. Of 5 to 20 points, 8
join the most pieces of straight and winding cracks for the same number of wrong joins (docs/ablations/measuring.md)."""

BENT, BENT_PX = 1.2, 1.0
"""Points before the very end that are left out of its direction: this many half widths, and this much more, since
thinning runs into a corner of a blunt end. Fewer leave bent points in, more look at the gap from too far off."""

KNOWN_PX = 16
"""The width at an end is looked up this far inside it, or as far as is left out there: in the corner it is thinner."""

AT_GAP_PX = 11.0
"""The gap across which an end may turn by `turn_deg`. Across a gap k times as wide it may turn 1/√k as far: a wider gap
has more ends of other cracks within its reach, and so each width brings equally few wrong joins."""

MOST_TURN = float(np.pi / 2)
"""Beyond this an end does not lead to the other at all."""


def bridge(
    graph: Graph,
    mask: Mask,
    settings: MeasureSettings,
    partner: NDArray[np.int64],
    kept: NDArray[np.bool_],
    meeting: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Join free ends that go on into each other across a gap, the narrowest gap first.

    Args:
        graph: whose ends they are.
        mask: that it was traced in.
        settings: how far a gap may be and how sharp the turn.
        partner: of each end, changed.
        kept: see `pipeline.measuring.chains.Chains`, as `meeting`.
        meeting: how many segments meet at each node.

    Returns:
        ``(2 S,)``, which ends are joined so.
    """
    free = _free_ends(graph, partner, kept, meeting)
    last = np.array([tip(graph.starts, end) for end in free], np.int64)
    radii = graph.radii[graph.nodes.reshape(-1)[free]]
    pixels = np.ascontiguousarray(mask).view(np.uint8)
    before, back = _ways(free, graph.points, graph.starts, partner, pixels)
    turn = np.deg2rad(settings.turn_deg)
    pairs, gaps = _pairs(free, graph.points[last], radii, before, back, settings.gap_px, turn)
    over_gap = np.zeros(len(partner), np.bool_)
    _join(free, pairs[np.argsort(gaps)], partner, over_gap)
    return over_gap


def _free_ends(
    graph: Graph, partner: NDArray[np.int64], kept: NDArray[np.bool_], meeting: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Ends at which nothing else is, where a crack may go on after a gap."""
    ends = np.arange(2 * len(graph.nodes))
    nodes = graph.nodes.reshape(-1)
    alone = (nodes >= 0) & (meeting[nodes] <= 1) if len(meeting) else np.zeros(len(ends), bool)
    longer = np.repeat(np.diff(graph.starts) > 1, 2)
    return np.flatnonzero((partner < 0) & kept[ends // 2] & alone & longer)


@compiled()
def _ways(
    free: NDArray[np.int64],
    points: NDArray[np.float64],
    starts: NDArray[np.int64],
    partner: NDArray[np.int64],
    mask: NDArray[np.uint8],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``(F, 2)`` each: where the straight way out of each end begins, and the way, as long as it was seen."""
    before, way = np.zeros((len(free), 2)), np.zeros((len(free), 2))
    for i in range(len(free)):
        count = _count(free[i], starts, partner)
        most = (count - 1) // 2
        less, known = min(KNOWN_PX, most), False
        while not known:
            at = points[_inside(free[i], less, starts, partner)]
            half = distances(mask, at.copy().reshape(1, 2))[0] - 0.5
            bent = min(int(np.ceil(BENT * half + BENT_PX)), most)
            less, known = bent, bent <= less
        before[i] = points[_inside(free[i], less, starts, partner)]
        way[i] = before[i] - points[_inside(free[i], min(less + AHEAD_PX, count - 1), starts, partner)]
    return before, way


@compiled()
def _count(end: int, starts: NDArray[np.int64], partner: NDArray[np.int64]) -> int:
    """Points of the chain that begins with a free end; those where two segments meet count twice."""
    count = 0
    while end >= 0:
        count += starts[end // 2 + 1] - starts[end // 2]
        end = partner[end ^ 1]
    return count


@compiled()
def _inside(end: int, on: int, starts: NDArray[np.int64], partner: NDArray[np.int64]) -> int:
    """Number of the point that is the chain's `on`-th from a free end, of those that `_count` counts."""
    while on >= starts[end // 2 + 1] - starts[end // 2]:
        on -= starts[end // 2 + 1] - starts[end // 2]
        end = partner[end ^ 1]
    return tip(starts, end) + (on if end % 2 == 0 else -on)


@compiled()
def _pairs(
    free: NDArray[np.int64],
    places: NDArray[np.float64],
    radii: NDArray[np.float64],
    before: NDArray[np.float64],
    way: NDArray[np.float64],
    most: float,
    turn: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """``(P, 2)`` numbers in `free` of ends that may be joined, and how wide each gap is."""
    pairs, gaps = [(0, 0)], [0.0]
    pairs.pop(), gaps.pop()  # they told numba the types
    order, widest = np.argsort(places[:, 0]), radii.max() if len(radii) else 0.0
    for one in range(len(free)):
        i = order[one]
        for j in order[one + 1 :]:
            if places[j, 0] - places[i, 0] > most + radii[i] + widest:  # so are all that follow
                break
            distance = np.hypot(places[j, 0] - places[i, 0], places[j, 1] - places[i, 1])
            gap = distance - radii[i] - radii[j] + 1.0  # thinned lines end half a width early
            if gap > most or free[i] == (free[j] ^ 1):
                continue
            x, y = before[j, 0] - before[i, 0], before[j, 1] - before[i, 1]
            from_i, to_j = _turn(way[i, 0], way[i, 1], x, y), _turn(x, y, -way[j, 0], -way[j, 1])
            # Both turn as far to one side along an arc; to two sides, they run beside each other.
            if max(abs(from_i), abs(to_j), abs(from_i - to_j)) <= _limit(gap, turn):
                pairs.append((i, j))
                gaps.append(gap)
    found = np.zeros((len(pairs), 2), np.int64)
    for k in range(len(pairs)):
        found[k, 0], found[k, 1] = pairs[k]
    return found, np.array(gaps)


@compiled()
def _limit(gap: float, turn: float) -> float:
    """The most that an end turns towards the other."""
    return min(turn * float(np.sqrt(AT_GAP_PX / max(gap, 1.0))), MOST_TURN)


@compiled()
def _turn(x: float, y: float, u: float, v: float) -> float:
    """Angle from x, y to u, v."""
    return float(np.arctan2(x * v - y * u, x * u + y * v))


@compiled()
def _join(
    free: NDArray[np.int64], pairs: NDArray[np.int64], partner: NDArray[np.int64], over_gap: NDArray[np.bool_]
) -> None:
    """Join pairs whose ends are still free in their turn, but no crack with itself."""
    nothing = np.zeros(len(partner) // 2)
    for place in range(len(pairs)):
        a, b = free[pairs[place, 0]], free[pairs[place, 1]]
        if partner[a] < 0 and partner[b] < 0 and follow(a, partner, nothing)[0] != b:
            partner[a], partner[b] = b, a
            over_gap[a] = over_gap[b] = True
