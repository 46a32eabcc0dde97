"""Mask → centre pixels, by the thinning of Guo and Hall (CACM 32:359, 1989).

scikit-image's `skeletonize` is that of Zhang and Suen, which wears whole cracks away that run at 45°; its `thin` is
this one, and takes twenty times as long.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled

# Neighbours in turn, from above, clockwise.
_DX = np.array([0, 1, 1, 1, 0, -1, -1, -1])
_DY = np.array([-1, -1, 0, 1, 1, 1, 0, -1])
_ALL = 255


def _goes() -> NDArray[np.bool_]:
    """``(2, 256)``: whether a pixel goes in the first and in the second half of a pass, by which neighbours are set."""
    p = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(bool).T  # p[0] above, p[2] right, p[4] below, p[6] left
    crossings = sum((~p[k] & (p[k + 1] | p[(k + 2) % 8])).astype(int) for k in (0, 2, 4, 6))
    pairs = [sum((p[k] | p[(k + 1) % 8]).astype(int) for k in ks) for ks in ((7, 1, 3, 5), (0, 2, 4, 6))]
    fewest = np.minimum(*pairs)
    whole = (crossings == 1) & (fewest >= 2) & (fewest <= 3)
    return np.stack([whole & ~((p[0] | p[1] | ~p[3]) & p[2]), whole & ~((p[4] | p[5] | ~p[7]) & p[6])])


_GOES = _goes()


def thin(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Wear ``(H, W)`` 0 or 1 down to lines of a pixel, in place; its outermost pixels must be 0."""
    _thin(mask, *set_pixels(mask), _GOES)
    return mask


def set_pixels(plane: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns, ``(N,)``, of what is 1 in an ``(H, W)`` plane of 0 and 1; far faster than `np.nonzero`."""
    rows, columns = np.divmod(np.flatnonzero(plane.view(np.bool_)), plane.shape[1])
    return rows, columns


@compiled()
def _thin(thinned: NDArray[np.uint8], ys: NDArray[np.int64], xs: NDArray[np.int64], goes: NDArray[np.bool_]) -> None:
    """Pixels with all neighbours set are not looked at until one of these goes: else time grows with width cubed."""
    count, ys, xs = len(ys), ys.copy(), xs.copy()
    codes, inside = np.zeros(count, np.uint8), np.zeros(thinned.shape, np.bool_)
    unchanged, half = 0, 0
    while unchanged < 2:
        unchanged += 1
        for i in range(count):
            code = 0
            for k in range(8):
                code |= thinned[ys[i] + _DY[k], xs[i] + _DX[k]] << k
            codes[i] = code
            if code == _ALL:
                inside[ys[i], xs[i]] = True
        left, edge = 0, [(np.int64(0), np.int64(0))]
        for i in range(count):
            if goes[half, codes[i]]:
                thinned[ys[i], xs[i]] = 0
                unchanged = 0
                for k in range(8):
                    y, x = ys[i] + _DY[k], xs[i] + _DX[k]
                    if inside[y, x]:
                        inside[y, x] = False
                        edge.append((y, x))
            elif codes[i] != _ALL:
                ys[left], xs[left] = ys[i], xs[i]
                left += 1
        for y, x in edge[1:]:
            ys[left], xs[left] = y, x
            left += 1
        count, half = left, 1 - half
