"""What a pool's split must hold: each part weighs the same in validation, and no picture stands on two sides."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError
from pipeline.datasets.likeness import alike, perceptual_hash
from pipeline.datasets.pool import Pool
from pipeline.datasets.splits import PARTS, Split


def balance(pool: Pool, split: Split, most: int) -> Split:
    """The split with at most `most` validation samples of each part, spread over it: none outweighs the others."""
    kept: list[str] = []
    for label in pool.parts:
        names = [name for name in split.val if pool.label_of(name) == label]
        kept += [names[index] for index in np.unique(np.linspace(0, len(names) - 1, min(most, len(names))).astype(int))]
    return replace(split, val=tuple(sorted(kept)))


def check_apart(pool: Pool, split: Split) -> list[tuple[str, str, str, str]]:
    """Refuse a pool in which a picture of one part looks like one of another part on another side of the split.

    Within a part its scenes keep the sides apart, and frames of one road may look much alike; between parts only the
    pictures themselves can tell.

    Returns:
        pictures of one part that stand on two sides and are one and the same to the hash: name, side, other name, side.

    Raises:
        DataError: naming a pair of two parts.
    """
    hashes: dict[tuple[str, str], dict[str, NDArray[np.uint8]]] = {}
    for side in PARTS:
        names = split.part(side)
        with ThreadPoolExecutor() as workers:  # decoding leaves the interpreter free
            seen = list(workers.map(lambda name: perceptual_hash(pool.load(name).image), names))
        for name, bits in zip(names, seen, strict=True):
            hashes.setdefault((side, pool.label_of(name)), {})[name] = bits
    twice = []
    for (side, label), (other_side, other_label) in combinations(hashes, 2):
        if side == other_side:
            continue
        if label == other_label:
            same = alike(hashes[side, label], hashes[other_side, label], most_bits=0)
            twice += [(name, side, other, other_side) for name, other in same]
            continue
        for name, other in alike(hashes[side, label], hashes[other_side, other_label]):
            raise DataError(
                f"{name} ({side}) and {other} ({other_side}) look like the same picture.",
                "Leave one of both parts out, or put both scenes on one side with `test` and `val`.",
            )
    return twice
