"""Crack masks as a file in COCO's format, which annotation tools read and write.

Masks are run lengths, never polygons: a polygon loses the islands between cracks, and a crack one pixel wide whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from faster_coco_eval.core import mask as rle
from numpy.typing import NDArray

from pipeline.arrays import Mask

CRACK = "crack"
"""Category of every annotation that is written."""

ANNOTATIONS = Path("annotations") / "instances_default.json"
"""Where below its folder the file lies, by the name that CVAT gives and looks for."""

GAP_PX = 16
"""Pixels of crack no farther apart are one annotation, as a survey takes fragments for one crack: else there are
hundreds."""


def to_coco(pictures: Iterable[tuple[str, Mask]]) -> dict[str, Any]:
    """What a COCO file of these masks holds: an annotation for each piece of crack.

    Args:
        pictures: name of each photograph's file, and its mask, ``(H, W)`` bool.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (name, mask) in enumerate(pictures, 1):
        height, width = mask.shape
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        for piece in _pieces(mask):
            annotations.append({"id": len(annotations) + 1, "image_id": number, "category_id": 1, **piece})
    categories = [{"id": 1, "name": CRACK, "supercategory": ""}]
    return {"info": {}, "licenses": [], "categories": categories, "images": images, "annotations": annotations}


def _pieces(mask: Mask) -> Iterator[dict[str, Any]]:
    """What is crack, in pieces: pixels no farther apart than `GAP_PX` are of one."""
    height, width = mask.shape
    drawn = mask.astype(np.uint8)
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (GAP_PX + 1, GAP_PX + 1))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(drawn, around), connectivity=8)
    own = np.asarray(labels) * drawn
    for label, (x, y, w, h, _) in enumerate(stats.tolist()):
        if label == 0:
            continue
        inside = np.equal(own[y : y + h, x : x + w].T, label)
        columns, rows = np.nonzero(inside)  # column by column, as COCO counts
        counts = _runs((columns + x) * height + rows + y, height * width)
        packed = rle.frPyObjects({"size": [height, width], "counts": counts}, height, width)
        yield {
            "segmentation": {"size": [height, width], "counts": packed["counts"].decode()},
            "area": len(rows),
            "bbox": [x + int(columns.min()), y + int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1],
            "iscrowd": 1,  # COCO's word for run lengths
        }


def _runs(places: NDArray[np.int64], pixels: int) -> list[int]:
    """Lengths of runs outside and inside in turn, outside first, of rising `places` among so many pixels.

    >>> _runs(np.array([2, 3, 6]), 8)
    [2, 2, 2, 1, 1]
    """
    first = np.flatnonzero(np.diff(places, prepend=-2) != 1)
    last = np.append(first[1:], len(places)) - 1
    edges = np.stack([places[first], places[last] + 1], axis=1).ravel()
    return [int(length) for length in np.diff(edges, prepend=0, append=pixels)]
