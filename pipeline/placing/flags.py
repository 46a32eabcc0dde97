"""What is wrong or doubtful about photographs, in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NO_TIME, OUTSIDE = "no time to match the track by", "outside the track"


class Flags:
    """Words about photographs, ``(N,)``, each told once.

    >>> flags = Flags(2)
    >>> flags.add(np.array([True, False]), "no fix")
    >>> flags.texts
    ['no fix', '']
    """

    def __init__(self, count: int) -> None:
        self._told: list[dict[str, None]] = [{} for _ in range(count)]

    def add(self, where: NDArray[np.bool_], word: str) -> None:
        """Tell `word` of the photographs ``(N,)`` that are True."""
        for at in np.flatnonzero(where):
            self._told[at][word] = None

    @property
    def texts(self) -> list[str]:
        """The words of each, ``; `` between."""
        return ["; ".join(told) for told in self._told]
