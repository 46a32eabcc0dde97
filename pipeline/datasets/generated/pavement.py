"""Road surfaces without cracks: stones in a binder, at several scales, with colour and relief."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]  # (H, W)


@dataclass(slots=True)
class Surface:
    """A road seen from above under even light; later layers change it in place.

    Attributes:
        albedo: ``(H, W, 3)`` float32 RGB, about 0–1.
        relief: ``(H, W)`` float32, height above the mean, px.
        concrete: whether slabs and joints suit it.
    """

    albedo: NDArray[np.float32]
    relief: Plane
    concrete: bool


@dataclass(frozen=True, slots=True)
class Recipe:
    """One type of road. Tones are 0–1; pitch is the distance between stones, px; each stone layer lies on those before.

    Attributes:
        weight: share of pictures.
        tone: lowest and highest mean tone.
        layers: ``(pitch, cover, contrast)`` of each layer of stones.
        grain: standard deviation of the binder's fine grain.
        mottle: standard deviation of the large patches, relative to the tone.
        warmth: lowest and highest red-to-blue excess.
        depth: relief of a stone, px.
    """

    weight: float
    tone: tuple[float, float]
    layers: tuple[tuple[float, float, float], ...]
    grain: float
    mottle: float
    warmth: tuple[float, float]
    depth: float
    concrete: bool = False


RECIPES = {
    "worn asphalt": Recipe(
        0.48, (0.46, 0.58), ((1.9, 0.7, 0.075), (3.1, 0.4, 0.075), (5.5, 0.07, 0.08)), 0.04, 0.02, (-0.08, 0.12), 0.7
    ),
    "fresh asphalt": Recipe(
        0.17, (0.24, 0.36), ((2.0, 0.7, 0.06), (3.6, 0.45, 0.05), (6.5, 0.1, 0.05)), 0.03, 0.03, (-0.08, 0.03), 0.9
    ),
    "coarse asphalt": Recipe(
        0.18, (0.38, 0.52), ((2.0, 0.6, 0.07), (3.8, 0.5, 0.10), (7.0, 0.4, 0.08)), 0.035, 0.04, (-0.05, 0.12), 0.9
    ),
    "concrete": Recipe(
        0.17, (0.60, 0.72), ((2.2, 0.4, 0.04), (3.2, 0.03, -0.05)), 0.03, 0.035, (0.0, 0.09), 0.25, concrete=True
    ),
}


def lay_pavement(rng: np.random.Generator, width: int, height: int, near: float = 1) -> Surface:
    """A road of a type drawn from `RECIPES`, seen from `near` times nearer.

    Stones grow by the root of that alone: where cracks are wide, roads are as often fine as coarse.
    """
    recipes = list(RECIPES.values())
    recipe = recipes[int(rng.choice(len(recipes), p=[r.weight for r in recipes]))]
    shape = (height, width)
    scale = rng.uniform(0.9, 1.25) * near**0.5  # distance of the camera
    tone = rng.uniform(*recipe.tone)
    grain = fractal_noise(rng, shape, 1.0, 3.0, 0.3)
    value = tone * (1 - 0.12 * (not recipe.concrete)) + recipe.grain * grain
    relief = 0.25 * recipe.depth * fractal_noise(rng, shape, 1.2, 6.0, 1.0)
    tint = np.zeros(shape, np.float32)
    wear = np.clip(1 + 0.25 * fractal_noise(rng, shape, 24.0, 200.0, 1.0), 0.4, 1.5)
    for pitch, cover, contrast in recipe.layers:
        stone, tones, hues = _stones(rng, shape, pitch * scale, cover)
        stone *= np.minimum(wear, 1)
        lift = 0.55 * abs(contrast) + contrast * tones * (1 if contrast > 0 else -1)
        value += stone * (tone + (lift if contrast > 0 else -2.5 * abs(lift)) - value)
        tint += stone * (hues - tint)
        relief += (1 if contrast > 0 else -2.0) * recipe.depth * pitch / 4 * stone
    value *= 1 + recipe.mottle * fractal_noise(rng, shape, 16.0, 240.0, 0.9)
    if recipe.concrete:
        value += 0.012 * _broom_lines(rng, shape)
    warmth = rng.uniform(*recipe.warmth) + 0.012 * fractal_noise(rng, shape, 30.0, 240.0, 1.0) + 0.035 * tint
    colour = np.stack([1 + warmth / 2, np.ones(shape, np.float32), 1 - warmth / 2], -1)
    return Surface((value[..., None] * colour).astype(np.float32), relief.astype(np.float32), recipe.concrete)


def _stones(rng: np.random.Generator, shape: tuple[int, int], pitch: float, cover: float) -> tuple[Plane, Plane, Plane]:
    """Stones as shrunken Voronoi cells of a shaken grid.

    Returns:
        Three planes, ``(H, W)``: how much of the pixel is stone (0–1), its stone's tone (unit variance, with a few
        much brighter ones) and its stone's hue (unit variance).
    """
    height, width = shape
    rows, columns = np.mgrid[-0.5 : height / pitch + 1, -0.5 : width / pitch + 1]
    shaken = (np.stack([rows, columns], -1) + rng.uniform(-0.5, 0.5, (*rows.shape, 2))) * pitch
    spots = np.clip(shaken.reshape(-1, 2), 0, [height - 1, width - 1]).astype(np.intp)
    free = np.full(shape, 255, np.uint8)
    free[spots[:, 0], spots[:, 1]] = 0
    distance, labels = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    count = len(spots) + 1
    radius = rng.uniform(0.35, 0.8, count) * pitch
    radius[rng.random(count) > cover] = -9
    ragged = distance + 0.16 * pitch * fractal_noise(rng, shape, 1.5, 1.5, 0)
    stone = np.clip(radius.astype(np.float32)[labels] - ragged + 0.5, 0, 1)
    edge = (labels[:, 1:] != labels[:, :-1])[:-1] | (labels[1:] != labels[:-1])[:, :-1]
    stone[:-1, :-1][edge] *= 0.45
    tones = rng.standard_normal(count) + 2.2 * (rng.random(count) < 0.04)
    hues = rng.standard_normal(count)
    return stone.astype(np.float32), tones.astype(np.float32)[labels], hues.astype(np.float32)[labels]


def _broom_lines(rng: np.random.Generator, shape: tuple[int, int]) -> Plane:
    """Fine brushed streaks of a concrete finish, across or along the picture, unit variance."""
    noise = rng.standard_normal(shape, np.float32)
    kernel = (61, 1) if rng.random() < 0.5 else (1, 61)
    streaks = np.asarray(cv2.blur(noise, kernel), np.float32)
    return np.asarray(streaks / streaks.std(), np.float32)


def fractal_noise(
    rng: np.random.Generator, shape: tuple[int, int], finest: float, coarsest: float, roughness: float
) -> Plane:
    """Smooth random field, ``(H, W)`` float32, zero mean and unit standard deviation.

    Args:
        rng: decides everything.
        shape: ``(H, W)`` px.
        finest: wavelength of the finest octave, px.
        coarsest: wavelength of the coarsest octave, px.
        roughness: amplitude grows with wavelength to this power; 0 gives all octaves the same weight.
    """
    height, width = shape
    octaves = max(0, round(float(np.log2(coarsest / finest))))
    field = np.zeros((2, 2), np.float32)
    for level in range(octaves, -1, -1):  # coarse to fine, so that all octaves together cost little more than one
        wave = finest * 2**level
        size = (int(height / wave) + 4, int(width / wave) + 4)
        grid = rng.standard_normal(size, np.float32) * np.float32(2.0 ** (level * roughness))
        field = grid + np.asarray(cv2.resize(field, size[::-1], interpolation=cv2.INTER_CUBIC), np.float32)
    if finest > 1:
        large = (round(field.shape[1] * finest), round(field.shape[0] * finest))
        field = np.asarray(cv2.resize(field, large, interpolation=cv2.INTER_CUBIC), np.float32)
    field = field[1 : 1 + height, 1 : 1 + width]
    field -= field.mean()
    return np.asarray(field / max(float(field.std()), 1e-6), np.float32)
