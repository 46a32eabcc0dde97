"""Straight joints, saw cuts and sealed strips drawn into photographs: they look like cracks and are none.

A network that has seen few of them takes them for cracks (NHA12D's authors name joints as the main error of theirs).
What tells them apart is that they are straight over a metre, of one width, and meet at right angles: not that they are
clean, for traffic chips their edges, and dirt fills them here and leaves them bare there.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Image, Mask
from pipeline.datasets.generated.pavement import fractal_noise
from pipeline.datasets.open_cracks import ragged

WIDTHS_PX = 1, 1.5, 2, 3, 4, 6, 9, 14  # one of them for all joints of a picture
CHIPPED = 0.5  # share of the pictures whose joints have worn edges
MOST_CHIPS = 10  # of a joint
DARK = 0.85  # share of the pictures whose joints are darker than the road
MOST_WORN = 0.9  # share of a joint's contrast that is missing where it has faded most

Plane = NDArray[np.float32]


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
    chips = MOST_CHIPS if rng.random() < CHIPPED else 0
    wide = float(rng.choice(WIDTHS_PX))
    for turn in _turns(rng):
        direction = angle + turn + rng.uniform(-spread, spread)
        through = middle + rng.normal(0, 0.25, 2) * (width, height)
        _line(cover, through, direction, wide)
        _chip(cover, through, direction, wide, int(rng.integers(chips + 1)), rng)
    cover = ragged(cover, wide, rng) if chips else cover
    cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), float(rng.uniform(0.4, 1.0))), np.float32)
    faded = np.clip(0.5 + 0.5 * fractal_noise(rng, (height, width), 12.0, 192.0, 0.5), 0, 1)
    tone = float(rng.uniform(0.25, 0.8)) if rng.random() < DARK else float(rng.uniform(1.15, 1.5))
    amount = cover * (1 - rng.uniform(0, MOST_WORN) * faded)
    light = 1 + (tone - 1) * amount[..., None]
    drawn = np.clip(image * light + rng.normal(0, 2, (height, width, 1)) * (cover[..., None] > 0.1), 0, 255)
    return drawn.astype(np.uint8), cover > 0.2


def _turns(rng: np.random.Generator) -> list[float]:
    """Turns of the joints against the first: along, across, or a cross of both."""
    along = [0.0] * int(rng.integers(1, 3))
    across = [np.pi / 2] * int(rng.integers(0, 3))
    return along + across


def _line(cover: Plane, through: NDArray[np.float64], direction: float, width_px: float) -> None:
    """Lay a straight band of ``width_px`` with soft edges over the picture, the whole way across."""
    height, width = cover.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    distance = np.abs((x - through[0]) * np.sin(direction) - (y - through[1]) * np.cos(direction))
    np.maximum(cover, np.clip(width_px / 2 + 0.5 - distance, 0, 1).astype(np.float32), out=cover)


def _chip(
    cover: Plane,
    through: NDArray[np.float64],
    direction: float,
    width_px: float,
    count: int,
    rng: np.random.Generator,
) -> None:
    """Break so many pieces out of a joint's edges, a few times as long as it is wide."""
    along = np.array([np.cos(direction), np.sin(direction)])
    for _ in range(count):
        aside = np.array([-along[1], along[0]]) * rng.choice([-0.5, 0.5]) * width_px
        x, y = through + along * rng.uniform(-0.7, 0.7) * max(cover.shape) + aside
        long, broad = width_px * rng.uniform(0.8, 3) + 1, width_px * rng.uniform(0.3, 1) + 0.5
        axes = max(1, round(long)), max(1, round(broad))
        chip = np.zeros(cover.shape, np.uint8)
        cv2.ellipse(chip, (round(x), round(y)), axes, float(np.degrees(direction)), 0, 360, 1, -1)
        np.maximum(cover, chip * np.float32(rng.uniform(0.4, 1)), out=cover)
