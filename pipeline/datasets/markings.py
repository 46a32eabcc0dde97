"""Road markings drawn into photographs: lane lines, zebra crossings, stop lines, whole or worn.

Their edges are sharp, worn paint is speckled, and the road between two bars looks dark beside them: a network that has
seen few of them boxes them. The road's own texture, and a crack in it, is seen through the paint.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Image, Mask
from pipeline.datasets.generated.pavement import fractal_noise

GROUND_SIGMA_PX = 6.0  # what is finer is texture, and stays
SHIFT = 3  # cv2 draws in fractions of a pixel, here in eighths


def draw_markings(image: Image, rng: np.random.Generator) -> tuple[Image, Mask]:
    """Paint one marking onto a picture.

    Args:
        image: ``(H, W, 3)`` uint8 RGB; not changed.
        rng: decides all.

    Returns:
        the new picture, and ``(H, W)`` bool, False everywhere: paint hides no crack.
    """
    height, width = image.shape[:2]
    cover = np.asarray(cv2.GaussianBlur(_bars(height, width, rng), (0, 0), float(rng.uniform(0.5, 1.1))), np.float32)
    amount = (cover * _wear(height, width, rng))[..., None]
    ground = np.asarray(cv2.GaussianBlur(image, (0, 0), GROUND_SIGMA_PX), np.float32)
    light = ground.mean(axis=2, keepdims=True) / max(1.0, float(ground.mean()))  # shadows fall on paint too
    paint = _colour(image, rng) * np.clip(light, 0.3, 1.4) + rng.uniform(0.8, 1.8) * (image - ground)
    drawn = np.clip(np.rint(image + amount * (paint - image)), 0, 255)
    return drawn.astype(np.uint8), np.zeros((height, width), bool)


def _bars(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Where paint lies, ``(H, W)`` 0–1: bars side by side that narrow and run together towards the far end."""
    zebra = rng.random() < 0.5
    count = int(rng.integers(2, 9)) if zebra else int(rng.integers(1, 3))
    wide = rng.uniform(18, 90) if zebra else rng.uniform(6, 40)
    step = wide * (rng.uniform(1.5, 2.5) if zebra else rng.uniform(1.6, 8))
    far = 1 - rng.uniform(0, 0.6)  # width at the far end against that at the near one
    across = (np.arange(count) - (count - 1) / 2) * step
    near, far_end, near_end = rng.uniform(0.1, 0.9) * width, -0.6 * height, 1.6 * height
    ending = rng.random()  # it ends in the picture, this side or that, or neither
    if ending < 0.25:
        far_end = rng.uniform(-0.5, 0.5) * height
    elif ending < 0.5:
        near_end = rng.uniform(0.5, 1) * height
    turn = rng.uniform(-25, 25) if rng.random() < 0.7 else rng.uniform(-90, 90)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(turn), 1.0)
    cover = np.zeros((height, width), np.uint8)
    for left in across:
        corners = [
            (left, near_end, 1.0),
            (left + wide, near_end, 1.0),
            (left + wide, far_end, far),
            (left, far_end, far),
        ]
        flat = np.array([(near + x * share, y, 1) for x, y, share in corners]) @ matrix.T  # (4, 2) px
        cv2.fillConvexPoly(cover, np.rint(flat * 2**SHIFT).astype(np.int32), 255, cv2.LINE_AA, SHIFT)
    return np.asarray(cover, np.float32) / np.float32(255)


def _wear(height: int, width: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """How much of the paint is left, ``(H, W)`` 0–1: fine speckles, more of them where wheels run."""
    worn = rng.uniform(0, 0.5) if rng.random() < 0.7 else rng.uniform(0.5, 0.9)
    speckles = fractal_noise(rng, (height, width), 1.0, 8.0, 0.5)
    patches = fractal_noise(rng, (height, width), 24.0, 160.0, 0.5)
    left = 0.5 + (0.5 - worn) * 2 + 0.35 * speckles + 0.4 * patches
    return np.asarray(np.clip(left * 2, 0, 1) * rng.uniform(0.75, 1), np.float32)


def _colour(image: Image, rng: np.random.Generator) -> NDArray[np.float64]:
    """Of paint, RGB 0–255: white, on a colour picture sometimes yellow."""
    grey = not np.ptp(image[::16, ::16], axis=2).any()
    white = max(float(image.mean()) * rng.uniform(1.3, 2.2), rng.uniform(150, 240))
    if grey or rng.random() > 0.2:
        return np.full(3, min(white, 250))
    return min(white, 240) * np.array([1, rng.uniform(0.7, 0.9), rng.uniform(0.2, 0.5)])
