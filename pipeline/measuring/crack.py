"""What is told of one measured crack."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pipeline.arrays import Reals

NOWHERE: Reals = np.zeros((0, 2))


@dataclass(frozen=True, kw_only=True)
class Crack:
    """One crack, or one pattern area with all that lies in it. Unknown figures are nan, unknown words None.

    Attributes:
        line: ``(n, 2)`` float64 x, y px, where pixel c covers ``[c, c + 1)``; of a pattern area none, ``(0, 2)``. It is
            smoothed, and shorter than `length_px` where the crack winds.
        outline: ``(m, 2)`` likewise, of a pattern area; else ``(0, 2)``.
        orientation_deg: relative to the lane, see `pipeline.measuring.kinds.orientation`.
        area_px: length by mean width; of a pattern area, what its outline encloses.
        confidence: mean probability along the line, 0–1; nan where there is only a mask.
        mm_per_px: across the crack.
    """

    line: Reals = field(default_factory=NOWHERE.copy)
    outline: Reals = field(default_factory=NOWHERE.copy)
    length_px: float
    width_mean_px: float
    width_median_px: float
    width_p95_px: float
    width_max_px: float
    width_uncertainty_px: float
    orientation_deg: float
    coherence: float
    kind: str | None
    area_px: float
    fragments: int
    confidence: float
    length_m: float
    width_mean_mm: float
    mm_per_px: float
    severity_astm: str | None = None
    severity_ltpp: str | None = None
    area_m2: float = np.nan
    diameter_m: float = np.nan
    flags: tuple[str, ...] = ()
