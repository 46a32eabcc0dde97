"""Which pictures are the same one, whatever their file: a hash of what is seen, not of bytes."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Image

SIDE = 16
ALIKE_BITS = 28
"""Of 256. CrackForest's pictures, halved and saved as JPEG of quality 60, differ from themselves in at most 24; the
nearest two pictures of different data sets (eight sets, 2,252 pictures) in 36."""


def perceptual_hash(image: Image) -> NDArray[np.uint8]:
    """Difference hash (Krawetz 2013, "Kind of like that"): is each of 16 × 16 areas brighter than its neighbour?

    Args:
        image: ``(H, W, 3)`` uint8 RGB.

    Returns:
        ``(32,)`` uint8, 256 bits.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    small = cv2.resize(grey, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA)
    return np.packbits(small[:, 1:] > small[:, :-1])


def alike(
    hashes: Mapping[str, NDArray[np.uint8]], others: Mapping[str, NDArray[np.uint8]], most_bits: int = ALIKE_BITS
) -> list[tuple[str, str]]:
    """Pairs of names whose pictures look the same.

    Args:
        hashes: `perceptual_hash` by name.
        others: the same of other pictures.
        most_bits: so many of their bits differ at most.
    """
    if not hashes or not others:
        return []
    there = np.stack(list(others.values()))
    names = list(others)
    pairs = []
    for name, own in hashes.items():
        differing = np.bitwise_count(there ^ own).sum(axis=1)
        pairs += [(name, names[index]) for index in np.flatnonzero(differing <= most_bits)]
    return pairs
