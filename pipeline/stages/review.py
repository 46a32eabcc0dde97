"""A first training's second look at what the next one learns from.

Masks of survey frames leave cracks out. A network that is punished for finding those learns that a crack is often
none; so beside labelled cracks nothing is judged that a first training takes for one. Where nothing is labelled, or
all of it, what it takes for a crack is none, and the more worth learning: hard negatives.
"""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np

from pipeline.arrays import Image, Mask
from pipeline.cascade.cascade import Cascade

BESIDE_PX = 4  # labels and what is found differ by so much where both mean the same crack


class Reviewer:
    """A bundle that has learnt from other, or from the same, pictures before."""

    def __init__(self, bundle: Path) -> None:
        """Load it.

        Raises:
            models.errors.UserError: there is no whole bundle.
        """
        self._cascade = Cascade.load(bundle)
        self._one_at_a_time = threading.Lock()

    def __call__(self, image: Image, labelled: Mask) -> Mask:
        """What it takes for a crack beyond the labels, ``(H, W)`` bool.

        Args:
            image: ``(H, W, 3)`` uint8 RGB.
            labelled: ``(H, W)`` bool, all that is labelled as crack or not judged.
        """
        with self._one_at_a_time:
            found = self._cascade(image).mask
        known = cv2.dilate(labelled.view(np.uint8), np.ones((2 * BESIDE_PX + 1, 2 * BESIDE_PX + 1), np.uint8)) > 0
        return np.asarray(found & ~known, np.bool_)
