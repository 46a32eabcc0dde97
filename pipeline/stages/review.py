"""A first training's look at what the next one learns from.

Masks of survey frames leave cracks out. A network that is punished for finding those learns that a crack is often
none; so beside labelled cracks nothing is judged that a first training takes for one. In pictures without a labelled
crack what it takes for one is, most often, none, and the more worth learning: hard negatives.
"""

from __future__ import annotations

import threading
from pathlib import Path

import torch

from pipeline.arrays import Image, Mask
from pipeline.cascade.cascade import Cascade


class Reviewer:
    """A bundle that has learnt from other pictures, or from the same ones, before."""

    def __init__(self, bundle: Path, device: torch.device) -> None:
        """Load it.

        Raises:
            models.errors.UserError: there is no whole bundle.
        """
        self._cascade = Cascade.load(bundle, device)
        self._one_at_a_time = threading.Lock()

    def __call__(self, image: Image) -> Mask:
        """What it takes for a crack, ``(H, W)`` bool, in an ``(H, W, 3)`` uint8 RGB picture; any thread may ask."""
        with self._one_at_a_time:
            return self._cascade(image).mask
