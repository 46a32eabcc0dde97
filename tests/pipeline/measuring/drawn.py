"""Cracks with a known width and length, drawn with 8 × 8 samples a pixel."""

from __future__ import annotations

import cv2
import numpy as np

SAMPLES = 8
BITS = 8


def band(points, width, size):
    """``(H, W)`` float32: share of each pixel in the band of `width` around ``(n, 2)`` points (pixel corners)."""
    along = np.gradient(points, axis=0)
    along /= np.hypot(*along.T)[:, None]
    normals = np.stack([-along[:, 1], along[:, 0]], 1)
    half = (width - 1 / SAMPLES) / 2  # OpenCV fills the outline too
    outline = np.concatenate([points + half * normals, (points - half * normals)[::-1]]) * SAMPLES - 0.5
    canvas = np.zeros((size[0] * SAMPLES, size[1] * SAMPLES), np.uint8)
    cv2.fillPoly(canvas, [np.round(outline * 2**BITS).astype(np.int32)], 1, cv2.LINE_8, BITS)
    return canvas.reshape(size[0], SAMPLES, size[1], SAMPLES).mean((1, 3)).astype(np.float32)


def crack(rng, shape, length=70.0, size=(128, 128)):
    """``(n, 2)`` points of a bar or a sine, turned and moved at random, and its length."""
    along = np.linspace(-length / 2, length / 2, 400)
    beside = np.zeros_like(along)
    if shape == "sine":
        beside = rng.uniform(2, 6) * np.sin(2 * np.pi / rng.uniform(30, 60) * along + rng.uniform(0, 6))
    turn = rng.uniform(0, np.pi)
    turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    points = np.stack([along, beside], 1) @ turned + np.array(size)[::-1] / 2 + rng.uniform(-0.5, 0.5, 2)
    return points, float(np.hypot(*np.diff(points, axis=0).T).sum())


def bar(start, end, width, size):
    """A straight band."""
    return band(np.linspace(start, end, 50), width, size)


def area(inside, size):
    """``(H, W)`` float32: share of each pixel where ``inside(x, y)``, of pixel corners, is true."""
    y, x = (np.arange(count * SAMPLES) / SAMPLES + 0.5 / SAMPLES for count in size)
    found = inside(x[None, :], y[:, None])
    return found.reshape(size[0], SAMPLES, size[1], SAMPLES).mean((1, 3)).astype(np.float32)


def turned(x, y, middle, degrees):
    """Along and beside the direction `degrees`, from straight up clockwise, seen from `middle`."""
    sine, cosine = np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))
    x, y = x - middle[0], y - middle[1]
    return x * sine - y * cosine, x * cosine + y * sine
