"""Shadows drawn into photographs: dark lines and edges on the road that are no crack, and hide none.

A lamp post's or a wire's is a straight dark band, the vehicle's own a large dark field with a sharp edge, a tree's is
speckled. Their edges are softer the farther away what casts them is. A crack in the shadow is a crack all the same.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Image, Mask
from pipeline.datasets.generated.pavement import fractal_noise

THINNEST_PX, WIDEST_PX = 2.0, 50.0  # of a post's or a wire's
MOST_BENT = 0.15  # rise of a wire's arc by its length
SHARPEST_PX, SOFTEST_PX = 0.6, 5.0  # half-shadow (standard deviation)
DEEPEST, FAINTEST = 0.3, 0.75  # share of the light that is left
SKY = np.array([-0.06, 0.0, 0.08])  # what the sky adds to a shadow's colour, by its depth

Plane = NDArray[np.float32]


def draw_shadow(image: Image, rng: np.random.Generator) -> tuple[Image, Mask]:
    """Draw the shadow of posts or wires, of a vehicle, or of a tree.

    Args:
        image: ``(H, W, 3)`` uint8 RGB; not changed.
        rng: decides all.

    Returns:
        the new picture, and ``(H, W)`` bool, True where it hides what lies below: nowhere.
    """
    shape = image.shape[0], image.shape[1]
    cover = (_posts, _posts, _vehicle, _tree)[int(rng.integers(4))](shape, rng)
    sigma = float(np.exp(rng.uniform(np.log(SHARPEST_PX), np.log(SOFTEST_PX))))
    soft = np.asarray(cv2.GaussianBlur(cover, (0, 0), sigma), np.float32)
    taken = 1 - rng.uniform(DEEPEST, FAINTEST)
    light = 1 - taken * soft[..., None] * (1 - SKY)
    return np.clip(image * light, 0, 255).astype(np.uint8), np.zeros(shape, np.bool_)


def _posts(shape: tuple[int, int], rng: np.random.Generator) -> Plane:
    """One to three bands across the picture, side by side, straight or a little bent."""
    height, width = shape
    cover = np.zeros(shape, np.float32)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle, reach = rng.uniform(0, np.pi), float(max(shape))
    bent = rng.uniform(-MOST_BENT, MOST_BENT) * (rng.random() < 0.4)
    for _ in range(int(rng.integers(1, 4))):
        turned = angle + rng.normal(0, 0.03)
        middle = rng.uniform(0, 1, 2) * (width, height)
        along = (x - middle[0]) * np.cos(turned) + (y - middle[1]) * np.sin(turned)
        aside = (y - middle[1]) * np.cos(turned) - (x - middle[0]) * np.sin(turned)
        wide = np.exp(rng.uniform(np.log(THINNEST_PX), np.log(WIDEST_PX)))
        away = np.abs(aside - 4 * bent * along**2 / reach)
        np.maximum(cover, np.clip(wide / 2 + 0.5 - away, 0, 1).astype(np.float32), out=cover)
    return cover


def _vehicle(shape: tuple[int, int], rng: np.random.Generator) -> Plane:
    """A field with four to seven corners, most of it beyond the frame."""
    height, width = shape
    corners = int(rng.integers(4, 8))
    around = np.sort(rng.uniform(0, 2 * np.pi, corners))
    edge = rng.uniform(0, 2 * np.pi)
    middle = np.array([width, height]) * (0.5 + 0.5 * np.array([np.cos(edge), np.sin(edge)]))
    away = rng.uniform(0.25, 0.6) * max(shape) * rng.uniform(0.7, 1.2, corners)
    field = middle + np.stack([np.cos(around), np.sin(around)], 1) * away[:, None]
    cover = np.zeros(shape, np.uint8)
    cv2.fillPoly(cover, [np.rint(field).astype(np.int32)], (1,))
    return cover.astype(np.float32)


def _tree(shape: tuple[int, int], rng: np.random.Generator) -> Plane:
    """Leaves with gaps between them, over a part of the picture."""
    leaves = fractal_noise(rng, shape, 6.0, 24.0, 0.5)
    crown = fractal_noise(rng, shape, 60.0, 240.0, 0.8)
    return np.asarray(np.clip(2 * (leaves + rng.uniform(0, 1)), 0, 1) * (crown > rng.uniform(-0.5, 0.5)), np.float32)
