"""Mask → boxes: the labels that the detector learns from.

Boxes are ``(N, 4)`` int64 xyxy px, half-open: ``x2`` and ``y2`` are one past the last pixel, so that a crack one
pixel wide still gives a box one pixel wide (`torchvision.ops.masks_to_boxes` would give it no width at all).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Boxes, Mask
from pipeline.settings import LabelSettings


def mask_to_boxes(mask: Mask, labels: LabelSettings) -> Boxes:
    """Derive boxes that together cover every crack pixel.

    ``component`` gives one box a connected component (8-neighbourhood), where pieces with a gap of at most
    ``labels.close_gap`` px count as one, while boxes stay tight around the mask as it is; ``split`` halves it along its
    longer side, tightens both halves and goes on until no side exceeds ``labels.max_side``.

    Args:
        mask: ``(H, W)`` bool.
        labels: method, maximal side, padding and gap, px.

    Returns:
        ``(N, 4)`` int64 xyxy px, padded, inside the frame, sorted by y then x; ``(0, 4)`` for an empty mask.

    >>> line = np.zeros((20, 40), bool); line[10, 2:30] = True
    >>> mask_to_boxes(line, LabelSettings(method="split", max_side=16, padding=0, close_gap=0)).tolist()
    [[2, 10, 16, 11], [16, 10, 30, 11]]
    """
    if not mask.any():
        return np.zeros((0, 4), np.int64)
    tight = _component_boxes(mask, labels.close_gap, labels.max_side if labels.method == "split" else None)
    padded = _pad(tight, labels.padding, mask.shape)
    padded = padded[_needed(tight, padded, labels.padding)]
    return padded[np.lexsort((padded[:, 0], padded[:, 1]))]


def _component_boxes(mask: Mask, gap: int, max_side: int | None) -> Boxes:
    ys, xs = np.nonzero(mask)
    _, labelled = cv2.connectedComponents(_grown(mask, gap).view(np.uint8), connectivity=8)
    component = labelled[ys, xs]
    order = np.argsort(component, kind="stable")
    starts = np.flatnonzero(np.diff(component[order], prepend=-1))
    boxes: list[tuple[int, int, int, int]] = []
    for pixels in np.split(order, starts[1:]):
        boxes += _split_tight(xs[pixels], ys[pixels], max_side or max(mask.shape))
    return np.array(boxes, np.int64).reshape(-1, 4)


def _grown(mask: Mask, gap: int) -> Mask:
    """Mask in which pieces with at most `gap` px between them touch: grown by a disc of half the gap."""
    radius = -(-gap // 2)
    if radius == 0:
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(mask.view(np.uint8), disc), np.uint8).view(bool)


def _split_tight(xs: NDArray[np.int64], ys: NDArray[np.int64], max_side: int) -> list[tuple[int, int, int, int]]:
    x1, x2, y1, y2 = int(xs.min()), int(xs.max()) + 1, int(ys.min()), int(ys.max()) + 1
    if max(x2 - x1, y2 - y1) <= max_side:
        return [(x1, y1, x2, y2)]
    first = xs < (x1 + x2) // 2 if x2 - x1 >= y2 - y1 else ys < (y1 + y2) // 2
    return _split_tight(xs[first], ys[first], max_side) + _split_tight(xs[~first], ys[~first], max_side)


def _pad(boxes: Boxes, padding: int, size: tuple[int, ...]) -> Boxes:
    height, width = size
    padded = boxes + np.array([-padding, -padding, padding, padding])
    return np.asarray(np.clip(padded, 0, [width, height, width, height]), np.int64)


def _needed(tight: Boxes, padded: Boxes, padding: int) -> NDArray[np.bool_]:
    """False for slivers: pieces no longer than the padding that the padded box of a larger neighbour covers anyway."""
    sliver = (tight[:, 2:] - tight[:, :2]).max(axis=1) <= padding
    inside = (padded[None, :, :2] <= tight[:, None, :2]) & (padded[None, :, 2:] >= tight[:, None, 2:])
    covered = (inside.all(axis=2) & ~sliver[None, :]).any(axis=1)
    return np.asarray(~(sliver & covered), np.bool_)
