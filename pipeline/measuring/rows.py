"""Measured cracks as rows of the table `cracks`."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.measuring.crack import Crack
from pipeline.measuring.scale import Scale

COLUMNS = (
    *("name", "crack_id", "length_px", "width_mean_px", "width_median_px", "width_p95_px", "width_max_px"),
    *("width_uncertainty_px", "orientation_deg", "coherence", "kind", "area_px", "fragments", "confidence"),
    *("length_m", "width_mean_mm", "severity_astm", "severity_ltpp", "route_id", "direction", "lane"),
    *("from_m", "to_m", "zone", "gsd_source", "flags"),
)
"""What ``--json`` prints of each crack."""

_MEASURED = (
    *("length_px", "width_mean_px", "width_median_px", "width_p95_px", "width_max_px", "width_uncertainty_px"),
    *("orientation_deg", "coherence", "area_px", "confidence", "length_m", "width_mean_mm", "area_m2", "diameter_m"),
)

SIMPLER_PX = 0.5
"""A stored line keeps this close to the one that was measured; figures are of that one."""


def crack_rows(name: str, cracks: list[Crack], scale: Scale | None) -> list[dict[str, Any]]:
    """One row a crack, numbered from 0; what is unknown is None. Route, lane, chainage and zone are left to others."""
    return [_row(name, number, crack, scale) for number, crack in enumerate(cracks)]


def _row(name: str, number: int, crack: Crack, scale: Scale | None) -> dict[str, Any]:
    figures = {column: getattr(crack, column) for column in _MEASURED}
    return {
        "name": name,
        "crack_id": number,
        **{column: value if np.isfinite(value) else None for column, value in figures.items()},
        "kind": crack.kind,
        "fragments": crack.fragments,
        "severity_astm": crack.severity_astm,
        "severity_ltpp": crack.severity_ltpp,
        "gsd_source": None if scale is None else scale.source,
        "flags": "; ".join(crack.flags) or None,
        "line_px": flat(crack.line),
        "outline_px": flat(crack.outline),
    }


def flat(line: NDArray[np.float64]) -> list[float] | None:
    """``(n, 2)`` px as x1, y1, x2, y2, …, simplified (Douglas and Peucker); None for no points."""
    if not len(line):
        return None
    simple = cv2.approxPolyDP(line.astype(np.float32)[:, None], SIMPLER_PX, False).reshape(-1)
    found: list[float] = np.round(simple.astype(np.float64), 2).tolist()
    return found
