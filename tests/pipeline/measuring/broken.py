"""Cracks broken by a gap of known width, and strangers whose ends lie near each other."""

from __future__ import annotations

import numpy as np

from tests.pipeline.measuring.drawn import band

SIZE = (240, 240)
MIDDLE = np.array(SIZE[::-1]) / 2
SHAPES = ("straight", "arc", "walk", "jitter")
STEP = 0.5  # between points, px


def path(rng, shape, width, length):
    """``(n, 2)`` points of a crack from 0, 0 on, in any direction; thick ones wind more slowly."""
    slow = max(1.0, width / 4)
    step = slow * {"straight": 2.0, "arc": 0.5, "walk": 2.0, "jitter": rng.choice([2.5, 4.0, 8.0])}[shape]
    count = int(length / step) + 1
    turn = np.zeros(count)
    if shape == "arc":
        turn = np.arange(count) * step / (slow * rng.uniform(25, 90)) * rng.choice([-1, 1])
    elif shape == "walk":  # its heading strays, and comes back
        turn[0] = 0.35 * rng.standard_normal()
        for i in range(1, count):
            turn[i] = 0.92 * turn[i - 1] + 0.14 * rng.standard_normal()
    elif shape == "jitter":
        turn = rng.uniform(0.3, 0.5) * rng.standard_normal(count)
    turn += rng.uniform(0, 2 * np.pi)
    corners = np.concatenate([[[0.0, 0.0]], np.cumsum(step * np.stack([np.cos(turn), np.sin(turn)], 1), axis=0)])
    at = np.arange(0, count * step, STEP)
    return np.stack([np.interp(at, step * np.arange(count + 1), column) for column in corners.T], 1)


def broken(rng, shape, width, gap):
    """Mask of a crack of 120 px that is missing over `gap` px near its middle."""
    points = path(rng, shape, width, 120)
    points += MIDDLE - (points.min(0) + points.max(0)) / 2 + rng.uniform(-0.5, 0.5, 2)
    first = int(len(points) * rng.uniform(0.4, 0.6) - gap / 2 / STEP)
    pieces = points[: first + 1], points[first + int(gap / STEP) :]
    return np.logical_or(*(band(piece, width, SIZE) >= 0.5 for piece in pieces))


def strangers(rng, width):
    """Mask of two cracks of any shape and direction, an end of one up to 17 px from an end of the other."""
    while True:
        one, two = (path(rng, rng.choice(SHAPES), width, rng.uniform(40, 70)) for _ in range(2))
        turn, far = rng.uniform(0, 2 * np.pi), 17 * np.sqrt(rng.uniform()) + width / 2
        two = two + far * np.array([np.cos(turn), np.sin(turn)])
        if np.hypot(*(one[:, None] - two[None]).transpose(2, 0, 1)).min() > width + 2.5:  # nor do they touch
            return np.logical_or(*(band(points + MIDDLE, width, SIZE) >= 0.5 for points in (one, two)))
