"""Straight joints, saw cuts and sealed strips drawn into photographs: they look like cracks and are none.

A network that has seen few of them takes them for cracks (NHA12D's authors name joints as the main error of theirs).
What tells them apart is that they are straight over a metre, of one width, and meet at right angles.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Image, Mask


def draw_joints(image: Image, rng: np.random.Generator) -> tuple[Image, Mask]:
    """Draw one to four straight joints across a picture, as from a slab's grid seen at a slant.

    Args:
        image: ``(H, W, 3)`` uint8 RGB; not changed.
        rng: decides all.

    Returns:
        the new picture, and ``(H, W)`` bool, True where a joint now covers it.
    """
    height, width = image.shape[:2]
    cover = np.zeros((height, width), np.float32)
    angle = rng.uniform(0, np.pi)
    spread = rng.uniform(0, 0.25)  # parallel joints run together in perspective
    middle = rng.uniform(0.15, 0.85, 2) * (width, height)
    for turn in _turns(rng):
        direction = angle + turn + rng.uniform(-spread, spread)
        through = middle + rng.normal(0, 0.25, 2) * (width, height)
        _line(cover, through, direction, float(rng.choice([1, 1.5, 2, 3, 4, 6, 9])))
    cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), float(rng.uniform(0.4, 1.0))), np.float32)
    worn = 1 - rng.uniform(0, 0.4) * cv2.resize(rng.random((12, 12), np.float32), (width, height))
    tone = float(rng.uniform(0.25, 0.8)) if rng.random() < 0.85 else float(rng.uniform(1.15, 1.5))
    light = 1 + (tone - 1) * np.clip(cover * worn, 0, 1)[..., None]
    drawn = np.clip(image * light + rng.normal(0, 2, (height, width, 1)) * (cover[..., None] > 0.1), 0, 255)
    return drawn.astype(np.uint8), cover > 0.2


def _turns(rng: np.random.Generator) -> list[float]:
    """Turns of the joints against the first: along, across, or a cross of both."""
    along = [0.0] * int(rng.integers(1, 3))
    across = [np.pi / 2] * int(rng.integers(0, 3))
    return along + across


def _line(cover: NDArray[np.float32], through: NDArray[np.float64], direction: float, width_px: float) -> None:
    """Lay a straight band of ``width_px`` with soft edges over the picture, the whole way across."""
    height, width = cover.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    distance = np.abs((x - through[0]) * np.sin(direction) - (y - through[1]) * np.cos(direction))
    np.maximum(cover, np.clip(width_px / 2 + 0.5 - distance, 0, 1).astype(np.float32), out=cover)
