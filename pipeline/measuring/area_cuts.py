"""Lines cut at the outlines of pattern areas: what lies outside stays a crack of its own."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Reals
from pipeline.measuring.line_ends import AT_AREA
from pipeline.measuring.lines import GAP, Lines
from pipeline.measuring.width import Profiles


def cut_at_areas(
    lines: Lines, seen: Profiles, owner: NDArray[np.int64], lengths: Reals, least: float
) -> tuple[Lines, Profiles, NDArray[np.int64]]:
    """Lines of which each lies in one area, or in none.

    Args:
        lines: unsmoothed.
        seen: across them.
        owner: ``(N,)``, the area that each point lies in; −1: none.
        lengths: ``(N,)`` of crack at each point.
        least: pieces that are shorter go with what they are a piece of.

    Returns:
        The lines, what was seen across them, and ``(L,)``, the area of each. Pieces share the point of the cut.
    """
    take, pieces, ends, areas, parents = [], [0], [], [], []
    low, high = np.minimum.reduceat(owner, lines.starts[:-1]), np.maximum.reduceat(owner, lines.starts[:-1])
    mixed = (low != high).tolist()
    for line in range(len(lines.closed)):
        a, b = int(lines.starts[line]), int(lines.starts[line + 1])
        own, index = owner[a:b], np.arange(a, b)
        if mixed[line]:
            own = _calm(own.copy(), lengths[a:b], least)
        edges = _edges(own) if mixed[line] else [0, b - a]
        if len(edges) > 2 and lines.closed[line]:  # begins and ends at a cut
            own, index = np.roll(own, -edges[1]), np.roll(index, -edges[1])
            edges, index = _edges(own), np.append(index, index[0])
        for first, last in pairwise(edges):
            take.append(index[first : last + 1])
            pieces.append(pieces[-1] + len(take[-1]))
            before = lines.ends[line, 0] if first == 0 and not lines.closed[line] else AT_AREA
            after = lines.ends[line, 1] if last == b - a and not lines.closed[line] else AT_AREA
            ends.append((before, after) if len(edges) > 2 else tuple(lines.ends[line]))
            areas.append(own[first])
            parents.append(line)
    at, of = np.concatenate(take), np.array(parents)
    whole = np.bincount(of)[of] == 1
    starts = np.array(pieces)
    what = lines.what[at]
    fragments = np.where(whole, lines.fragments[of], _fragments(what, starts))
    closed = lines.closed[of] & whole
    cut = Lines(lines.points[at], what, starts, np.array(ends, np.uint8), closed, fragments, lines.radius[of])
    return cut, Profiles(seen.widths[at], seen.cut[at], seen.middles[at]), np.array(areas)


def _calm(own: NDArray[np.int64], lengths: Reals, least: float) -> NDArray[np.int64]:
    """The areas of one line's points: first short pieces outside go to the area, then short ones inside leave it."""
    for outside in (True, False):
        edges = _edges(own)
        if len(edges) == 2:
            break
        for first, last in pairwise(edges):
            if (own[first] < 0) == outside and lengths[first:last].sum() < least:
                own[first:last] = own[first - 1] if first else own[last]
    return own


def _edges(own: NDArray[np.int64]) -> list[int]:
    """Where pieces of the same area begin, and where the last ends."""
    return [0, *(np.flatnonzero(np.diff(own)) + 1).tolist(), len(own)]


def _fragments(what: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """``(L,)`` pieces seen of each line: one more than it has gaps."""
    gap = what == GAP
    begins = gap & ~np.concatenate([[False], gap[:-1]])
    return 1 + np.add.reduceat(begins.astype(np.int64), starts[:-1])
