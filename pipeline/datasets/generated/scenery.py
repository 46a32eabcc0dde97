"""What lies on a road and is no crack, the light on it, and the camera above it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.generated.crack_paths import smooth_path
from pipeline.datasets.generated.crack_truth import rasterise
from pipeline.datasets.generated.pavement import Plane, Surface, fractal_noise


def add_distractors(rng: np.random.Generator, surface: Surface) -> None:
    """Joints, sealed strips, repairs, stains, wet patches and paint; often none, seldom more than three."""
    for chance, chance_concrete, add in (
        (0.10, 0.05, _repair),
        (0.08, 0.55, _joints),
        (0.14, 0.08, _sealed_strip),
        (0.12, 0.10, _paint),
        (0.35, 0.30, _oil_stains),
        (0.12, 0.15, _wet_patch),
        (0.30, 0.20, _debris),
    ):
        if rng.random() < (chance_concrete if surface.concrete else chance):
            add(rng, surface)


def add_cracks(rng: np.random.Generator, surface: Surface, coverage: Plane, ink: Plane) -> None:
    """Darken the surface where `ink` lies, with a dirty halo and chipped edges that catch the light.

    Args:
        rng: decides how deep and dirty the cracks are.
        surface: changed in place.
        coverage: ``(H, W)`` 0–1, share of the pixel inside a crack.
        ink: ``(H, W)`` 0–1, the same weighted with the opacity.
    """
    shape = (coverage.shape[0], coverage.shape[1])
    depth = rng.uniform(0.45, 0.95) * (0.85 if surface.concrete else 1.0)
    fill = np.array([0.30, 0.27, 0.23]) * rng.uniform(0.1, 1.0) * surface.albedo.mean()
    core = 0.7 + 0.3 * np.clip(cv2.GaussianBlur(coverage, (0, 0), 1.2) * 1.6, 0, 1)
    dirt = np.clip(1 - 0.22 * np.abs(fractal_noise(rng, shape, 1.5, 12.0, 0.3)), 0.45, 1)
    alpha = (depth * ink * core * dirt)[..., None]
    halo = np.asarray(cv2.GaussianBlur(ink, (0, 0), rng.uniform(1.5, 3.0)), np.float32)
    surface.albedo *= (1 - rng.uniform(0.05, 0.22) * np.clip(halo, 0, 1))[..., None]
    lip = np.clip(cv2.GaussianBlur(ink, (0, 0), 1.2) * 2 - 2 * coverage, 0, 1)
    chips = np.clip(fractal_noise(rng, shape, 2.0, 8.0, 0.2), 0, 1.5)
    surface.albedo *= (1 + rng.uniform(0.05, 0.3) * lip * chips)[..., None]
    surface.albedo += alpha * (fill.astype(np.float32) - surface.albedo)
    surface.relief *= 1 - ink
    surface.relief -= np.float32(rng.uniform(0.1, 0.6)) * ink


def shade(rng: np.random.Generator, surface: Surface) -> NDArray[np.float32]:
    """Light from one side over the relief, with gradients and soft shadows: ``(H, W, 3)`` float32, about 0–1."""
    height, width = surface.relief.shape
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.06, 0.16)
    slope_x = cv2.Sobel(surface.relief, cv2.CV_32F, 1, 0, scale=0.25)
    slope_y = cv2.Sobel(surface.relief, cv2.CV_32F, 0, 1, scale=0.25)
    light = 1 + strength * np.clip(np.cos(angle) * slope_x + np.sin(angle) * slope_y, -3, 3)
    down, right = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    tilt = rng.uniform(0, 2 * np.pi)
    light *= 1 + rng.uniform(0, 0.14) * (np.cos(tilt) * right + np.sin(tilt) * down)
    light *= 1 + 0.02 * fractal_noise(rng, (height, width), 120.0, 480.0, 1.0)
    scene = surface.albedo * light[..., None].astype(np.float32)
    if rng.random() < 0.25:
        shadow = _shadow(rng, height, width)[..., None]
        scene *= 1 - shadow * rng.uniform(0.3, 0.55) * np.array([1.04, 1.0, 0.93], np.float32)
    return np.asarray(scene, np.float32)


def photograph(rng: np.random.Generator, scene: NDArray[np.float32]) -> NDArray[np.uint8]:
    """White balance, lens, sensor and JPEG: ``(H, W, 3)`` uint8 RGB."""
    height, width = scene.shape[:2]
    cast = rng.normal(0, 0.035)
    exposure = rng.normal(1.0, 0.05)
    scene = scene * (exposure * np.array([1 - cast, 1 + rng.normal(0, 0.008), 1 + cast])).astype(np.float32)
    down, right = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    scene *= (1 - rng.uniform(0.02, 0.12) * (right**2 + down**2)[..., None]).astype(np.float32)
    scene = np.asarray(cv2.GaussianBlur(scene, (0, 0), rng.uniform(0.3, 0.55)))
    luma, chroma = rng.uniform(0.004, 0.014), rng.uniform(0.002, 0.006)
    scene += luma * rng.standard_normal((height, width, 1), np.float32)
    scene += chroma * rng.standard_normal((height, width, 3), np.float32)
    picture = np.clip(np.round(scene * 255), 0, 255).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(78, 95))]
    _, packed = cv2.imencode(".jpg", picture[..., ::-1], quality)
    return np.ascontiguousarray(np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])


def _band(rng: np.random.Generator, surface: Surface, heading: float) -> tuple[Plane, Plane]:
    """Signed distance across and position along a straight line through the frame, two ``(H, W)`` planes, px."""
    height, width = surface.relief.shape
    y, x = np.mgrid[0.5:height, 0.5:width].astype(np.float32)
    x0, y0 = np.array([width, height]) * rng.uniform(0.1, 0.9, 2)
    across = -(x - x0) * np.sin(heading) + (y - y0) * np.cos(heading)
    along = (x - x0) * np.cos(heading) + (y - y0) * np.sin(heading)
    return across.astype(np.float32), along.astype(np.float32)


def _heading(rng: np.random.Generator) -> float:
    return float(rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.06))


def _cover(surface: Surface, amount: Plane, tone: float, colour: tuple[float, float, float], flatten: float) -> None:
    paint = np.float32(tone) * np.array(colour, np.float32)
    surface.albedo += amount[..., None] * (paint - surface.albedo)
    surface.relief *= 1 - flatten * amount


def _joints(rng: np.random.Generator, surface: Surface) -> None:
    heading, half = _heading(rng), rng.uniform(0.8, 2.2)
    shape = (surface.relief.shape[0], surface.relief.shape[1])
    depth = rng.uniform(0.35, 0.75)
    for turn in (0.0, np.pi / 2)[: 1 + int(rng.random() < 0.3)]:
        across, _ = _band(rng, surface, heading + turn)
        rough = np.abs(across) + 0.2 * fractal_noise(rng, shape, 3.0, 24.0, 0.5)
        groove = np.clip(half - rough + 0.5, 0, 1)
        bevel = np.clip(half + 2.5 - rough, 0, 1) - groove
        surface.albedo *= (1 - depth * groove + 0.07 * bevel)[..., None]
        surface.relief *= 1 - groove


def _sealed_strip(rng: np.random.Generator, surface: Surface) -> None:
    height, width = surface.relief.shape
    shape = (height, width)
    strip = smooth_path(rng, width, height, rng.uniform(8, 20))
    coverage, _ = rasterise((strip,), width, height)
    soft = np.asarray(cv2.GaussianBlur(coverage, (0, 0), 1.0), np.float32)
    soft *= np.clip(rng.uniform(0.8, 1.0) + 0.06 * fractal_noise(rng, shape, 2.0, 32.0, 0.4), 0, 1)
    _cover(surface, soft, rng.uniform(0.35, 0.6) * float(surface.albedo.mean()), (0.98, 1.0, 1.02), 0.75)


def _paint(rng: np.random.Generator, surface: Surface) -> None:
    shape = (surface.relief.shape[0], surface.relief.shape[1])
    across, along = _band(rng, surface, _heading(rng))
    half = rng.uniform(10, 26)
    edge = np.clip(half - np.abs(across) + 0.8 * fractal_noise(rng, shape, 2.0, 12.0, 0.4), 0, 1)
    if rng.random() < 0.4:
        edge *= np.clip(along + 0.8 * fractal_noise(rng, shape, 2.0, 12.0, 0.4), 0, 1)
    worn = fractal_noise(rng, shape, 2.0, 64.0, 0.35) - 0.5 * surface.relief
    kept = np.clip(rng.uniform(0.7, 2.2) - 0.8 * worn, 0, 1) * edge * rng.uniform(0.75, 0.95)
    colour = (1.0, 0.80, 0.42) if rng.random() < 0.25 else (1.0, 1.0, 0.97)
    _cover(surface, kept.astype(np.float32), rng.uniform(0.72, 0.88), colour, 0.5)


def _blob(rng: np.random.Generator, surface: Surface, radius: float, raggedness: float, softness: float) -> Plane:
    """A ragged, soft-edged spot somewhere in the frame, ``(H, W)`` float32 0–1."""
    height, width = surface.relief.shape
    y, x = np.mgrid[0.5:height, 0.5:width].astype(np.float32)
    x0, y0 = np.array([width, height]) * rng.uniform(0, 1, 2)
    turn, squash = rng.uniform(0, np.pi), rng.uniform(0.5, 1.0)
    u = (x - x0) * np.cos(turn) + (y - y0) * np.sin(turn)
    v = ((y - y0) * np.cos(turn) - (x - x0) * np.sin(turn)) / squash
    ragged = raggedness * radius * fractal_noise(rng, (height, width), max(2.0, radius / 8), radius * 2, 0.8)
    return np.asarray(np.clip((radius - np.hypot(u, v) + ragged) / softness + 0.5, 0, 1), np.float32)


def _oil_stains(rng: np.random.Generator, surface: Surface) -> None:
    for _ in range(int(rng.integers(1, 5))):
        radius = float(np.exp(rng.normal(np.log(9), 0.6)))
        spot = _blob(rng, surface, radius, 0.3, radius * 0.8)
        tint = np.array([1.0, 1.05, 1.12], np.float32)
        surface.albedo *= 1 - rng.uniform(0.1, 0.4) * spot[..., None] * tint
        surface.relief *= 1 - 0.4 * spot


def _wet_patch(rng: np.random.Generator, surface: Surface) -> None:
    wet = _blob(rng, surface, float(rng.uniform(40, 110)), 0.35, 6.0)
    surface.albedo *= 1 - rng.uniform(0.18, 0.38) * wet[..., None] * np.array([1.04, 1.0, 0.95], np.float32)
    surface.relief *= 1 + 0.3 * wet


def _repair(rng: np.random.Generator, surface: Surface) -> None:
    """Part of the frame was laid anew: another tone, finer relief and a dark seam."""
    shape = (surface.relief.shape[0], surface.relief.shape[1])
    across, _ = _band(rng, surface, _heading(rng))
    across += 1.2 * fractal_noise(rng, shape, 4.0, 60.0, 0.7)
    new = np.clip(across + 0.5, 0, 1)
    surface.albedo *= (1 - rng.uniform(0.08, 0.25) * new)[..., None]
    seam = np.exp(-((across / rng.uniform(1.5, 3.0)) ** 2))
    surface.albedo *= (1 - rng.uniform(0.1, 0.3) * seam)[..., None]


def _debris(rng: np.random.Generator, surface: Surface) -> None:
    """Grit, bits of leaf and chewing gum: small spots, brighter or darker than the road."""
    for _ in range(int(rng.integers(1, 5))):
        spot = _blob(rng, surface, float(rng.uniform(1.5, 4.5)), 0.15, 1.2)
        colour = [(1.0, 0.98, 0.93), (1.0, 0.85, 0.6), (0.9, 1.0, 0.7)][int(rng.integers(3))]
        _cover(surface, spot, float(rng.uniform(0.25, 0.8)), colour, 0.8)


def _shadow(rng: np.random.Generator, height: int, width: int) -> Plane:
    """Of a tree, a pole or a car's side, ``(H, W)`` float32 0–1."""
    y, x = np.mgrid[0.5:height, 0.5:width].astype(np.float32)
    heading = rng.uniform(0, np.pi)
    x0, y0 = np.array([width, height]) * rng.uniform(0.15, 0.85, 2)
    across = -(x - x0) * np.sin(heading) + (y - y0) * np.cos(heading)
    kind = rng.choice(["tree", "pole", "edge"], p=[0.45, 0.2, 0.35])
    if kind == "tree":
        crown = fractal_noise(rng, (height, width), 4.0, 16.0, 0.4) + across / 90
        leaves = 0.5 + 0.8 * crown + 0.9 * fractal_noise(rng, (height, width), 20.0, 160.0, 0.8)
        return np.asarray(cv2.GaussianBlur(np.clip(leaves, 0, 1), (0, 0), rng.uniform(1.0, 3.0)), np.float32)
    if kind == "pole":
        return np.asarray(np.clip((rng.uniform(8, 22) - np.abs(across)) / rng.uniform(3, 8) + 0.5, 0, 1), np.float32)
    bulge = rng.uniform(0.0, 0.0015) * ((x - x0) * np.cos(heading) + (y - y0) * np.sin(heading)) ** 2
    return np.asarray(np.clip((across - bulge) / rng.uniform(3, 10) + 0.5, 0, 1), np.float32)
