"""Sealed cracks and spilt drops drawn into photographs: dark and winding as cracks are, and none.

Bitumen poured over a crack is a band centimetres wide, with sharp edges that run from stone to stone; the texture of
the road is gone where it lies, or shows through where it has soaked in. It follows the crack, branches where that does,
sways and swells with the hand that pours it, and ends bluntly or trails off. On motorways it is what a detector that
knows none takes for cracks first.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from pipeline.arrays import Image, Mask
from pipeline.datasets.drawn_cracks import FLATTEST
from pipeline.datasets.generated.crack_paths import network_seen_nearer, smooth_path
from pipeline.datasets.generated.crack_truth import CrackTruth, rasterise
from pipeline.datasets.generated.pavement import fractal_noise
from pipeline.datasets.open_cracks import ragged

NARROWEST_PX, WIDEST_PX = 7.0, 26.0  # of a band; what is narrower could be a crack
FARTHEST_PX = 5.0  # of a band that the camera sees from afar
ON_NETWORKS = 0.6  # share that follows a network of cracks; the rest are single strips
NEAREST = 1.2, 5.0  # so many times nearer than a network whose cracks are a few px wide
MOST_SWAY = 0.5  # of its width, beside the crack (standard deviation)
LONGEST_TRAIL = 25.0  # half widths over which an end grows thin; a blunt one takes one
THINNEST_END = 0.1  # of the band's width
MOST_TEXTURE = 0.7  # share of the road's texture that shows through


def draw_sealed(image: Image, rng: np.random.Generator) -> tuple[Image, Mask]:
    """Draw sealant: over the cracks of a network, or one to three bands that wind across a picture or end in it.

    Args:
        image: ``(H, W, 3)`` uint8 RGB; not changed.
        rng: decides all.

    Returns:
        the new picture, and ``(H, W)`` bool, True where sealant now covers it.
    """
    height, width = image.shape[:2]
    wide = float(np.exp(rng.uniform(np.log(NARROWEST_PX), np.log(WIDEST_PX))))
    far = rng.uniform(0, 0.6)  # as a camera that looks ahead sees it: narrower at the top
    paths = _network(rng, width, height) if rng.random() < ON_NETWORKS else _strips(rng, width, height)
    bands = tuple(sealed_along(rng, path, wide * rng.uniform(0.7, 1.1), far, height) for path in paths)
    cover, _ = rasterise(bands, width, height)
    return _laid(image, ragged(cover, wide, rng), rng)


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
    return _laid(image, np.asarray(cover, np.float32) / np.float32(255), rng)


def _network(rng: np.random.Generator, width: int, height: int) -> list[CrackTruth]:
    """Cracks of one network, from so near that sealant fits between them, and as flat as a camera ahead sees them."""
    near = float(np.exp(rng.uniform(np.log(NEAREST[0]), np.log(NEAREST[1]))))
    flat = float(np.exp(rng.uniform(np.log(FLATTEST), 0)))
    return network_seen_nearer(rng, width, height, (near, near * flat))


def _strips(rng: np.random.Generator, width: int, height: int) -> list[CrackTruth]:
    """One to three bands that wind gently, half of them ending in the picture."""
    strips = []
    for _ in range(int(rng.integers(1, 4))):
        path = smooth_path(rng, width, height, 1, bend=float(rng.uniform(0.1, 0.5)))
        count = len(path.points)
        first, last = 0, count
        if count > 20 and rng.random() < 0.5:
            first = int(rng.uniform(0, 0.5) * count)
            last = max(first + 10, int(rng.uniform(0.5, 1) * count))
        strips.append(CrackTruth(path.points[first:last], path.widths[first:last], path.opacity[first:last]))
    return strips


def sealed_along(rng: np.random.Generator, path: CrackTruth, wide: float, far: float, height: int) -> CrackTruth:
    """Pour sealant along a crack: rounder than it, swaying beside it, swelling and thinning.

    Args:
        rng: decides how it sways and swells.
        path: the crack.
        wide: of the band at the picture's lower edge, px.
        far: share of the width that is lost at the upper edge, 0 to 1.
        height: of the picture, px.
    """
    step = max(path.length_px / (len(path.points) - 1), 1e-6)
    reach = 0.5 * wide / step  # points in half a width
    x, y = (gaussian_filter1d(column, min(reach, len(path.points) / 8), mode="nearest") for column in path.points.T)
    down = np.clip(y / height, 0, 1)  # 0 at the top of the picture
    local = np.maximum(FARTHEST_PX, wide * (1 - far * (1 - down)))
    aside = local * rng.uniform(0, MOST_SWAY) * _sway(rng, len(x), reach * rng.uniform(0.6, 2))
    swell = np.exp(rng.uniform(0.05, 0.35) * _sway(rng, len(x), reach * rng.uniform(0.6, 3)))
    run = np.hypot(np.gradient(x), np.gradient(y)) + 1e-6
    points = np.stack([x - aside * np.gradient(y) / run, y + aside * np.gradient(x) / run], 1)
    trails = np.maximum(reach * np.exp(rng.uniform(0, np.log(LONGEST_TRAIL), 2)), 1)
    end = np.minimum(np.arange(len(x)) / trails[0], np.arange(len(x))[::-1] / trails[1]).clip(0, 1)
    widths = local * np.clip(swell, 0.4, 2) * np.maximum(np.sqrt(1 - (1 - end) ** 2), THINNEST_END)
    return CrackTruth(points, widths, np.ones(len(x)))


def _sway(rng: np.random.Generator, count: int, memory: float) -> NDArray[np.float64]:
    """Smooth noise of unit variance along a path."""
    noise = gaussian_filter1d(rng.standard_normal(count + 64), memory, mode="reflect")[32 : 32 + count]
    return np.asarray(np.clip(noise * np.sqrt(2 * np.sqrt(np.pi) * max(memory, 0.3)), -2.5, 2.5))


def _laid(image: Image, cover: NDArray[np.float32], rng: np.random.Generator) -> tuple[Image, Mask]:
    """Lay something dark and smooth where `cover`, ``(H, W)`` 0–1, is."""
    height, width = cover.shape
    soft = np.asarray(cv2.GaussianBlur(cover, (0, 0), float(rng.uniform(0.5, 1.2))), np.float32)
    uneven = rng.uniform(0.75, 1.0) + 0.07 * fractal_noise(rng, (height, width), 2.0, 32.0, 0.4)
    amount = np.clip(soft * uneven, 0, 1)[..., None]
    tone = float(rng.uniform(0.3, 0.75))
    smooth = np.asarray(cv2.GaussianBlur(image, (0, 0), 6.0), np.float32)
    ground = smooth + rng.uniform(0, MOST_TEXTURE) * (image - smooth)
    paint = ground * tone + rng.normal(0, 2, (height, width, 1))
    drawn = np.clip(np.rint(image + amount * (paint - image)), 0, 255)
    return drawn.astype(np.uint8), soft > 0.2
