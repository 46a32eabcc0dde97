"""What a training picture says of each of its pixels: crack, none, or not to be judged."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.morphology import skeletonize

from pipeline.arrays import Mask
from pipeline.datasets.base import NOT_JUDGED, Sample

CRACK = 1  # in the label channel, beside `NOT_JUDGED`; 0 is no crack
EDGE_PX = 1  # labels are off by a pixel or two: just beside a crack nothing is judged
BEYOND_PX = 8  # of fragmentary labels: so far around a fragment a crack may go on unlabelled


def label_image(sample: Sample, fragmentary: bool) -> NDArray[np.uint8]:
    """Labels of a picture, ``(H, W)`` uint8: 0, `CRACK`, or `NOT_JUDGED` along edges and around fragments."""
    crack = sample.mask.view(np.uint8)
    unsure = cv2.dilate(crack, disc(EDGE_PX)) > 0
    if fragmentary:
        unsure |= cv2.dilate(_ends(sample.mask), disc(BEYOND_PX)) > 0
        unsure |= cv2.morphologyEx(crack, cv2.MORPH_CLOSE, disc(BEYOND_PX)) > 0
    if sample.ignore is not None:
        unsure |= sample.ignore
    return np.where(sample.mask, CRACK, np.where(unsure, NOT_JUDGED, 0)).astype(np.uint8)


def disc(radius: int) -> NDArray[np.uint8]:
    """All within so many px, to dilate with: ``(2r + 1, 2r + 1)`` 0 or 1."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), np.uint8)


def _ends(mask: Mask) -> NDArray[np.uint8]:
    """Where the centre lines of fragments end: pixels of the skeleton with one neighbour or none, ``(H, W)`` 0 or 1."""
    line = np.asarray(skeletonize(mask), np.uint8)  # type: ignore[no-untyped-call]
    around = np.asarray(cv2.filter2D(line, cv2.CV_8U, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT))
    return np.asarray(line & (around <= 2), np.uint8)  # itself and one neighbour
