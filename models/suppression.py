"""Non-maximum suppression: of boxes that lie on one another, the surest stays.

Compiled here, since torchvision's goes on through all boxes when as many are kept as are wanted: 20 ms for a survey
frame that the detector takes 24 ms for.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.compiled import compiled


def suppress(boxes: Tensor, scores: Tensor, pictures: Tensor, limit: float, most: int) -> Tensor:
    """Which boxes stay: torchvision's `batched_nms`, of each picture the best `most`.

    Args:
        boxes: ``(N, 4)`` xyxy px, float32, on the CPU like all else.
        scores: ``(N,)``.
        pictures: ``(N,)`` int64, the picture that each box is of; boxes of different pictures do not meet.
        limit: highest intersection over union with a box that stays.
        most: boxes kept of each picture.

    Returns:
        ``(M,)`` int64 indices, of one picture after the other, best first.
    """
    order = np.lexsort((-scores.numpy(), pictures.numpy()))
    kept = _suppress(boxes.numpy()[order], pictures.numpy()[order], np.float32(limit), most)
    return torch.from_numpy(order[kept])


@compiled()
def _suppress(
    boxes: NDArray[np.float32], pictures: NDArray[np.int64], limit: np.float32, most: int
) -> NDArray[np.int64]:
    """Indices of the boxes that stay, in order.

    Args:
        boxes: ``(N, 4)`` xyxy px, of one picture after the other, best first.
        pictures: ``(N,)``.
        limit: as `suppress`.
        most: likewise.
    """
    kept, count, first = np.empty(len(boxes), np.int64), 0, 0  # `first` of those kept that are of this picture
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for i in range(len(boxes)):
        if i and pictures[i] != pictures[i - 1]:
            first = count
        stays = count - first < most
        for k in range(first, count if stays else first):
            j = kept[k]
            width = min(boxes[i, 2], boxes[j, 2]) - max(boxes[i, 0], boxes[j, 0])
            height = min(boxes[i, 3], boxes[j, 3]) - max(boxes[i, 1], boxes[j, 1])
            if width > 0 and height > 0:
                common = width * height
                if common / (areas[i] + areas[j] - common) > limit:
                    stays = False
                    break
        if stays:
            kept[count] = i
            count += 1
    return kept[:count]
