"""Segments → cracks: spurs go, segments that run on into each other are joined, fragments are linked across gaps.

Everything here is about the ends of segments, numbered as `pipeline.measuring.segment_ends` says.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from pipeline.measuring.centre_pixels import Graph
from pipeline.measuring.double_junctions import merge_doubles
from pipeline.measuring.segment_ends import drop, ends_by_node, follow, unjoined
from pipeline.measuring.settings import MeasureSettings

AHEAD_PX = 10
"""The direction of an end is taken over so many pixels of its segment, fewer where it is shorter."""

RUNS_ON_DEG = 45.0
"""At a junction, the crack runs on into the segment that turns least, if it turns by no more than this."""

SIDEWAYS_PX = 1.5
"""How far beside its direction a fragment may go on, whatever the gap: ends of thinned lines are off by that much."""


class Chains(NamedTuple):
    """How segments form cracks.

    Attributes:
        partner: ``(2 S,)`` int64, the end that each end is joined to; −1: none.
        over_gap: ``(2 S,)`` bool, joined across a gap.
        kept: ``(S,)`` bool, False for spurs.
        meeting: ``(K,)`` int64, how many segments meet at each node when spurs are gone.
    """

    partner: NDArray[np.int64]
    over_gap: NDArray[np.bool_]
    kept: NDArray[np.bool_]
    meeting: NDArray[np.int64]


def join(graph: Graph, settings: MeasureSettings) -> tuple[Graph, Chains]:
    """Drop spurs, then join what belongs together.

    Args:
        graph: of `pipeline.measuring.centre_pixels.trace`.
        settings: how far a gap may be and how sharp the turn.

    Returns:
        The graph, junctions that were two made one, and how its segments form cracks.
    """
    ends = len(graph.nodes) * 2
    partner, over_gap = np.full(ends, -1), np.zeros(ends, bool)
    kept = np.ones(len(graph.nodes), bool)
    lengths = _lengths(graph.points, graph.starts)
    order, first = ends_by_node(graph.nodes, len(graph.radii))
    meeting = _prune(graph.nodes, lengths, graph.radii, order, first, partner, kept)
    graph = merge_doubles(graph, lengths, partner, kept, meeting)
    order, first = ends_by_node(graph.nodes, len(graph.radii))
    outward = _outward(graph.points, graph.starts)
    _run_on(outward, order, first, partner, kept, meeting, np.cos(np.deg2rad(RUNS_ON_DEG)))
    free = _free_ends(graph, partner, kept, meeting)
    places = graph.points[np.where(free % 2, graph.starts[free // 2 + 1] - 1, graph.starts[free // 2])]
    radii = graph.radii[graph.nodes.reshape(-1)[free]]
    turn = np.deg2rad(settings.turn_deg)
    _bridge(free, places, radii, outward[free], partner, over_gap, settings.gap_px, np.cos(turn), np.sin(turn))
    return graph, Chains(partner, over_gap, kept, meeting)


def _free_ends(
    graph: Graph, partner: NDArray[np.int64], kept: NDArray[np.bool_], meeting: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Ends at which nothing else is, where a crack may go on after a gap."""
    ends = np.arange(2 * len(graph.nodes))
    nodes = graph.nodes.reshape(-1)
    alone = (nodes >= 0) & (meeting[nodes] <= 1) if len(meeting) else np.zeros(len(ends), bool)
    longer = np.repeat(np.diff(graph.starts) > 1, 2)
    return np.flatnonzero((partner < 0) & kept[ends // 2] & alone & longer)


def _lengths(points: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    steps = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))]) if len(points) else np.zeros(1)
    return np.asarray(steps[starts[1:] - 1] - steps[starts[:-1]]) if len(points) else np.zeros(0)


def _outward(points: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """``(2 S, 2)`` unit vectors out of each end, 0 for a dot."""
    first, last = starts[:-1], starts[1:] - 1
    back = np.minimum(AHEAD_PX, last - first)
    found = np.stack([points[first] - points[first + back], points[last] - points[last - back]], 1).reshape(-1, 2)
    return np.asarray(found / np.maximum(np.hypot(*found.T), 1e-9)[:, None])


@compiled()
def _prune(
    nodes: NDArray[np.int64],
    lengths: NDArray[np.float64],
    radii: NDArray[np.float64],
    order: NDArray[np.int64],
    first: NDArray[np.int64],
    partner: NDArray[np.int64],
    kept: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Drop terminal branches shorter than the crack is wide where they leave it, shortest first; join the other two.

    Changes `partner` and `kept`. Returns how many ends meet at each node.
    """
    meeting = np.diff(first)
    flat = nodes.ravel()
    for node in range(len(meeting)):
        if meeting[node] == 2:
            _join_two(node, order, first, partner, kept)
    again = True
    while again:
        again = False
        spurs, spur_lengths = [0], [0.0]
        for end in range(len(flat)):
            if not unjoined(end, flat, partner, kept) or meeting[flat[end]] != 1:
                continue
            other, length = follow(end, partner, lengths)
            if meeting[flat[other]] >= 3 and length < 2 * radii[flat[other]]:
                spurs.append(end)
                spur_lengths.append(length)
        for place in np.argsort(np.array(spur_lengths)):
            if place == 0:
                continue
            end = spurs[place]
            other, length = follow(end, partner, lengths)
            node = flat[other]
            if meeting[node] < 3 or length >= 2 * radii[node]:  # a neighbour has gone, and it is a crack's own end now
                continue
            drop(end, partner, kept)
            again = True
            meeting[node] -= 1
            if meeting[node] == 2:
                _join_two(node, order, first, partner, kept)
    return meeting


@compiled()
def _join_two(
    node: int,
    order: NDArray[np.int64],
    first: NDArray[np.int64],
    partner: NDArray[np.int64],
    kept: NDArray[np.bool_],
) -> None:
    one = -1
    for place in range(first[node], first[node + 1]):
        end = order[place]
        if kept[end // 2] and partner[end] < 0:
            if one >= 0:
                partner[one], partner[end] = end, one
                return
            one = end


@compiled()
def _run_on(
    outward: NDArray[np.float64],
    order: NDArray[np.int64],
    first: NDArray[np.int64],
    partner: NDArray[np.int64],
    kept: NDArray[np.bool_],
    meeting: NDArray[np.int64],
    least: float,
) -> None:
    """At each junction, pair the ends that run on into each other, straightest first."""
    for node in range(len(meeting)):
        while meeting[node] >= 3:
            best, a, b = least, -1, -1
            for i in range(first[node], first[node + 1]):
                for j in range(i + 1, first[node + 1]):
                    one, two = order[i], order[j]
                    if partner[one] >= 0 or partner[two] >= 0 or not kept[one // 2] or not kept[two // 2]:
                        continue
                    straight = -(outward[one, 0] * outward[two, 0] + outward[one, 1] * outward[two, 1])
                    if straight >= best:
                        best, a, b = straight, one, two
            if a < 0:
                break
            partner[a], partner[b] = b, a


@compiled()
def _bridge(
    free: NDArray[np.int64],
    places: NDArray[np.float64],
    radii: NDArray[np.float64],
    outward: NDArray[np.float64],
    partner: NDArray[np.int64],
    over_gap: NDArray[np.bool_],
    most: float,
    least: float,
    sine: float,
) -> None:
    """Join free ends that go on into each other across a gap of `most` px, the narrowest gap first."""
    pairs, gaps = [(0, 0)], [-np.inf]
    order, widest = np.argsort(places[:, 0]), radii.max() if len(radii) else 0.0
    for one in range(len(free)):
        i = order[one]
        for j in order[one + 1 :]:
            if places[j, 0] - places[i, 0] > most + radii[i] + widest:  # so are all that follow
                break
            x, y = places[j, 0] - places[i, 0], places[j, 1] - places[i, 1]
            farthest = most + radii[i] + radii[j] - 1.0  # thinned lines end half a width early
            if x * x + y * y > farthest * farthest or free[i] == (free[j] ^ 1):
                continue
            if outward[i, 0] * outward[j, 0] + outward[i, 1] * outward[j, 1] > -least:
                continue
            way_x, way_y = outward[i, 0] - outward[j, 0], outward[i, 1] - outward[j, 1]
            norm = np.hypot(way_x, way_y)
            ahead, beside = (x * way_x + y * way_y) / norm, abs(x * way_y - y * way_x) / norm
            if ahead > 0 and beside <= max(SIDEWAYS_PX, sine * np.hypot(x, y)):
                pairs.append((i, j))
                gaps.append(np.hypot(x, y) - radii[i] - radii[j])
    nothing = np.zeros(len(partner) // 2)
    for place in np.argsort(np.array(gaps))[1:]:
        a, b = free[pairs[place][0]], free[pairs[place][1]]
        if partner[a] < 0 and partner[b] < 0 and follow(a, partner, nothing)[0] != b:
            partner[a], partner[b] = b, a
            over_gap[a] = over_gap[b] = True
