"""Wide open cracks drawn onto photographs and generated pictures, so that every one of their pixels is known.

Seen from near, a crack is not a dark line but an opening: its edges are ragged and one of them is lit, what lies deep
in it is nearly black or filled with grit. Free photographs hold hardly any, and a network that knows none leaves out
the very middle of the widest cracks.
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Image, Mask
from pipeline.datasets.drawn_cracks import THINNEST_PX
from pipeline.datasets.generated.crack_paths import network_seen_nearer
from pipeline.datasets.generated.crack_truth import CrackTruth, clip_to_frame, rasterise
from pipeline.datasets.generated.pavement import fractal_noise
from pipeline.datasets.road_surface import texture_of

NARROWEST_PX, WIDEST_PX = 4.0, 64.0  # of the main crack, near enough
USUAL_PX = 2.7  # how wide a network's main crack is before it is seen from nearer
NEAREST = 8.0  # so many times nearer at most; wider ones are drawn wider
NETWORKS_BELOW_PX = 14.0  # only cracks narrower than that form networks with others
FAINTEST, DARKEST = 0.25, 0.97  # share of the light that is missing deep inside; the first of one without width
WIDE_FAINTEST = 0.8  # the same, of cracks too wide for a network: poured sealant leaves more light
TAPERED = 5.0  # so many widths before its end a crack grows thin
LEAST_CONTRAST = 1.5  # darkness, in standard deviations of the road's texture
SHALLOWEST_PX, DEEPEST_PX = 0.7, 6.0  # so far from the edge most of the light is gone
GRITTY = 0.35  # share of the pictures whose cracks hold grit

Plane = NDArray[np.float32]


def draw_open_cracks(image: Image, road: Mask, rng: np.random.Generator) -> tuple[Image, Mask]:
    """Draw a wide crack, or a few narrower ones, onto what is road.

    Args:
        image: ``(H, W, 3)`` uint8 RGB; not changed.
        road: ``(H, W)`` bool, not empty: where it may be drawn upon.
        rng: decides all.

    Returns:
        the new picture, and ``(H, W)`` bool, True on the cracks.
    """
    height, width = image.shape[:2]
    wide = math.exp(rng.uniform(math.log(NARROWEST_PX), math.log(WIDEST_PX)))
    cover, _ = rasterise(_cracks(rng, width, height, wide), width, height)
    cover = ragged(cover, wide, rng)
    soft = _blurred(cover, rng.uniform(0.5, 1.6)) * road
    least = FAINTEST + (WIDE_FAINTEST - FAINTEST) * min(1.0, wide / NETWORKS_BELOW_PX)
    dark = float(np.clip(rng.uniform(least, DARKEST), LEAST_CONTRAST * texture_of(image, road), DARKEST))
    drawn = image * (1 + _slopes(cover, wide, rng) * road)[..., None]
    drawn *= 1 - (dark * soft * _depth(cover, rng))[..., None]
    if rng.random() < GRITTY:
        drawn += _grit(image, cover, rng) * soft[..., None]
    return np.clip(drawn, 0, 255).astype(np.uint8), (cover >= 0.5) & road


def _cracks(rng: np.random.Generator, width: int, height: int, wide: float) -> tuple[CrackTruth, ...]:
    """One to three networks whose main crack is about `wide` px wide."""
    near = min(NEAREST, max(1.0, wide / USUAL_PX))
    wider = wide / (USUAL_PX * near)
    many = int(rng.integers(1, 4)) if wide < NETWORKS_BELOW_PX else 1
    near_by = network_seen_nearer(rng, width, height, (near, near), many)
    seen = [_tapered(crack, wider, width, height) for crack in near_by]
    return tuple(part for crack in seen for part in clip_to_frame(crack, width, height))


def _tapered(crack: CrackTruth, wider: float, width: int, height: int) -> CrackTruth:
    """The same crack so much wider, thinning out where it ends in the picture."""
    widths = crack.widths * wider
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(crack.points, axis=0).T))])
    ends = [
        left / (TAPERED * widths.mean()) + 0.1
        for left, end in ((run, crack.points[0]), (run[-1] - run, crack.points[-1]))
        if (end > 2).all() and (end < (width - 2, height - 2)).all()
    ]
    thin = np.min([np.ones(len(run)), *ends], axis=0) ** 0.7
    return replace(crack, widths=np.maximum(widths * thin, THINNEST_PX))


def ragged(cover: Plane, wide: float, rng: np.random.Generator) -> Plane:
    """Shift every pixel a little, so that stones stand out of the edges: coverage ``(H, W)`` 0–1."""
    height, width = cover.shape
    reach = min(rng.uniform(0.05, 0.25) * wide, 6.0)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    shift_x, shift_y = (reach * 0.6 * fractal_noise(rng, (height, width), 2.0, 24.0, 0.5) for _ in range(2))
    return np.asarray(cv2.remap(cover, x + shift_x, y + shift_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _depth(cover: Plane, rng: np.random.Generator) -> Plane:
    """How much of the darkness is reached, ``(H, W)`` 0–1: little at the edges, all of it in the middle."""
    inside = cv2.copyMakeBorder((cover >= 0.5).view(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    away = np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, 5), np.float32)[1:-1, 1:-1]
    scale = math.exp(rng.uniform(math.log(SHALLOWEST_PX), math.log(DEEPEST_PX)))
    return np.asarray(1 - rng.uniform(0.2, 0.7) * np.exp(-away / scale), np.float32)


def _slopes(cover: Plane, wide: float, rng: np.random.Generator) -> Plane:
    """Light on the edges, ``(H, W)``, the share added: the one that faces the sun is lit, the other dark and dirty."""
    blur = _blurred(cover, min(0.6 + 0.08 * wide, 3.0))
    down, right = np.gradient(blur)
    angle = rng.uniform(0, 2 * np.pi)
    facing = math.cos(angle) * right + math.sin(angle) * down
    steepest = max(float(np.abs(facing).max()), 1e-6)
    return np.asarray(rng.uniform(0, 0.4) * facing / steepest - rng.uniform(0, 0.2) * blur, np.float32)


def _grit(image: Image, cover: Plane, rng: np.random.Generator) -> NDArray[np.float32]:
    """Soil and stones that fill a part of the opening, ``(H, W, 3)``: what they add where the dark has taken all."""
    height, width = cover.shape
    filled = np.clip(fractal_noise(rng, (height, width), 4.0, 48.0, 0.6) + rng.uniform(-1.5, 0.5), 0, 1)
    stones = 1 + 0.25 * fractal_noise(rng, (height, width), 1.5, 8.0, 0.2)
    tone = image.reshape(-1, 3).mean(0) * rng.uniform(0.25, 0.6) * (1, rng.uniform(0.85, 1), rng.uniform(0.7, 1))
    return np.asarray((filled * stones)[..., None] * tone, np.float32)


def _blurred(plane: Plane, sigma: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), float(sigma)), np.float32)
