"""Boxes → crops for the segmenter, and crops' probabilities → the full frame again."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from pipeline.arrays import Boxes, ProbabilityMap, round_outwards

GRID_PX = 4  # sides of crops are multiples: they pack nearly without gaps, and rounding up shows more of the road
PRICE_PX = 256  # what one more crop costs besides its pixels: cutting, packing and stitching it, counted in pixels
LONGEST_PX = 512  # no crop is longer, whatever merging would save, so that crops of all pictures fit the same canvases
BLOCK_PX = 1024  # large pictures are planned block by block: time grows with their number, not with its square


def plan_crops(boxes: NDArray[np.generic], size: tuple[int, int], halo: int) -> Boxes:
    """Plan the crops that a segmenter must see to fill every box.

    What larger boxes hold is trimmed from smaller ones, and each grows by `halo` px of context, inside the frame. Then
    the two crops whose joint crop saves most are merged, for as long as any saves: overlaps are not computed twice, and
    single pixels are not fetched dearly. Last, each grows to multiples of `GRID_PX`, with what lies around it.

    Args:
        boxes: ``(N, 4)`` xyxy px; float boxes are rounded outwards.
        size: ``(H, W)`` of the frame, px.
        halo: context on every side, px.

    Returns:
        ``(M, 4)`` int64 xyxy px, inside the frame. M ≤ N, unless a box is longer than `LONGEST_PX` and is cut up.

    >>> plan_crops(np.array([[40, 40, 60, 60], [50, 50, 70, 70]]), (320, 480), halo=8).tolist()
    [[31, 31, 79, 79]]
    """
    tight = round_outwards(boxes, size)
    tight = tight[(tight[:, 2:] > tight[:, :2]).all(axis=1)]
    areas = (-(-(tight[:, 2:] - tight[:, :2]) // GRID_PX)).prod(axis=1)
    tight = _trim(tight[np.argsort(-areas, kind="stable")], size)
    if len(tight) == 0:
        return tight
    height, width = size
    crops = np.concatenate(
        [np.maximum(tight[:, :2] - halo, 0), np.minimum(tight[:, 2:] + halo, (width, height))], axis=1
    )
    middles = (tight[:, :2] + tight[:, 2:]) // (2 * BLOCK_PX)
    blocks = middles[:, 1] * (width // BLOCK_PX + 1) + middles[:, 0]
    merged = np.concatenate([_merge(crops[blocks == block]) for block in np.unique(blocks)])
    return _on_grid(_cut_up(merged, halo), size)


@compiled()
def _trim(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """Cut off from each box, the largest first, the rows and columns that those before it fill; their union stays."""
    filled = np.zeros(size, np.bool_)
    trimmed, count = np.empty_like(boxes), 0
    for x1, y1, x2, y2 in boxes:
        left, top, right, bottom = x2, y2, x1, y1
        for y in range(y1, y2):
            for x in range(x1, x2):
                if not filled[y, x]:
                    left, top, right, bottom = min(left, x), min(top, y), max(right, x + 1), max(bottom, y + 1)
                    filled[y, x] = True
        if left < right:
            trimmed[count, 0], trimmed[count, 1], trimmed[count, 2], trimmed[count, 3] = left, top, right, bottom
            count += 1
    return trimmed[:count]


def _on_grid(crops: Boxes, size: tuple[int, int]) -> Boxes:
    """Grow crops to multiples of `GRID_PX`, evenly on both sides, or as far as the frame goes."""
    frame = np.array([size[1], size[0]])
    sides = crops[:, 2:] - crops[:, :2]
    wanted = np.minimum(-(-sides // GRID_PX) * GRID_PX, frame)
    low = np.clip(crops[:, :2] - (wanted - sides) // 2, 0, frame - wanted)
    return np.concatenate([low, low + wanted], axis=1)


@compiled()
def _merge(crops: Boxes) -> Boxes:
    """Merge the two crops whose joint crop saves most pixels, for as long as that is no loss."""
    crops, count = crops.copy(), len(crops)
    alive = np.ones(count, np.bool_)
    saved = np.full((count, count), -1)
    for i in range(count):
        for j in range(i + 1, count):
            saved[i, j] = _saved(crops[i], crops[j])
    while count:
        best = int(saved.argmax())
        i, j = best // count, best % count
        if saved[i, j] < 0:
            break
        for side in range(2):
            crops[i, side] = min(crops[i, side], crops[j, side])
            crops[i, side + 2] = max(crops[i, side + 2], crops[j, side + 2])
        alive[j] = False
        saved[j], saved[:, j] = -1, -1
        for other in range(count):
            if alive[other] and other != i:
                saved[min(i, other), max(i, other)] = _saved(crops[i], crops[other])
    return crops[alive]


@compiled()
def _saved(one: Boxes, other: Boxes) -> int:
    """Pixels saved by the joint crop of two, ``(4,)`` each; -1 where it would be too long, or no gain."""
    width = int(max(one[2], other[2]) - min(one[0], other[0]))
    height = int(max(one[3], other[3]) - min(one[1], other[1]))
    if max(width, height) > LONGEST_PX:
        return -1
    return max(-1, _area(one) + _area(other) + PRICE_PX - _up(width) * _up(height))


def _cut_up(crops: Boxes, halo: int) -> Boxes:
    """Cut crops longer than `LONGEST_PX` into equal pieces that overlap by two halos."""
    if ((crops[:, 2:] - crops[:, :2]) <= LONGEST_PX).all():
        return crops
    pieces = []
    for x1, y1, x2, y2 in crops:
        for top, bottom in _spans(y1, y2, halo):
            pieces += [(left, top, right, bottom) for left, right in _spans(x1, x2, halo)]
    return np.array(pieces, np.int64)


def _spans(low: int, high: int, halo: int) -> list[tuple[int, int]]:
    if high - low <= LONGEST_PX:
        return [(low, high)]
    count = -(-(high - low - 2 * halo) // (LONGEST_PX - 2 * halo))
    cuts = np.linspace(low + halo, high - halo, count + 1).round().astype(int)
    return [(int(a) - halo, int(b) + halo) for a, b in pairwise(cuts)]


def stitch(
    probabilities: list[ProbabilityMap], crops: NDArray[np.int64], size: tuple[int, int], halo: int
) -> ProbabilityMap:
    """Lay crops' probabilities over the full frame; where several overlap, their weighted mean.

    Weights fall linearly over the halo towards a crop's border, where the segmenter saw least context, and are
    normalised by their sum: a pixel that one crop alone sees keeps that crop's probability exactly.

    Args:
        probabilities: one ``(h, w)`` float32 map a crop.
        crops: ``(M, 4)`` int64 xyxy px, inside the frame.
        size: ``(H, W)`` of the frame, px.
        halo: width of the falling border, px.

    Returns:
        ``(H, W)`` float32, 0 where no crop lies.
    """
    total = np.zeros(size, np.float32)
    weights = np.zeros(size, np.float32)
    for probability, (x1, y1, x2, y2) in zip(probabilities, crops.tolist(), strict=True):
        weight = np.minimum(_ramp(y2 - y1, halo)[:, None], _ramp(x2 - x1, halo)[None, :])
        total[y1:y2, x1:x2] += probability * weight
        weights[y1:y2, x1:x2] += weight
    # Crop by crop: of a large picture, most memory of both maps is never touched, and so never taken.
    for x1, y1, x2, y2 in crops.tolist():
        total[y1:y2, x1:x2] /= weights[y1:y2, x1:x2]
        weights[y1:y2, x1:x2] = 1  # what the next crop shares with this one is divided already
    return total


@lru_cache(4096)  # a crop's side each, 16 KB at most: kept whole, weights of many sizes would fill the memory
def _ramp(side: int, halo: int) -> NDArray[np.float32]:
    distance = np.minimum(np.arange(1, side + 1), np.arange(side, 0, -1))
    return (np.minimum(distance, halo + 1) / (halo + 1)).astype(np.float32)


@compiled()
def _area(box: Boxes) -> int:
    """Pixels of a box ``(4,)`` once it is on the grid."""
    return _up(int(box[2] - box[0])) * _up(int(box[3] - box[1]))


@compiled()
def _up(side: int) -> int:
    return -(-side // GRID_PX) * GRID_PX
