"""Where a file says that there is no picture, nothing is found, nor along that edge."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from pipeline.arrays import Image, Mask, round_outwards
from pipeline.cascade.cascade import CascadeResult

SEAM_PX = 12
"""Reach of the edge between picture and nothing: both networks answer it with cracks along it."""

MIRRORED_PX = 256
"""How far the picture is mirrored beyond its edge; further out there is one colour."""

_TILE_PX = 1024


def filled(image: Image, valid: Mask) -> Image:
    """A copy in which the picture goes on beyond its edge, mirrored, and further out has the mean of its colours.

    A plain area has an edge, which both networks answer with cracks, also far from it. A mirrored one has none.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        valid: ``(H, W)`` bool, False where there is no picture.
    """
    copy = image.copy()
    copy[~valid] = image[valid].mean(axis=0).round().astype(np.uint8)
    for tile, window in _tiles(*valid.shape):
        if not valid[tile].all() and valid[window].any():
            part = copy[window]  # a view
            _mirror(part, image[window], valid[window], _within(tile, window))
    return copy


def only_valid(found: CascadeResult, valid: Mask) -> CascadeResult:
    """What was found, without what lies where there is no picture or within `SEAM_PX` of it.

    Args:
        found: of the picture that `filled` made.
        valid: ``(H, W)`` bool, False where there is no picture.

    Returns:
        the same with probability and mask emptied there, and without boxes that reach there and hold no crack now.
    """
    side = 2 * SEAM_PX + 1
    inside = cv2.erode(valid.astype(np.uint8), np.ones((side, side), np.uint8)).astype(bool)
    mask = found.mask & inside
    whole = round_outwards(found.boxes, (mask.shape[0], mask.shape[1]))
    stays = np.array([inside[y1:y2, x1:x2].all() or mask[y1:y2, x1:x2].any() for x1, y1, x2, y2 in whole], bool)
    probability = np.where(inside, found.probability, np.float32(0))
    return found._replace(boxes=found.boxes[stays], scores=found.scores[stays], probability=probability, mask=mask)


Part = tuple[slice, slice]


def _tiles(height: int, width: int) -> Iterator[tuple[Part, Part]]:
    """Tiles that cover a picture, each with the window that it is filled from: memory stays small."""
    for top in range(0, height, _TILE_PX):
        for left in range(0, width, _TILE_PX):
            yield (
                (slice(top, min(top + _TILE_PX, height)), slice(left, min(left + _TILE_PX, width))),
                tuple(slice(max(at - 2 * MIRRORED_PX, 0), at + _TILE_PX + 2 * MIRRORED_PX) for at in (top, left)),
            )  # type: ignore[misc]  # a tuple of two


def _within(tile: Part, window: Part) -> Part:
    rows, columns = (
        slice(inner.start - outer.start, inner.stop - outer.start) for inner, outer in zip(tile, window, strict=True)
    )
    return rows, columns


def _mirror(target: Image, image: Image, valid: Mask, tile: Part) -> None:
    """Fill the pixels of `tile` that are no picture from those as far on the other side of the nearest edge."""
    distance, labels = cv2.distanceTransformWithLabels(
        (~valid).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    edge = np.zeros(int(labels.max()) + 1, np.int64)
    edge[labels[valid]] = np.flatnonzero(valid)
    ys, xs = np.nonzero((distance[tile] > 0) & (distance[tile] <= MIRRORED_PX))
    ys, xs = ys + tile[0].start, xs + tile[1].start
    edge_ys, edge_xs = np.divmod(edge[labels[ys, xs]], valid.shape[1])
    mirrored_ys = np.clip(2 * edge_ys - ys, 0, valid.shape[0] - 1)
    mirrored_xs = np.clip(2 * edge_xs - xs, 0, valid.shape[1] - 1)
    there = valid[mirrored_ys, mirrored_xs]  # else the picture is too narrow: its edge goes on
    target[ys, xs] = image[np.where(there, mirrored_ys, edge_ys), np.where(there, mirrored_xs, edge_xs)]
