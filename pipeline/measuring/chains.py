"""Segments → cracks: spurs go, segments that run on into each other are joined, fragments are linked across gaps.

Everything here is about the ends of segments, numbered as `pipeline.measuring.segment_ends` says.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from pipeline.arrays import Mask
from pipeline.measuring.centre_pixels import Graph
from pipeline.measuring.double_junctions import merge_doubles
from pipeline.measuring.gaps import bridge
from pipeline.measuring.segment_ends import drop, ends_by_node, follow, unjoined
from pipeline.measuring.settings import MeasureSettings

AHEAD_PX = 10
"""At a junction, the direction of an end is taken over so many pixels of its segment, fewer where it is shorter."""

RUNS_ON_DEG = 45.0
"""At a junction, the crack runs on into the segment that turns least, if it turns by no more than this."""


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


def join(graph: Graph, mask: Mask, settings: MeasureSettings) -> tuple[Graph, Chains]:
    """Drop spurs, then join what belongs together.

    Args:
        graph: of `pipeline.measuring.centre_pixels.trace`.
        mask: that it was traced in.
        settings: how far a gap may be and how sharp the turn.

    Returns:
        The graph, junctions that were two made one, and how its segments form cracks.
    """
    ends = len(graph.nodes) * 2
    partner = np.full(ends, -1)
    kept = np.ones(len(graph.nodes), bool)
    lengths = _lengths(graph.points, graph.starts)
    order, first = ends_by_node(graph.nodes, len(graph.radii))
    meeting = _prune(graph.nodes, lengths, graph.radii, order, first, partner, kept)
    graph = merge_doubles(graph, lengths, partner, kept, meeting)
    order, first = ends_by_node(graph.nodes, len(graph.radii))
    outward = _outward(graph.points, graph.starts)
    _run_on(outward, order, first, partner, kept, meeting, np.cos(np.deg2rad(RUNS_ON_DEG)))
    over_gap = bridge(graph, mask, settings, partner, kept, meeting)
    return graph, Chains(partner, over_gap, kept, meeting)


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
