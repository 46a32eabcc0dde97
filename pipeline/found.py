"""What a detector found in one tile or one view of a picture, told in px of the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.base import Image
from pipeline.tiles import Tile
from pipeline.views import View, mirror_boxes

Found = tuple[NDArray[np.float32], NDArray[np.float32]]  # boxes (N, 4) xyxy px and scores (N,), best first

AT_EDGE = 1  # px from the frame's edge within which a box is taken to reach it


def in_frame(found: Found, shown: Image, image: Image, view: View) -> Found:
    """Detections in a picture as `shown`, in px of the picture as it is."""
    boxes, scores = found
    (height, width), (shown_height, shown_width) = image.shape[:2], shown.shape[:2]
    scale = np.array([width / shown_width, height / shown_height] * 2, np.float32)
    return mirror_boxes(boxes * scale, (height, width), view), scores


def own_part(found: Found, tile: Tile) -> Found:
    """Detections whose middle lies in the tile's own part, in px of the full frame."""
    boxes, scores = found
    if tile.own == tile.frame:
        return found
    boxes = boxes + np.array([tile.frame[0], tile.frame[1]] * 2, np.float32)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = (middle >= tile.own[:2]).all(axis=1) & (middle < tile.own[2:]).all(axis=1)
    return boxes[inside], scores[inside]


def trimmed(found: Found, size: tuple[int, ...], trim: int) -> Found:
    """Detections with `trim` px less on each side, but where a box ends with the frame, whose size begins ``(H, W)``.

    A box that would be left without a pixel stays as wide, or as high, as it was.
    """
    boxes, scores = found
    if trim == 0:
        return found
    ends = np.array([size[1], size[0]])
    low, high = boxes[:, :2], boxes[:, 2:]
    inner_low = np.where(low <= AT_EDGE, low, low + trim)
    inner_high = np.where(high >= ends - AT_EDGE, high, high - trim)
    solid = inner_high - inner_low >= 1
    inner = np.concatenate([np.where(solid, inner_low, low), np.where(solid, inner_high, high)], axis=1)
    return inner.astype(np.float32), scores


def best_first(parts: list[Found]) -> Found:
    """Detections of several tiles of one picture as one list."""
    if len(parts) == 1:
        return parts[0]
    boxes, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(-scores, kind="stable")
    return boxes[order], scores[order]
