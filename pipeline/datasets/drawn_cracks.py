"""Cracks drawn onto the road of real photographs, so that every one of their pixels is known.

Labels of survey frames are fragments of what is wide and dark; a fine crack across the lane is mostly left out, so a
network learns that it is none. Drawn ones are thin, foreshortened as a camera that looks ahead sees them, and as faint
as the road's own texture lets a crack be. Most are dark; beside unpaved verges dust fills some, and they are pale.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from pipeline.arrays import Image, Mask
from pipeline.datasets.generated.crack_paths import network_seen_nearer
from pipeline.datasets.generated.crack_truth import CrackTruth, clip_to_frame, rasterise
from pipeline.datasets.generated.pavement import fractal_noise
from pipeline.datasets.road_surface import texture_of

THINNEST_PX, WIDEST_PX = 1.2, 3.5  # narrower ones would have no pixel of their own
FLATTEST = 0.4  # height over width of what looks square from above, seen from a vehicle
FAINTEST, DARKEST = 0.15, 0.75  # share of the light that a crack takes away
LEAST_CONTRAST, MOST_CONTRAST = 1.5, 5.0  # the same, in standard deviations of the road's texture
SILTED = 0.25  # share of the networks that dust has filled
SILT = np.array([1.0, 0.85, 0.7])  # what it adds of each colour, where a dark crack takes all of them alike


def draw_cracks(image: Image, road: Mask, rng: np.random.Generator) -> tuple[Image, Mask]:
    """Draw a network of thin cracks onto what is road.

    Args:
        image: ``(H, W, 3)`` uint8 RGB; not changed.
        road: ``(H, W)`` bool, not empty: where it may be drawn upon.
        rng: decides all.

    Returns:
        the new picture, and ``(H, W)`` bool, True on the cracks.
    """
    height, width = image.shape[:2]
    coverage, ink = rasterise(_thin_cracks(rng, width, height), width, height)
    texture = texture_of(image, road)
    depth = float(np.clip(texture * rng.uniform(LEAST_CONTRAST, MOST_CONTRAST), FAINTEST, DARKEST))
    uneven = np.clip(1 - 0.3 * np.abs(fractal_noise(rng, (height, width), 1.5, 12.0, 0.3)), 0.3, 1)
    soft = np.asarray(cv2.GaussianBlur(ink, (0, 0), float(rng.uniform(0.35, 0.8))), np.float32)
    filled = np.clip(1.15 * soft * uneven, 0, 1) * road
    change = SILT * rng.uniform(0.6, 1.2) if rng.random() < SILTED else np.full(3, -1.0)
    drawn = np.clip(image * (1 + depth * filled[..., None] * change), 0, 255).astype(np.uint8)
    return drawn, (coverage >= 0.5) & road


def _thin_cracks(rng: np.random.Generator, width: int, height: int) -> tuple[CrackTruth, ...]:
    """A network as seen from above, brought to the flatter frame that a camera sees when it looks ahead."""
    across = rng.uniform(0.5, 1.0)
    down = across * float(np.exp(rng.uniform(np.log(FLATTEST), 0)))
    flat = network_seen_nearer(rng, width, height, (across, down))
    seen = [replace(crack, widths=np.clip(crack.widths, THINNEST_PX, WIDEST_PX)) for crack in flat]
    return tuple(part for crack in seen for part in clip_to_frame(crack, width, height))
