"""Grey masks of 16 bits: their values as they are, or as shades of which the higher eight bits count."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError
from pipeline.datasets.pictures import Pixels
from pipeline.mask_values import MaskValues

DEEP = "its greys have 16 bits: the higher 8 are read"

_SPREAD = 257  # 255 × 257 = 65535: what programs make of 8 bits when they save 16
_ALMOST_WHITE = 255 << 8


class Greys(NamedTuple):
    """Grey levels as codes.

    Attributes:
        codes: ``(H, W)``, up to 255 where `shades` is not False.
        shades: 16 bits were read as shades, their higher eight counting; False: as they are; None: the file does not
            show which, having 8 bits or being black.
        notes: what a user should know of it.
    """

    codes: NDArray[np.uint32]
    shades: bool | None = None
    notes: tuple[str, ...] = ()


def grey_codes(levels: Pixels, path: Path, values: MaskValues | None) -> Greys:
    """Read grey levels ``(H, W)`` of 8 or 16 bits.

    Values that are told beyond 255 say that all files hold them as they are. Else 16 bits are shades where the file
    reaches white, or holds 8 bits spread over 16; and what they are where none is above 255.

    Raises:
        DataError: `values` are told and none is beyond 255, and the file may be either.
    """
    wide = levels.astype(np.uint32)
    top = int(levels.max(initial=0))
    if levels.dtype == np.uint8 or top == 0:
        return Greys(wide)
    if top <= 255 or (values is not None and values.beyond_8_bits):
        return Greys(wide, shades=False)
    if not (levels % _SPREAD).any():
        return Greys(np.asarray(wide // _SPREAD, np.uint32), shades=True)
    if top >= _ALMOST_WHITE:
        return Greys(np.asarray(wide >> 8, np.uint32), shades=True, notes=(DEEP,))
    if values is not None:
        raise DataError(
            f"{path} has 16-bit greys up to {top}: labels, or shades that do not reach white?",
            "Save the masks with 8 bits. Are they labels, name one above 255, as in 'crack=1 ignore=65535'.",
        )
    return Greys(wide, shades=False)
