"""Mask → a graph of its centre pixels: segments between nodes, where a node is an end or a whole junction.

The graph is traced here: skan needs 18 ms for a survey frame that the networks take 110 ms for, and brings a
spreadsheet library along.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from pipeline.arrays import Mask
from pipeline.measuring.thinning import set_pixels, thin

# Neighbours in turn: E, NE, N, NW, W, SW, S, SE.
_DX = np.array([1, 1, 0, -1, -1, -1, 0, 1])
_DY = np.array([0, -1, -1, -1, 0, 1, 1, 1])


class Graph(NamedTuple):
    """Segments of centre pixels.

    Attributes:
        points: ``(N, 2)`` float64 x, y of pixel centres, px of the picture, one segment after the other, each with
            its nodes at its ends.
        starts: ``(S + 1,)`` int64, where each segment begins.
        nodes: ``(S, 2)`` int64, the node at the first and last point; −1 for both: a closed loop.
        radii: ``(K,)`` float64, distance from each node to the nearest pixel that is no crack, px.
    """

    points: NDArray[np.float64]
    starts: NDArray[np.int64]
    nodes: NDArray[np.int64]
    radii: NDArray[np.float64]


def trace(mask: Mask) -> Graph:
    """Thin ``(H, W)`` bool and trace what is left."""
    left, top, right, bottom = held(mask)
    if right == left:
        return Graph(np.zeros((0, 2)), np.zeros(1, np.int64), np.zeros((0, 2), np.int64), np.zeros(0))
    part = np.ascontiguousarray(mask[top:bottom, left:right]).view(np.uint8)
    thinned = np.pad(part, 1)
    thin(thinned)
    ys, xs = set_pixels(thinned)
    _thin_corners(thinned, ys, xs)
    # Made here: of a large picture, memory that no line touches is never taken.
    node, done = np.zeros(thinned.shape, np.int32), np.zeros(thinned.shape, np.uint8)
    points, starts, nodes, places = _trace(thinned, ys, xs, node, done)
    radii = distances(part, places - 1)
    return Graph(points + np.array([left - 1, top - 1]), starts, nodes, radii)


def held(mask: Mask) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part that holds cracks, with a rim of road where the frame does not end."""
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(mask).view(np.uint8))
    if width == 0:
        return 0, 0, 0, 0
    return max(x - 1, 0), max(y - 1, 0), min(x + width + 1, mask.shape[1]), min(y + height + 1, mask.shape[0])


@compiled()
def _neighbours(thin: NDArray[np.uint8], y: int, x: int) -> int:
    count = 0
    for k in range(8):
        count += thin[y + _DY[k], x + _DX[k]]
    return count


@compiled()
def _thin_corners(thin: NDArray[np.uint8], ys: NDArray[np.int64], xs: NDArray[np.int64]) -> None:
    """Remove pixels that hold nothing together, ends apart: corners of stairs, and the blocks that thinning leaves.

    A pixel holds nothing together where Yokoi's number of its neighbourhood is 1 (Yokoi, CGIP 4:63, 1975).
    """
    again = True
    while again:
        again = False
        for y, x in zip(ys, xs):  # noqa: B905 (numba knows no strict)
            if not thin[y, x] or _neighbours(thin, y, x) < 2:
                continue
            number = 0
            for k in (0, 2, 4, 6):
                a = 1 - thin[y + _DY[k], x + _DX[k]]
                b = 1 - thin[y + _DY[k + 1], x + _DX[k + 1]]
                c = 1 - thin[y + _DY[(k + 2) % 8], x + _DX[(k + 2) % 8]]
                number += a - a * b * c
            if number == 1:
                thin[y, x] = 0
                again = True


@compiled()
def _find_nodes(
    thin: NDArray[np.uint8], ys: NDArray[np.int64], xs: NDArray[np.int64], node: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Number the nodes in `node` from 1, pixels of one junction alike; others stay 0. Returns ``(K, 2)`` x, y."""
    places = [(0.0, 0.0)]
    places.pop()  # it told numba the type
    stack = [(np.int64(0), np.int64(0))]
    stack.pop()
    for y, x in zip(ys, xs):  # noqa: B905 (numba knows no strict)
        if not thin[y, x] or node[y, x] or _neighbours(thin, y, x) == 2:
            continue
        number = len(places) + 1
        node[y, x] = number
        sum_x, sum_y, count = float(x), float(y), 1
        if _neighbours(thin, y, x) > 2:
            stack.append((y, x))
        while stack:
            v, u = stack.pop()
            for k in range(8):
                q, p = v + _DY[k], u + _DX[k]
                if thin[q, p] and not node[q, p] and _neighbours(thin, q, p) > 2:
                    node[q, p] = number
                    sum_x, sum_y, count = sum_x + p, sum_y + q, count + 1
                    stack.append((q, p))
        places.append((sum_x / count, sum_y / count))
    found = np.zeros((len(places), 2))
    for k in range(len(places)):
        found[k, 0], found[k, 1] = places[k]
    return found


@compiled()
def _next(
    thin: NDArray[np.uint8],
    node: NDArray[np.int32],
    done: NDArray[np.uint8],
    at: tuple[int, int],
    before: tuple[int, int],
) -> tuple[int, int]:
    """The way on from path pixel `at`, entered from `before`; `at` itself where there is none."""
    own = node[before]
    for k in range(8):
        q, p = at[0] + _DY[k], at[1] + _DX[k]
        if not thin[q, p] or (q == before[0] and p == before[1]) or (not node[q, p] and done[q, p]):
            continue
        if own and node[q, p] == own:  # another pixel of the junction that the walk has just left
            continue
        return q, p
    return at


@compiled()
def _trace(
    thin: NDArray[np.uint8],
    ys: NDArray[np.int64],
    xs: NDArray[np.int64],
    node: NDArray[np.int32],
    done: NDArray[np.uint8],
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Walk from node to node; `node` and `done`, as large as `thin`, are 0.

    Returns:
        points, starts and nodes of the segments, and the places of the nodes.
    """
    places = _find_nodes(thin, ys, xs, node)
    met = np.zeros(len(places) + 1, np.int64)
    path = [(0.0, 0.0)]
    starts, ends = [0], [(np.int64(0), np.int64(0))]
    path.pop(), ends.pop()  # they told numba the types
    for loops in (False, True):  # what is not walked from a node is a loop without one
        for y, x in zip(ys, xs):  # noqa: B905 (numba knows no strict)
            own = node[y, x]
            if not thin[y, x] or done[y, x] or (own == 0) != loops:
                continue
            for k in range(8):
                before, at = (y, x), (y + _DY[k], x + _DX[k])
                if not thin[at] or done[at] or (node[at] and (loops or node[at] <= own)):
                    continue
                if loops:
                    done[y, x] = 1
                    path.append((float(x), float(y)))
                else:
                    path.append((places[own - 1, 0], places[own - 1, 1]))
                other = node[_follow(thin, node, done, path, before, at)]
                if other:
                    path.append((places[other - 1, 0], places[other - 1, 1]))
                elif own:  # a pixel that touches nothing but its junction
                    while len(path) > starts[-1]:
                        path.pop()
                    continue
                met[own] += 1
                met[other] += 1
                starts.append(len(path))
                ends.append((np.int64(own - 1), np.int64(other - 1)))
                if loops:
                    break
    for k in range(len(places)):
        if not met[k + 1]:  # a dot: a node that nothing leads to
            path.append((places[k, 0], places[k, 1]))
            starts.append(len(path))
            ends.append((np.int64(k), np.int64(k)))
    return pairs(path), np.array(starts), pairs(ends).astype(np.int64), places


@compiled()
def _follow(
    thin: NDArray[np.uint8],
    node: NDArray[np.int32],
    done: NDArray[np.uint8],
    path: list[tuple[float, float]],
    before: tuple[int, int],
    at: tuple[int, int],
) -> tuple[int, int]:
    """Go on from the pixel `at`, come to from `before`, to the next node or an end; all between is added to `path`."""
    while not node[at]:
        done[at] = 1
        path.append((float(at[1]), float(at[0])))
        on = _next(thin, node, done, at, before)
        if on == at:
            break
        before, at = at, on
    return at


@compiled()
def pairs(listed: list[tuple[Any, Any]]) -> NDArray[np.float64]:
    """Pairs as ``(n, 2)``."""
    table = np.zeros((len(listed), 2))
    for i in range(len(listed)):
        table[i, 0], table[i, 1] = listed[i]
    return table


@compiled()
def distances(mask: NDArray[np.uint8], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance from each ``(K, 2)`` place to the nearest background pixel, found in growing squares."""
    found = np.zeros(len(places))
    for k in range(len(places)):
        x, y = round(places[k, 0]), round(places[k, 1])
        best, reach = np.inf, 0
        while reach <= best and reach < max(mask.shape):
            for v in range(max(y - reach, 0), min(y + reach, mask.shape[0] - 1) + 1):
                step = 1 if abs(v - y) == reach else max(2 * reach, 1)
                for u in range(x - reach, x + reach + 1, step):
                    if 0 <= u < mask.shape[1] and not mask[v, u]:
                        best = min(best, np.hypot(u - x, v - y))
            reach += 1
        found[k] = min(best, reach)
    return found
