"""The two ends of each segment: end ``2 s`` is the first point of segment s, ``2 s + 1`` its last.

Two ends that belong together name each other in `partner`; a crack is what one gets by following partners.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled


def ends_by_node(nodes: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ends sorted by node, and where each node's begin, ``(K + 1,)``; ends of loops stand before them all."""
    flat = nodes.reshape(-1)
    order = np.argsort(flat, kind="stable")
    return order, np.searchsorted(flat[order], np.arange(count + 1))


@compiled()
def unjoined(end: int, flat: NDArray[np.int64], partner: NDArray[np.int64], kept: NDArray[np.bool_]) -> bool:
    """Whether a chain that is kept begins with this end, at a node; `flat` are the nodes of all ends."""
    return bool(kept[end // 2] and partner[end] < 0 and flat[end] >= 0)


@compiled()
def follow(end: int, partner: NDArray[np.int64], lengths: NDArray[np.float64]) -> tuple[int, float]:
    """The other end of the chain that begins with the free end `end`, and the chain's length."""
    length = lengths[end // 2]
    other = end ^ 1
    while partner[other] >= 0 and partner[other] != end:
        other = partner[other]
        length += lengths[other // 2]
        other ^= 1
    return other, length


@compiled()
def drop(end: int, partner: NDArray[np.int64], kept: NDArray[np.bool_]) -> None:
    """Drop the chain that begins with the free end `end`."""
    while end >= 0:
        kept[end // 2] = False
        end = partner[end ^ 1]


@compiled()
def tip(starts: NDArray[np.int64], end: int) -> int:
    """Number of the point that is this end of its segment, of which each begins at `starts`."""
    return int(starts[end // 2] if end % 2 == 0 else starts[end // 2 + 1] - 1)
