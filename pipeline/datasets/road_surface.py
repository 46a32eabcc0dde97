"""Where a photograph shows road, and how rough the road looks: what is drawn into windows asks both."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Image, Mask

ROAD_TONES = 25.0  # of 8-bit Lab: what lies farther from the picture's usual colour is no road
ROAD_BLUR_PX = 9.0


def road_of(image: Image) -> Mask:
    """Where the picture, ``(H, W, 3)`` uint8 RGB, has its usual colour, ``(H, W)``: verge, sky and markings do not."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(lab, (0, 0), ROAD_BLUR_PX), np.float32)
    far = np.linalg.norm(smooth - np.median(smooth, axis=(0, 1)), axis=2)
    return np.asarray(far < ROAD_TONES, np.bool_)


def texture_of(image: Image, road: Mask) -> float:
    """How much the road's light varies from stone to stone: its standard deviation within a few px, by its mean."""
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)
    rough: NDArray[np.float32] = grey - np.asarray(cv2.GaussianBlur(grey, (0, 0), 3.0), np.float32)
    return float(rough[road].std() / max(float(grey[road].mean()), 1.0))
