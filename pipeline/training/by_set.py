"""Validation pictures of several data sets, kept apart so that each set weighs the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def pictures_by_set(sets: Sequence[str], cracked: Sequence[bool]) -> dict[str, NDArray[np.int64]]:
    """Pictures of each data set, as indices.

    A set without any crack has no error, and its precision is 0 with the first false box or pixel: its pictures are
    counted with each of the others instead.

    Args:
        sets: data set of each picture.
        cracked: whether there is any crack in each.

    >>> {name: found.tolist() for name, found in pictures_by_set([*"aabbc"], [True, True, True, False, False]).items()}
    {'a': [0, 1, 4], 'b': [2, 3, 4]}
    """
    names, holds_crack = np.array(sets), np.array(cracked, bool)
    of_set = {name: np.flatnonzero(names == name) for name in dict.fromkeys(sets)}
    with_crack = {name: pictures for name, pictures in of_set.items() if holds_crack[pictures].any()} or of_set
    clean = [pictures for name, pictures in of_set.items() if name not in with_crack]
    return {name: np.concatenate([pictures, *clean]) for name, pictures in with_crack.items()}
