"""How cracks run: branching random walks, and the cells of map cracking."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter
from scipy.spatial import Voronoi

from pipeline.datasets.generated.crack_truth import CrackTruth, clip_to_frame, split_runs

Floats = NDArray[np.float64]

MIN_WIDTH_PX = 1.0
MAX_WIDTH_PX = 6.0
STEP_PX = 2.5
LEAST_PX = 48  # a frame of less has no room for a network


def crack_network(rng: np.random.Generator, width: int, height: int) -> tuple[CrackTruth, ...]:
    """Cracks of one picture: map cracking, or transverse, longitudinal and wandering walks with branches.

    Args:
        rng: decides everything.
        width: of the frame, px.
        height: of the frame, px.

    Returns:
        Stretches inside the frame, at least one. Their summed area is near a share of the frame drawn around 1.5 %,
        the range of CrackForest's masks.
    """
    share = float(np.clip(np.exp(rng.normal(np.log(0.0145), 0.4)), 0.009, 0.04))
    base_width = float(np.clip(np.exp(rng.normal(np.log(2.7), 0.25)), 1.3, 4.0))
    found: list[CrackTruth] = []
    if rng.random() < 0.12:
        found += _clip_all(_map_cracks(rng, width, height, min(base_width, 2.2)), width, height)
    heading = rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)], p=[0.5, 0.25, 0.25])
    for _ in range(12):
        if found and sum(crack.area_px for crack in found) >= 0.8 * share * width * height:
            break
        crack_width = base_width * (1.0 if not found else rng.uniform(0.5, 0.9))
        found += _clip_all(_walk_across(rng, width, height, heading, crack_width), width, height)
        if rng.random() < 0.3:
            heading += np.pi / 2
    return tuple(found)


def network_seen_nearer(
    rng: np.random.Generator, width: int, height: int, nearer: tuple[float, float], networks: int = 1
) -> list[CrackTruth]:
    """Cracks of one network, or of several, seen from so many times nearer across and down; they may leave the frame.

    Args:
        rng: decides everything.
        width: of the frame, px.
        height: of the frame, px.
        nearer: how many times as large they are as `crack_network` draws them, across and down.
        networks: how many lie over each other.
    """
    size = max(LEAST_PX, round(width / nearer[0])), max(LEAST_PX, round(height / nearer[1]))
    grown = width / size[0], height / size[1]
    flat = [crack for _ in range(networks) for crack in crack_network(rng, *size)]
    return [seen_nearer(rng, crack, grown) for crack in flat]


def seen_nearer(rng: np.random.Generator, crack: CrackTruth, grown: tuple[float, float]) -> CrackTruth:
    """The same crack so much larger across and down, its centre line smooth and its edges ragged at the new scale."""
    near = float(np.sqrt(grown[0] * grown[1]))
    count = len(crack.points)
    at = np.linspace(0, count - 1, max(count, round((count - 1) * near) + 1))
    x, y, widths, opacity = (
        gaussian_filter1d(np.interp(at, np.arange(count), column), 0.6 * near, mode="nearest")
        for column in (*(crack.points * grown).T, crack.widths * near, crack.opacity)
    )
    ragged = np.exp(0.1 * _wander(rng, len(at), 2.0) + 0.1 * _wander(rng, len(at), 6.0))
    return CrackTruth(np.stack([x, y], 1), widths * ragged, opacity)


def smooth_path(rng: np.random.Generator, width: int, height: int, width_px: float, bend: float = 0.12) -> CrackTruth:
    """One gently winding band across the frame, such as a sealed strip; reaches past the frame."""
    start, heading, length = _entry(rng, width, height, float(rng.choice([0.0, np.pi / 2])))
    points = _walk(rng, start, heading, length, bend=bend, jitter=0.1)
    widths = width_px * np.exp(0.12 * _wander(rng, len(points), 30.0))
    return CrackTruth(points, widths, np.ones(len(points)))


def _walk_across(
    rng: np.random.Generator, width: int, height: int, heading: float, width_px: float
) -> list[CrackTruth]:
    start, direction, length = _entry(rng, width, height, heading + rng.normal(0, 0.15))
    if rng.random() < 0.35:
        length *= rng.uniform(0.4, 0.8)
    return _grow(rng, start, direction, length, width_px, depth=0)


def _entry(rng: np.random.Generator, width: int, height: int, heading: float) -> tuple[Floats, float, float]:
    """Start outside the frame so that a straight line would pass near its middle; returns start, heading, length."""
    direction = np.array([np.cos(heading), np.sin(heading)])
    if rng.random() < 0.5:
        heading, direction = heading + np.pi, -direction
    through = np.array([width, height]) * rng.uniform(0.15, 0.85, 2)
    steep = np.where(np.abs(direction) < 1e-9, 1e-9, direction)
    reach = np.min(np.where(steep > 0, through, through - [width, height]) / steep)
    length = abs(width * direction[0]) + abs(height * direction[1])
    return through - direction * (reach + 4), heading, float(length) * 1.1


def _grow(
    rng: np.random.Generator, start: Floats, heading: float, length: float, width_px: float, depth: int
) -> list[CrackTruth]:
    points = _walk(rng, start, heading, length, bend=0.4, jitter=0.55)
    count = len(points)
    taper = np.minimum(1.0, 0.45 + np.linspace(1.0, 0.0, count) * length / 90)
    slow, fast = _wander(rng, count, 25.0), _wander(rng, count, 1.5)
    widths = np.clip(width_px * taper * np.exp(0.25 * slow + 0.22 * fast), MIN_WIDTH_PX, MAX_WIDTH_PX)
    opacity = np.clip(0.88 + 0.16 * _wander(rng, count, 20.0) + 0.1 * slow, 0.4, 1.0) * (0.6 + 0.4 * taper)
    found = _interrupt(rng, CrackTruth(points, widths, opacity))
    if depth < 2:
        for at in np.flatnonzero(rng.random(count) < STEP_PX / (260 + 100 * depth)):
            turn = rng.choice([-1, 1]) * rng.uniform(0.5, 1.3)
            child = rng.uniform(0.15, 0.5) * length
            if child > 15:
                span = points[min(int(at) + 4, count - 1)] - points[max(int(at) - 4, 0)]
                here = np.arctan2(span[1], span[0])
                narrow = max(MIN_WIDTH_PX, rng.uniform(0.55, 0.9) * width_px)
                found += _grow(rng, points[at], float(here + turn), float(child), narrow, depth + 1)
    return found


def _walk(rng: np.random.Generator, start: Floats, heading: float, length: float, bend: float, jitter: float) -> Floats:
    count = max(3, round(length / STEP_PX))
    turn = np.clip(bend * _wander(rng, count, 14.0), -1.1, 1.1)  # or it would double back on itself
    angle = heading + turn + jitter * np.clip(_wander(rng, count, 1.2), -1.8, 1.8)
    steps = STEP_PX * rng.uniform(0.6, 1.4, count)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return np.asarray(np.concatenate([start[None], start + np.cumsum(steps, axis=0)]), dtype=np.float64)


def _wander(rng: np.random.Generator, count: int, memory: float) -> Floats:
    """Unit-variance Gauss–Markov noise, ``(count,)``, correlated over `memory` steps."""
    keep = np.exp(-1.0 / memory)
    noise = rng.standard_normal(count) * np.sqrt(1 - keep**2)
    noise[0] = rng.standard_normal()
    return np.asarray(lfilter([1.0], [1.0, -keep], noise), dtype=np.float64)


def _interrupt(rng: np.random.Generator, crack: CrackTruth) -> list[CrackTruth]:
    """Leave out a stretch now and then, and let others fade."""
    count = len(crack.points)
    opacity, kept = crack.opacity.copy(), np.ones(count, bool)
    for at in np.flatnonzero(rng.random(count) < STEP_PX / 220):
        stop = at + int(rng.integers(4, 18))
        opacity[at:stop] *= rng.uniform(0.55, 0.8)
        if rng.random() < 0.2:
            kept[at + 1 : at + 4] = False
    return split_runs(CrackTruth(crack.points, crack.widths, opacity), kept)


def _map_cracks(rng: np.random.Generator, width: int, height: int, width_px: float) -> list[CrackTruth]:
    """Alligator cracking: rough edges of Voronoi cells inside a patch."""
    centre = np.array([width, height]) * rng.uniform(0.25, 0.75, 2)
    radii = min(width, height) * rng.uniform([0.3, 0.18], [0.6, 0.32])
    pitch = rng.uniform(24, 40)
    reach = radii.max() + 2 * pitch
    grid = np.stack(np.meshgrid(*2 * [np.arange(-reach, reach, pitch)]), -1).reshape(-1, 2)
    cells = Voronoi(grid + rng.uniform(-0.48, 0.48, grid.shape) * pitch)
    found: list[CrackTruth] = []
    for ends in np.asarray([r for r in cells.ridge_vertices if -1 not in r]):
        first, last = cells.vertices[ends]
        inside = (((first + last) / 2 / radii) ** 2).sum()
        if inside > rng.uniform(0.6, 1.15) or rng.random() < 0.08 or np.hypot(*(last - first)) < 4:
            continue
        points = centre + _rough_line(rng, first, last)
        widths = width_px * rng.uniform(0.7, 1.1) * np.exp(0.2 * _wander(rng, len(points), 2.0))
        fade = np.full(len(points), rng.uniform(0.55, 1.0))
        found.append(CrackTruth(points, np.clip(widths, MIN_WIDTH_PX, MAX_WIDTH_PX), fade))
    return found


def _rough_line(rng: np.random.Generator, first: Floats, last: Floats) -> Floats:
    span = last - first
    count = max(2, round(float(np.hypot(*span)) / STEP_PX))
    along = np.linspace(0, 1, count + 1)
    bridge = 1.3 * _wander(rng, count + 1, 3.0)
    bridge -= (1 - along) * bridge[0] + along * bridge[-1]
    normal = np.array([-span[1], span[0]]) / np.hypot(*span)
    return np.asarray(first + along[:, None] * span + bridge[:, None] * normal, dtype=np.float64)


def _clip_all(cracks: list[CrackTruth], width: int, height: int) -> list[CrackTruth]:
    return [part for crack in cracks for part in clip_to_frame(crack, width, height)]
