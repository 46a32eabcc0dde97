"""AP50 of predicted boxes against boxes made from the masks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster

from pipeline.arrays import AnyBoxes, Scores


def ap50(per_picture: Iterable[tuple[AnyBoxes, Scores, AnyBoxes]]) -> float:
    """COCO average precision at IoU 0.5, at most 100 detections a picture, by faster-coco-eval.

    Args:
        per_picture: ``(boxes (N, 4), scores (N,), truth boxes (M, 4))`` of each picture, xyxy px.

    Returns:
        0 without detections, nan without truth boxes.
    """
    pictures: list[dict[str, Any]] = []
    truth: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for number, (boxes, scores, truth_boxes) in enumerate(per_picture, start=1):
        pictures.append({"id": number})
        truth += [_annotation(number, box, iscrowd=0) for box in _rows(truth_boxes)]
        flat = np.asarray(scores, dtype=np.float64).reshape(-1).tolist()
        found += [_annotation(number, box, score=score) for box, score in zip(_rows(boxes), flat, strict=True)]
    if not truth:
        return math.nan
    if not found:
        return 0.0
    for number, annotation in enumerate(truth, start=1):
        annotation["id"] = number
    coco = COCO({"images": pictures, "annotations": truth, "categories": [{"id": 1, "name": "crack"}]})
    evaluation = COCOeval_faster(coco, coco.loadRes(found), "bbox", print_function=_silent)
    evaluation.params.iouThrs = np.array([0.5])
    evaluation.evaluate()
    evaluation.accumulate()
    precision = evaluation.eval["precision"][0, :, 0, 0, -1]  # (101,) over recall; all areas, most detections
    return float(precision.mean())


def _rows(boxes: AnyBoxes) -> list[list[float]]:
    return np.asarray(boxes, dtype=np.float64).reshape(-1, 4).tolist()


def _annotation(picture: int, box: list[float], **more: float) -> dict[str, Any]:
    x1, y1, x2, y2 = box
    area = (x2 - x1) * (y2 - y1)
    return {"image_id": picture, "category_id": 1, "bbox": [x1, y1, x2 - x1, y2 - y1], "area": area, **more}


def _silent(*_: object) -> None:
    """The library prints by default; standard output belongs to the command."""
