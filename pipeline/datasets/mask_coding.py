"""Masks that are read together: a value cannot mean one thing in one of them and another in the next."""

from __future__ import annotations

from pathlib import Path

from models.errors import DataError
from pipeline.datasets.masks import Truth


class OneCoding:
    """Remembers how masks were read."""

    def __init__(self) -> None:
        self._shades: dict[bool, Path] = {}  # the first of each kind, by whether 16 bits were read as shades
        self._seen: dict[bool, Path] = {}  # the first of each kind, by whether its 255 was taken for crack

    def check(self, path: Path, truth: Truth) -> None:
        """Compare one more mask with those before it.

        Of masks with 0, 1 and 255 some may have no crack: their 255 must not be taken for one. Of masks with 16 bits
        that were read as shades one may be nearly black: its values are no labels.

        Raises:
            DataError: 255 is crack in one of them, and not to be judged in another; or 16 bits are shades in one, and
                values as they are in another.
        """
        if truth.shades is not None:
            self._shades.setdefault(truth.shades, path)
        if len(self._shades) == 2:
            raise DataError(
                f"{self._shades[True]} has 16-bit greys that are shades, of which {self._shades[False]} would be "
                "nearly black: are its values labels?",
                "Save all masks with 8 bits, in one way.",
            )
        if truth.white or truth.ignore is not None:
            self._seen.setdefault(truth.white, path)
        if len(self._seen) == 2:
            raise DataError(
                f"{self._seen[False]} holds 0, 1 and 255, {self._seen[True]} 255 alone: is 255 crack there?",
                "Say --mask-values 'crack=1 ignore=255' if it is not to be judged; else save all masks in one way.",
            )
