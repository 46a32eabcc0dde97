"""What looks like a crack and is none, drawn into training windows: joints, sealed cracks, drops, markings, shadows."""

from __future__ import annotations

import numpy as np

from pipeline.arrays import Image, Mask
from pipeline.datasets.joints import draw_joints
from pipeline.datasets.markings import draw_markings
from pipeline.datasets.sealed import draw_drops, draw_sealed
from pipeline.datasets.shadows import draw_shadow

_KINDS = (draw_joints, draw_sealed, draw_drops, draw_markings, draw_shadow)
_SHARES = (0.25, 0.4, 0.05, 0.2, 0.1)


def draw_look_alike(image: Image, rng: np.random.Generator) -> tuple[Image, Mask]:
    """Draw one kind of them.

    Args:
        image: ``(H, W, 3)`` uint8 RGB; not changed.
        rng: decides all.

    Returns:
        the new picture, and ``(H, W)`` bool, True where something now covers it.
    """
    return _KINDS[int(rng.choice(len(_KINDS), p=_SHARES))](image, rng)
