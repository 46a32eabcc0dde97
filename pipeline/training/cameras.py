"""Training pictures as other cameras would have taken them: grey or other colours, coarser, sharpened, compressed.

A network that knows the pictures of three cameras alone takes the fourth one's noise and edges for cracks.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from pipeline.arrays import Image

# How often each happens, and how far it goes at most.
GREY, COARSER, SHARPER, SHAKEN, COMPRESSED = 0.3, 0.3, 0.2, 0.1, 0.3
LEAST_COLOUR, MOST_COLOUR = 0.3, 1.5  # against what the picture had
CAST = 0.12  # of each colour by itself: white balance
LEAST_DETAIL = 0.6  # resolution that is left
MOST_SHARPENING = 1.2
SHAKE_PX = 5
WORST_JPEG, BEST_JPEG = 35, 95


def pixels_of(picture: Tensor) -> Image:
    """``(3, H, W)`` → ``(H, W, 3)`` as OpenCV wants it: no copy of a picture that came from `picture_of`."""
    return np.ascontiguousarray(picture.permute(1, 2, 0).numpy())


def picture_of(pixels: Image, like: Tensor) -> Tensor:
    """``(H, W, 3)`` → ``(3, H, W)`` of the same kind as `like`: no copy."""
    wrapped: Tensor = tv_tensors.wrap(torch.from_numpy(pixels).permute(2, 0, 1), like=like)
    return wrapped


class OtherCamera(v2.Transform):
    """Change how a picture was taken: pictures only, ``(3, H, W)`` uint8 RGB; the crack stays where it is."""

    _transformed_types = (tv_tensors.Image,)

    def make_params(self, flat_inputs: list[object]) -> dict[str, int]:
        """Draw the seed of all changes from torch's random state."""
        return {"seed": int(torch.randint(2**31, ()).item())}

    def transform(self, inpt: Tensor, params: dict[str, int]) -> Tensor:
        """Change one picture."""
        rng = np.random.default_rng(params["seed"])
        return picture_of(_compressed(_shaken(_focused(_coloured(pixels_of(inpt), rng), rng), rng), rng), inpt)


def _coloured(pixels: Image, rng: np.random.Generator) -> Image:
    grey = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < GREY:
        return np.asarray(grey, np.uint8)
    colour = rng.uniform(LEAST_COLOUR, MOST_COLOUR)
    mixed = np.asarray(cv2.addWeighted(pixels, colour, grey, 1 - colour, 0))
    levels = np.arange(256)[:, None] * rng.uniform(1 - CAST, 1 + CAST, 3)
    table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)[:, None]  # (256, 1, 3)
    return np.asarray(cv2.LUT(mixed, table), np.uint8)


def _focused(pixels: Image, rng: np.random.Generator) -> Image:
    """Coarser, as by a poorer lens, or sharpened, as by a camera that wants to look better than it is."""
    height, width = pixels.shape[:2]
    if rng.random() < COARSER:
        detail = rng.uniform(LEAST_DETAIL, 1)
        small = cv2.resize(pixels, (round(width * detail), round(height * detail)), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    if rng.random() < SHARPER:
        amount = rng.uniform(0, MOST_SHARPENING)
        soft = cv2.GaussianBlur(pixels, (0, 0), 1.0)
        return np.asarray(cv2.addWeighted(pixels, 1 + amount, soft, -amount, 0), np.uint8)
    return pixels


def _shaken(pixels: Image, rng: np.random.Generator) -> Image:
    """Blurred along the way that the vehicle drives: up and down the picture, or across it."""
    if rng.random() >= SHAKEN:
        return pixels
    along, length = rng.random() < 0.5, int(rng.integers(2, SHAKE_PX + 1))
    return np.asarray(cv2.blur(pixels, (1, length) if along else (length, 1)), np.uint8)


def _compressed(pixels: Image, rng: np.random.Generator) -> Image:
    if rng.random() >= COMPRESSED:
        return pixels
    quality = int(rng.integers(WORST_JPEG, BEST_JPEG))
    _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)  # which channel is which does not matter here
