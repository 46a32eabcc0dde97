"""Cracked surfaces under a low sun, drawn onto photographs and generated pictures: every crack pixel is known.

Near the ground, and with the sun low, a road shows its relief: each stone has a lit and a shaded side, and so has a
crack, which is then no dark line but a step whose shade is hardly darker than that between the stones. Free
photographs, taken from well above or in diffuse light, hold none of it.
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Image, Mask
from pipeline.datasets.generated.crack_paths import network_seen_nearer
from pipeline.datasets.generated.crack_truth import CrackTruth, clip_to_frame, rasterise
from pipeline.datasets.generated.pavement import fractal_noise
from pipeline.datasets.open_cracks import ragged

NARROWEST_PX, WIDEST_PX = 3.0, 16.0  # of the main crack, near enough
USUAL_PX = 2.7  # how wide a network's main crack is before it is seen from nearer
THINNEST_PX = 2.0
UNCRACKED = 0.2  # share of the surfaces without a crack: relief alone is none
FINEST_PX, COARSEST_PX = 2.5, 14.0  # size of the stones
SHALLOWEST, DEEPEST = 1.5, 6.0  # of the cracks, in standard deviations of the stones' height
SMOOTHEST, ROUGHEST = 0.12, 0.45  # height of a stone (standard deviation) by its size
LOWEST_SUN, HIGHEST_SUN = 0.35, 1.2  # tangent of its height above the road
DIMMEST_SKY, BRIGHTEST_SKY = 0.35, 0.8  # share of the light that comes from all sides
LEAST_HIDDEN, MOST_HIDDEN = 0.0, 0.7  # share of it that does not reach into a crack
LONGEST_SHADOW_PX = 14
LEAST_CONTRAST = 0.5  # of cracks, darkness in standard deviations of the road beside them

Plane = NDArray[np.float32]


def draw_relief(image: Image, road: Mask, rng: np.random.Generator) -> tuple[Image, Mask]:
    """Give the road a relief, most often with a network of cracks in it, and let a low sun shine on it.

    Args:
        image: ``(H, W, 3)`` uint8 RGB; not changed.
        road: ``(H, W)`` bool, not empty: where it may be drawn upon.
        rng: decides all.

    Returns:
        the new picture, and ``(H, W)`` bool, True on the cracks.
    """
    height, width = image.shape[:2]
    stone = math.exp(rng.uniform(math.log(FINEST_PX), math.log(COARSEST_PX)))
    wide = math.exp(rng.uniform(math.log(NARROWEST_PX), math.log(WIDEST_PX)))
    cover = np.zeros((height, width), np.float32)
    if rng.random() >= UNCRACKED:
        cover, _ = rasterise(_cracks(rng, width, height, wide), width, height)
        cover = ragged(cover, wide, rng)
    soft = np.asarray(cv2.GaussianBlur(cover, (0, 0), float(rng.uniform(0.6, 0.6 + 0.1 * wide))), np.float32)
    stones = _stones(rng, (height, width), stone) * np.float32(stone * rng.uniform(SMOOTHEST, ROUGHEST))
    light = _light(_carved(stones, soft, rng), soft, rng)
    light = 1 + (light / float(light[road].mean()) - 1) * road
    cracked = (cover >= 0.5) & road
    light *= 1 - _lacking(image, light, cracked, road) * soft * road
    return np.clip(image * light[..., None], 0, 255).astype(np.uint8), cracked


def _cracks(rng: np.random.Generator, width: int, height: int, wide: float) -> tuple[CrackTruth, ...]:
    """One to three networks whose main crack is about `wide` px wide."""
    near = max(1.0, wide / USUAL_PX)
    seen = network_seen_nearer(rng, width, height, (near, near), int(rng.integers(1, 4)))
    thick = [replace(crack, widths=np.maximum(crack.widths, THINNEST_PX)) for crack in seen]
    return tuple(part for crack in thick for part in clip_to_frame(crack, width, height))


def _stones(rng: np.random.Generator, shape: tuple[int, int], stone: float) -> Plane:
    """Height of an uncracked surface, ``(H, W)``, unit standard deviation: stones, worn flat or not, and pits."""
    rough = fractal_noise(rng, shape, max(1.5, stone / 3), 2 * stone, rng.uniform(0.2, 0.8))
    worn = np.minimum(rough, rng.uniform(-0.3, 2.0))
    wavy = worn + 0.3 * fractal_noise(rng, shape, 8 * stone, 32 * stone, 0.5)
    return np.asarray((wavy - wavy.mean()) / wavy.std(), np.float32)


def _carved(stones: Plane, soft: Plane, rng: np.random.Generator) -> Plane:
    """The surface with the cracks cut into it; deep in a crack the stones lie hidden."""
    depth = np.float32(rng.uniform(SHALLOWEST, DEEPEST) * stones.std())
    return np.asarray(stones * (1 - 0.6 * soft) - depth * soft, np.float32)


def _light(surface: Plane, cracks: Plane, rng: np.random.Generator) -> Plane:
    """Light on a surface whose height is in px, ``(H, W)``: the sun by Lambert's law, cast shadows, the sky."""
    angle, low = rng.uniform(0, 2 * np.pi), rng.uniform(LOWEST_SUN, HIGHEST_SUN)
    to_sun = math.cos(angle), math.sin(angle)
    down, right = np.gradient(surface)
    lit = (low - to_sun[0] * right - to_sun[1] * down) / np.sqrt((1 + low**2) * (1 + right**2 + down**2))
    shade = np.full_like(surface, -np.inf)
    for away in range(1, LONGEST_SHADOW_PX + 1):
        moved = np.array([[1, 0, -away * to_sun[0]], [0, 1, -away * to_sun[1]]])
        higher = cv2.warpAffine(surface, moved, surface.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
        shade = np.maximum(shade, higher - away * low - surface)
    direct = np.clip(lit, 0, None) * (1 - np.clip(2 * shade, 0, 1))
    sky = rng.uniform(DIMMEST_SKY, BRIGHTEST_SKY)
    hidden = rng.uniform(LEAST_HIDDEN, MOST_HIDDEN) * cracks
    return np.asarray(sky * (1 - hidden) + (1 - sky) * direct * math.sqrt(1 + low**2) / low, np.float32)


def _lacking(image: Image, light: Plane, cracked: Mask, road: Mask) -> float:
    """Share of the light that cracks have to lose to be seen at all, 0 to 1."""
    beside = road & ~cracked
    if not cracked.any() or not beside.any():
        return 0.0
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32) * light
    tone = float(grey[cracked].mean())
    wanted = float(grey[beside].mean()) - LEAST_CONTRAST * float(grey[beside].std())
    return min(1.0, max(0.0, (tone - wanted) / max(tone, 1.0)))
