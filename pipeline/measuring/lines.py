"""Joined segments → smooth centre lines with their free ends trimmed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from pipeline.arrays import Mask
from pipeline.measuring.centre_pixels import Graph, distances, pairs
from pipeline.measuring.chains import Chains
from pipeline.measuring.line_ends import AT_JUNCTION, FREE, Cut, trim
from pipeline.measuring.segment_ends import tip
from pipeline.measuring.wide_places import in_blobs

PLAIN, NEAR_JUNCTION, GAP, IN_BLOB = 0, 1, 2, 3
"""What a point of a line is: measured, within the disc of a junction, where the crack cannot be seen, or in a blob."""

BEYOND_DISC_PX = 2.0
"""Added to the radius of a junction: profiles across the crack begin to be its own there."""

RADIUS_EVERY = 4
"""Points a look at how wide the crack is, roughly."""


class Lines(NamedTuple):
    """Centre lines of cracks, one after the other.

    Attributes:
        points: ``(N, 2)`` float64 x, y, px, pixel centres at whole numbers.
        what: ``(N,)`` uint8, `PLAIN`, `NEAR_JUNCTION`, `GAP` or `IN_BLOB`.
        starts: ``(L + 1,)`` int64, where each line begins.
        ends: ``(L, 2)`` uint8, `FREE` or `AT_JUNCTION`.
        closed: ``(L,)`` bool.
        fragments: ``(L,)`` int64, pieces seen.
        radius: ``(L,)`` float64, half the width, roughly, px.
    """

    points: NDArray[np.float64]
    what: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ends: NDArray[np.uint8]
    closed: NDArray[np.bool_]
    fragments: NDArray[np.int64]
    radius: NDArray[np.float64]


def draw_lines(graph: Graph, chains: Chains, mask: Mask) -> Lines:
    """Centre lines of all cracks, unsmoothed; free ends are trimmed, for thinning bends them."""
    discs = graph.radii + BEYOND_DISC_PX
    raw = _walk(graph.points, graph.starts, graph.nodes, discs, *chains)
    points, what, starts = raw[:3]
    sampled = np.arange(0, len(points), RADIUS_EVERY)
    at = distances(np.ascontiguousarray(mask).view(np.uint8), points[sampled])
    bounds = np.searchsorted(sampled, starts)
    radius = _medians(at, np.minimum(bounds, len(sampled) - 1))
    what[in_blobs(points, starts, sampled, at, radius) & (what == PLAIN)] = IN_BLOB
    return Lines(*trim(*raw, radius, mask.shape[0], mask.shape[1]), radius)


@compiled()
def _medians(distance: NDArray[np.float64], bounds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Half the width of each line: its median distance to the background, less the half pixel of the line itself."""
    found = np.zeros(len(bounds) - 1)
    for line in range(len(found)):
        own = distance[bounds[line] : max(bounds[line + 1], bounds[line] + 1)]
        found[line] = max(np.median(own) - 0.5, 0.5)
    return found


def smooth(lines: Lines, sigma: float) -> NDArray[np.float64]:
    """``(N, 2)`` points of `lines` under a Gaussian of `sigma` px along each; their ends stay where they are."""
    reach = int(np.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return _smooth(lines.points, lines.starts, lines.closed, kernel / kernel.sum())


@compiled()
def _smooth(
    points: NDArray[np.float64], starts: NDArray[np.int64], closed: NDArray[np.bool_], kernel: NDArray[np.float64]
) -> NDArray[np.float64]:
    found = np.zeros_like(points)
    reach = len(kernel) // 2
    for line in range(len(closed)):
        a, n = starts[line], starts[line + 1] - starts[line]
        longer = np.empty((n + 2 * reach, 2))
        longer[reach : reach + n] = points[a : a + n]
        for j in range(1, reach + 1):
            before, after = reach - j, reach + n - 1 + j
            if closed[line] or n == 1:
                longer[before], longer[after] = points[a + (-j) % n], points[a + (n - 1 + j) % n]
            else:  # turned about the end, so that the end keeps its place and direction, as often as the line is short
                longer[before] = 2 * points[a] - longer[reach + j]
                longer[after] = 2 * points[a + n - 1] - longer[reach + n - 1 - j]
        for i in range(n):
            x, y = 0.0, 0.0
            for k in range(len(kernel)):
                x += kernel[k] * longer[i + k, 0]
                y += kernel[k] * longer[i + k, 1]
            found[a + i, 0], found[a + i, 1] = x, y
    return found


@compiled()
def _walk(
    points: NDArray[np.float64],
    starts: NDArray[np.int64],
    nodes: NDArray[np.int64],
    discs: NDArray[np.float64],
    partner: NDArray[np.int64],
    over_gap: NDArray[np.bool_],
    kept: NDArray[np.bool_],
    meeting: NDArray[np.int64],
) -> Cut:
    """Follow every chain from end to end."""
    path, what, begins = [(0.0, 0.0)], [0], [0]
    path.pop(), what.pop()
    kinds, closed, fragments = [(0, 0)], [False], [1]
    kinds.pop(), closed.pop(), fragments.pop()
    done = ~kept
    flat = nodes.ravel()
    for segment in range(len(nodes)):
        if done[segment]:
            continue
        end = _first_end(partner, segment)
        first, pieces, loop = end, 1, partner[end] >= 0 or flat[end] < 0
        while True:
            done[end // 2] = True
            _append(path, what, points, starts, end, len(path) > begins[-1] and not over_gap[end])
            for at, inner in ((end, 0), (end ^ 1, 1)):
                if flat[at] >= 0 and meeting[flat[at]] >= 3:
                    length = starts[end // 2 + 1] - starts[end // 2]
                    own = len(path) - min(length, len(path) - begins[-1])
                    _mark_disc(path, what, own, inner, discs[flat[at]])
            last = end ^ 1
            if partner[last] < 0 or partner[last] == first:
                break
            end = partner[last]
            if over_gap[end]:
                pieces += 1
                _bridge(path, what, points[tip(starts, end)])
        loop = loop and len(path) - begins[-1] > 2
        begins.append(len(path))
        closed.append(loop)
        fragments.append(pieces)
        kinds.append((_kind(flat[first], meeting), _kind(flat[last], meeting)))
    whats = np.array(what).astype(np.uint8)
    return pairs(path), whats, np.array(begins), pairs(kinds).astype(np.uint8), np.array(closed), np.array(fragments)


@compiled()
def _first_end(partner: NDArray[np.int64], segment: int) -> int:
    """The end at which the chain of a segment begins; of a ring, its own."""
    end = 2 * segment
    while partner[end] >= 0:
        end = partner[end] ^ 1
        if end == 2 * segment:
            break
    return end


@compiled()
def _bridge(path: list[tuple[float, float]], what: list[int], to: NDArray[np.float64]) -> None:
    """Add the points of a gap from the path's last one to the point `to`, a pixel apart, both of them left out."""
    u, v = path[-1]
    steps = int(np.hypot(to[0] - u, to[1] - v))
    for k in range(1, steps):
        path.append((u + (to[0] - u) * k / steps, v + (to[1] - v) * k / steps))
        what.append(GAP)


@compiled()
def _kind(node: int, meeting: NDArray[np.int64]) -> int:
    return AT_JUNCTION if node >= 0 and meeting[node] >= 3 else FREE


@compiled()
def _append(
    path: list[tuple[float, float]],
    what: list[int],
    points: NDArray[np.float64],
    starts: NDArray[np.int64],
    end: int,
    joined: bool,
) -> None:
    """Append the points of a segment from `end` on, without its first where that is the last already."""
    at, on = tip(starts, end), 1 if end % 2 == 0 else -1
    for k in range(1 if joined else 0, starts[end // 2 + 1] - starts[end // 2]):
        i = at + on * k
        path.append((points[i, 0], points[i, 1]))
        what.append(PLAIN)


@compiled()
def _mark_disc(path: list[tuple[float, float]], what: list[int], first: int, inner: int, radius: float) -> None:
    """Mark the points within `radius` of one end of the segment that begins at `first` and ends the path."""
    at = len(path) - 1 if inner else first
    x, y = path[at]
    while first <= at < len(path) and np.hypot(path[at][0] - x, path[at][1] - y) <= radius:
        what[at] = NEAR_JUNCTION
        at += -1 if inner else 1
