"""Junctions that thinning makes two of: where cracks cross aslant, their lines run as one for a while."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from pipeline.measuring.centre_pixels import Graph
from pipeline.measuring.segment_ends import drop, ends_by_node, follow, tip, unjoined


def merge_doubles(
    graph: Graph,
    lengths: NDArray[np.float64],
    partner: NDArray[np.int64],
    kept: NDArray[np.bool_],
    meeting: NDArray[np.int64],
) -> Graph:
    """Make one of two junctions that lie in each other's discs, with no third beside them.

    What joins both goes, for it is of both cracks, and the others are led straight on through the middle.

    Args:
        graph: without its spurs.
        lengths: ``(S,)`` px, of segments.
        partner: ``(2 S,)``, the end that each is joined to.
        kept: ``(S,)``, changed in place.
        meeting: ``(K,)``, changed in place.
    """
    merged = Graph(graph.points.copy(), graph.starts, graph.nodes.copy(), graph.radii.copy())
    order, first = ends_by_node(graph.nodes, len(graph.radii))
    _merge(merged, order, first, lengths, partner, kept, meeting)
    return merged


@compiled()
def _merge(
    graph: Graph,
    order: NDArray[np.int64],
    first: NDArray[np.int64],
    lengths: NDArray[np.float64],
    partner: NDArray[np.int64],
    kept: NDArray[np.bool_],
    meeting: NDArray[np.int64],
) -> None:
    points, starts, radii, flat = graph.points, graph.starts, graph.radii, graph.nodes.reshape(-1)
    across = np.array([points[tip(starts, end), 0] for end in range(len(flat))])
    by_x = np.argsort(across)
    across, widest = across[by_x], radii.max() if len(radii) else 0.0
    found, apart = [0], [-1.0]
    for end in range(len(flat)):
        if not unjoined(end, flat, partner, kept) or meeting[flat[end]] < 3:
            continue
        other, length = follow(end, partner, lengths)
        one, two = flat[end], flat[other]
        if one < two and meeting[two] >= 3 and length < radii[one] + radii[two]:
            found.append(end)
            apart.append(length)
    merged = np.zeros(len(meeting), np.bool_)
    for place in np.argsort(np.array(apart))[1:]:
        end = found[place]
        other, length = follow(end, partner, lengths)
        one, two = flat[end], flat[other]
        a, b = tip(starts, end), tip(starts, other)
        x, y = (points[a, 0] + points[b, 0]) / 2, (points[a, 1] + points[b, 1]) / 2
        reach = max(radii[one], radii[two]) + length / 2
        if merged[one] or merged[two]:
            continue
        # An end has moved by no more than the widest disc, and its own has become twice as wide at most.
        far = reach + 3 * widest
        near = by_x[np.searchsorted(across, x - far) : np.searchsorted(across, x + far, "right")]
        if _beside(graph, near, x, y, reach, one, two, lengths, partner, kept):
            continue
        drop(end, partner, kept)
        radii[one] = reach
        for node in (one, two):
            for i in range(first[node], first[node + 1]):
                flat[order[i]] = one
                _lead_straight(points, starts, order[i], x, y, reach)
        meeting[one] += meeting[two] - 2
        meeting[two] = 0
        merged[one] = merged[two] = True


@compiled()
def _beside(
    graph: Graph,
    near: NDArray[np.int64],
    x: float,
    y: float,
    reach: float,
    one: int,
    two: int,
    lengths: NDArray[np.float64],
    partner: NDArray[np.int64],
    kept: NDArray[np.bool_],
) -> bool:
    """Whether road lies between two junctions, which two ways join then, or another end begins within `reach`; only the
    ends `near` can.
    """
    ways, flat = 0, graph.nodes.reshape(-1)
    for end in near:
        if not unjoined(end, flat, partner, kept):
            continue
        u, v = graph.points[tip(graph.starts, end)]
        if flat[end] not in (one, two):
            if np.hypot(u - x, v - y) <= reach + graph.radii[flat[end]]:
                return True
        elif flat[follow(end, partner, lengths)[0]] in (one, two):
            ways += 1
    return ways > 2


@compiled()
def _lead_straight(
    points: NDArray[np.float64], starts: NDArray[np.int64], end: int, x: float, y: float, reach: float
) -> None:
    """Lead a segment straight to x, y from where it is `reach` away: thinning bends what is nearer."""
    at, on = tip(starts, end), 1 if end % 2 == 0 else -1
    last, far = starts[end // 2 + 1] - starts[end // 2] - 1, 0
    while far < last and np.hypot(points[at + on * far, 0] - x, points[at + on * far, 1] - y) <= reach:
        far += 1
    u, v = points[at + on * far]
    points[at, 0], points[at, 1] = x, y
    for k in range(1, far):
        points[at + on * k, 0] = x + (u - x) * k / far
        points[at + on * k, 1] = y + (v - y) * k / far
