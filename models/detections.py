"""Boxes and scores from the detector's raw output."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import clip_boxes_to_image

from models.detector import RawOutput
from models.detector_config import DetectorConfig
from models.suppression import suppress

_CODER = BoxCoder((1.0, 1.0, 1.0, 1.0), bbox_xform_clip=4.0)  # Ren et al. 2015, equation 2


NMS_IOU = 0.5  # as RetinaNet (Lin et al. 2017, section 4.1)
MAX_DETECTIONS = 300  # of a tile; torchvision's RetinaNet keeps as many


class Detections(NamedTuple):
    """Detections of one picture, best score first.

    Attributes:
        boxes: ``(N, 4)`` float32 xyxy px of the full frame, clipped to it.
        scores: ``(N,)`` float32, 0–1.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]


def decode_detections(
    raw: RawOutput, anchors: Tensor, size: tuple[int, int], config: DetectorConfig, min_score: float
) -> list[Detections]:
    """Turn raw output into detections of the full frame, all pictures of a batch at once.

    Args:
        raw: on the CPU like all else: they are few, and a GPU would wait for each small step.
        anchors: ``(A, 4)`` xyxy px after space to depth (`CrackDetector.anchors_for`).
        size: ``(H, W)`` of the full frame, px.
        config: the detector's.
        min_score: detections with a lower score are dropped.
    """
    scores = raw.logits.float().sigmoid()
    pictures, index = torch.nonzero(scores >= min_score, as_tuple=True)
    scores = scores[pictures, index]
    boxes = _CODER.decode_single(raw.deltas[pictures, index].float(), anchors[index]) * config.space_to_depth
    boxes = clip_boxes_to_image(boxes, size)
    solid = (boxes[:, 2:] - boxes[:, :2] >= 1).all(dim=1)
    boxes, scores, pictures = boxes[solid], scores[solid], pictures[solid]
    keep = suppress(boxes, scores, pictures, NMS_IOU, MAX_DETECTIONS)
    ends = torch.searchsorted(pictures[keep], torch.arange(1, len(raw.logits))).tolist()
    by_picture = (np.split(part[keep].numpy(), ends) for part in (boxes, scores))
    return [Detections(*both) for both in zip(*by_picture, strict=True)]
