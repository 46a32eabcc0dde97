"""Sealed cracks and spilt drops drawn into photographs: dark and winding as cracks are, and none.

Bitumen poured over a crack is a smooth band, centimetres wide, with sharp edges; the texture of the road is gone where
it lies. On motorways it is what a detector that knows none takes for cracks first.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Image, Mask
from pipeline.datasets.generated.crack_paths import smooth_path
from pipeline.datasets.generated.crack_truth import CrackTruth, rasterise
from pipeline.datasets.generated.pavement import fractal_noise

NARROWEST_PX, WIDEST_PX = 7.0, 26.0  # of a band; what is narrower could be a crack


def draw_sealed(image: Image, rng: np.random.Generator) -> tuple[Image, Mask]:
    """Draw one to three bands of sealant that wind across a picture or end in it.

    Args:
        image: ``(H, W, 3)`` uint8 RGB; not changed.
        rng: decides all.

    Returns:
        the new picture, and ``(H, W)`` bool, True where sealant now covers it.
    """
    height, width = image.shape[:2]
    wide = rng.uniform(NARROWEST_PX, WIDEST_PX)
    far = rng.uniform(0, 0.6)  # as a camera that looks ahead sees it: narrower at the top
    bands = tuple(_band(rng, width, height, wide * rng.uniform(0.7, 1.1), far) for _ in range(rng.integers(1, 4)))
    cover, _ = rasterise(bands, width, height)
    return _poured(image, cover, rng)


def draw_drops(image: Image, rng: np.random.Generator) -> tuple[Image, Mask]:
    """Draw a trail of dark drops, as of oil; arguments and returns as of `draw_sealed`."""
    height, width = image.shape[:2]
    cover = np.zeros((height, width), np.uint8)
    heading, middle = rng.uniform(0, np.pi), rng.uniform(0.2, 0.8, 2) * (width, height)
    for _ in range(int(rng.integers(8, 60))):
        along, across = rng.normal(0, 0.4) * width, rng.normal(0, 0.04) * width
        x = middle[0] + along * np.cos(heading) - across * np.sin(heading)
        y = middle[1] + along * np.sin(heading) + across * np.cos(heading)
        radii = np.exp(rng.normal(1.0, 0.6)) * rng.uniform(0.6, 1.4, 2)
        cv2.ellipse(
            cover,
            (round(x), round(y)),
            (max(1, round(radii[0])), max(1, round(radii[1]))),
            float(rng.uniform(0, 180)),
            0,
            360,
            255,
            -1,
        )
    return _poured(image, np.asarray(cover, np.float32) / np.float32(255), rng)


def _band(rng: np.random.Generator, width: int, height: int, wide_px: float, far: float) -> CrackTruth:
    band = smooth_path(rng, width, height, wide_px, bend=float(rng.uniform(0.1, 0.5)))
    count = len(band.points)
    first, last = 0, count
    if count > 20 and rng.random() < 0.5:  # it ends in the picture
        first = int(rng.uniform(0, 0.5) * count)
        last = max(first + 10, int(rng.uniform(0.5, 1) * count))
    points = band.points[first:last]
    down = np.clip(points[:, 1] / height, 0, 1)  # 0 at the top of the picture
    taper = np.clip(np.minimum(np.arange(len(points)), np.arange(len(points))[::-1]) / 6, 0.3, 1)
    widths = np.maximum(2.0, band.widths[first:last] * (1 - far * (1 - down)) * taper)
    return replace(band, points=points, widths=widths, opacity=np.ones(len(points)))


def _poured(image: Image, cover: NDArray[np.float32], rng: np.random.Generator) -> tuple[Image, Mask]:
    """Lay something dark and smooth where `cover`, ``(H, W)`` 0–1, is."""
    height, width = cover.shape
    soft = np.asarray(cv2.GaussianBlur(cover, (0, 0), float(rng.uniform(0.5, 1.2))), np.float32)
    uneven = rng.uniform(0.75, 1.0) + 0.07 * fractal_noise(rng, (height, width), 2.0, 32.0, 0.4)
    amount = np.clip(soft * uneven, 0, 1)[..., None]
    tone = float(rng.uniform(0.3, 0.75))
    ground = np.asarray(cv2.GaussianBlur(image, (0, 0), 6.0), np.float32)
    paint = ground * tone + rng.normal(0, 2, (height, width, 1))
    drawn = np.clip(np.rint(image + amount * (paint - image)), 0, 255)
    return drawn.astype(np.uint8), soft > 0.2
