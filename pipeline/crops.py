"""Boxes → crops for the segmenter, and crops' probabilities → the full frame again."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.boxes import Boxes, round_outwards
from pipeline.datasets.base import Image

ProbabilityMap = NDArray[np.float32]  # (H, W), 0–1


def boxes_to_crops(boxes: NDArray[np.generic], size: tuple[int, int], halo: int, multiple: int) -> Boxes:
    """Plan the crops that a segmenter must see to fill every box.

    Each box grows by `halo` px of context, its sides grow to the next multiple, and crops are merged for as long as
    one joint crop has no more pixels than the two it replaces: overlaps are not computed twice.

    Args:
        boxes: ``(N, 4)`` xyxy px; float boxes are rounded outwards.
        size: ``(H, W)`` of the frame, px.
        halo: context on every side, px.
        multiple: sides of a crop are multiples of this, px.

    Returns:
        ``(M, 4)`` int64 xyxy px, M ≤ N. A crop may reach beyond the frame at right and bottom (where `cut` mirrors
        the picture) only if the frame itself is no multiple.

    >>> boxes_to_crops(np.array([[40, 40, 60, 60], [50, 50, 70, 70]]), (320, 480), halo=0, multiple=32).tolist()
    [[39, 39, 71, 71]]
    """
    tight = round_outwards(boxes, size)
    tight = tight[(tight[:, 2:] > tight[:, :2]).all(axis=1)]
    height, width = size
    limit = np.array([-(-width // multiple), -(-height // multiple)]) * multiple
    cores = _without_contained(tight)
    crops = _snap(cores, halo, multiple, limit)
    merged = True
    while merged:
        merged = False
        i = 0
        while i < len(cores) - 1:
            hulls = np.concatenate(
                [np.minimum(cores[i, :2], cores[i + 1 :, :2]), np.maximum(cores[i, 2:], cores[i + 1 :, 2:])], axis=1
            )
            joint = _snap(hulls, halo, multiple, limit)
            saving = _areas(crops[i]) + _areas(crops[i + 1 :]) - _areas(joint)
            best = int(saving.argmax())
            if saving[best] < 0:
                i += 1
                continue
            cores[i], crops[i] = hulls[best], joint[best]
            cores, crops = np.delete(cores, i + 1 + best, axis=0), np.delete(crops, i + 1 + best, axis=0)
            merged = True
    return crops


def cut(image: Image, crop: NDArray[np.int64]) -> Image:
    """Cut one crop ``(4,)`` xyxy px out of ``(H, W, 3)``; what lies beyond the frame is mirrored."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (int(v) for v in crop)
    piece = image[y1 : min(y2, height), x1 : min(x2, width)]
    if x2 <= width and y2 <= height:
        return piece
    bordered = cv2.copyMakeBorder(piece, 0, max(0, y2 - height), 0, max(0, x2 - width), cv2.BORDER_REFLECT_101)
    return np.asarray(bordered, np.uint8)


def stitch(
    probabilities: list[ProbabilityMap], crops: NDArray[np.int64], size: tuple[int, int], halo: int
) -> ProbabilityMap:
    """Lay crops' probabilities over the full frame; where several overlap, their weighted mean.

    Weights fall linearly over the halo towards a crop's border, where the segmenter saw least context, and are
    normalised by their sum: a pixel that one crop alone sees keeps that crop's probability exactly.

    Args:
        probabilities: one ``(h, w)`` float32 map a crop.
        crops: ``(M, 4)`` int64 xyxy px.
        size: ``(H, W)`` of the frame, px.
        halo: width of the falling border, px.

    Returns:
        ``(H, W)`` float32, 0 where no crop lies.
    """
    height, width = size
    total = np.zeros(size, np.float32)
    weights = np.zeros(size, np.float32)
    for probability, (x1, y1, x2, y2) in zip(probabilities, crops, strict=True):
        weight = _border_weight(y2 - y1, x2 - x1, halo)
        inside = (slice(0, min(y2, height) - y1), slice(0, min(x2, width) - x1))
        frame = (slice(y1, min(y2, height)), slice(x1, min(x2, width)))
        total[frame] += (probability * weight)[inside]
        weights[frame] += weight[inside]
    return np.divide(total, weights, out=total, where=weights > 0)


def _border_weight(height: int, width: int, halo: int) -> NDArray[np.float32]:
    def ramp(side: int) -> NDArray[np.float32]:
        distance = np.minimum(np.arange(1, side + 1), np.arange(side, 0, -1))
        return (np.minimum(distance, halo + 1) / (halo + 1)).astype(np.float32)

    return np.minimum(ramp(height)[:, None], ramp(width)[None, :])


def _without_contained(boxes: Boxes) -> Boxes:
    """Boxes that lie in no other, largest first; of equal ones the first: ``(N, 4)`` → ``(M, 4)`` xyxy px."""
    boxes = boxes[np.argsort(-_areas(boxes), kind="stable")]
    inside = (boxes[None, :, :2] <= boxes[:, None, :2]) & (boxes[None, :, 2:] >= boxes[:, None, 2:])  # (N, N, 2)
    by_a_larger = np.tril(inside.all(axis=2), k=-1).any(axis=1)
    return boxes[~by_a_larger]


def _snap(cores: Boxes, halo: int, multiple: int, limit: NDArray[np.int64]) -> Boxes:
    """Grow cores ``(N, 4)`` by the halo, then to whole multiples, shifted into the frame where they would stick out."""
    sides = cores[:, 2:] - cores[:, :2]
    grown = np.minimum(-(-(sides + 2 * halo) // multiple) * multiple, limit)
    low = np.clip(cores[:, :2] - (grown - sides) // 2, 0, limit - grown)
    return np.concatenate([low, low + grown], axis=1)


def _areas(boxes: Boxes) -> NDArray[np.int64]:
    """Pixels of boxes ``(…, 4)`` xyxy px: ``(…)``."""
    return np.asarray((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]))
