"""Which values of a mask file are crack, and which are not to be judged, as a user says it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Mask

COLOUR = 1 << 24
"""Set in a code that stands for a colour, ``COLOUR | 0xRRGGBB``; without it a code is a grey value.

A pixel's code is a grey value where its channels are equal, in a file of either kind. What a user names keeps the mark:
``#ffffff`` is white and nothing like it, 255 also what is nearly grey and as bright (`pipeline.datasets.masks`).
"""

EXAMPLE = "crack=38, crack=1,2 ignore=255, crack=128-255 or crack=#ff0000"
_VALUE = re.compile(r"(?P<low>\d{1,5})(-(?P<high>\d{1,5}))?|#(?P<colour>[0-9a-fA-F]{6})")


@dataclass(frozen=True, slots=True)
class MaskValues:
    """What a mask's values mean; every value that is not named is background.

    Attributes:
        crack: ranges of codes, both ends included.
        ignore: the same of the pixels that are not to be judged.
    """

    crack: tuple[tuple[int, int], ...]
    ignore: tuple[tuple[int, int], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``crack=VALUES ignore=VALUES``: values, ranges of values and colours, separated by commas.

        Raises:
            ValueError: the text says something else, or one value is both.

        >>> MaskValues.parse("crack=1,3-5 ignore=255")
        MaskValues(crack=((1, 1), (3, 5)), ignore=((255, 255),))
        """
        said: dict[str, tuple[tuple[int, int], ...]] = {}
        for word in text.split():
            name, equals, values = word.partition("=")
            if not equals or name not in ("crack", "ignore") or name in said:
                raise ValueError(f"write it like {EXAMPLE}")
            said[name] = tuple(_range(value) for value in values.split(","))
        if "crack" not in said:
            raise ValueError(f"it does not say which values are crack: write it like {EXAMPLE}")
        parsed = cls(said["crack"], said.get("ignore", ()))
        for low, high in _by_pixel(parsed.crack):
            if any(low <= other_high and other_low <= high for other_low, other_high in _by_pixel(parsed.ignore)):
                raise ValueError("a value is called both crack and not to be judged")
        return parsed

    @property
    def names_colours(self) -> bool:
        """Whether any of them is a colour, so that colours count, and not how bright they are."""
        return any(high >= COLOUR for _, high in (*self.crack, *self.ignore))

    @property
    def beyond_8_bits(self) -> bool:
        """Whether any of them is a grey value that takes more than 8 bits."""
        return any(255 < high < COLOUR for _, high in (*self.crack, *self.ignore))

    def cut(self, codes: NDArray[np.uint32]) -> tuple[Mask, Mask | None]:
        """Crack, and what is not to be judged (None where nothing is), of codes of any shape."""
        ignore = _within(codes, self.ignore)
        return _within(codes, self.crack), ignore if ignore.any() else None


def check(text: str | None) -> str | None:
    """The text itself, where `MaskValues.parse` can read it.

    Raises:
        ValueError: it cannot.
    """
    if text is not None:
        MaskValues.parse(text)
    return text


def told(code: int) -> str:
    """A code as a user writes it.

    >>> told(38), told(COLOUR | 0xFF0000)
    ('38', '#ff0000')
    """
    return f"#{code - COLOUR:06x}" if code >= COLOUR else str(code)


def _range(text: str) -> tuple[int, int]:
    match = _VALUE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no value: write it like {EXAMPLE}")
    if match["colour"]:
        code = COLOUR | int(match["colour"], 16)
        return code, code
    low, high = int(match["low"]), int(match["high"] or match["low"])
    if high < low:
        raise ValueError(f"{text!r} ends before it begins")
    return low, high


def _within(codes: NDArray[np.uint32], ranges: tuple[tuple[int, int], ...]) -> Mask:
    found = np.zeros(codes.shape, bool)
    for low, high in _by_pixel(ranges):
        found |= (codes >= low) & (codes <= high)
    return found


def _by_pixel(ranges: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    """The same as pixels have it: a colour that is grey has the code of its grey value."""
    greys = {low: (low & 0xFF, low & 0xFF) for low, _ in ranges if low >= COLOUR and len({*low.to_bytes(4)[1:]}) == 1}
    return [greys.get(low, (low, high)) for low, high in ranges]
