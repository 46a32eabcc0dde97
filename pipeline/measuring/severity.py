"""Severity of a crack by name of a standard: one table of thresholds, and what a photograph cannot judge."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

from pipeline.storage.schemas import SEVERITIES

UNCERTAIN = "uncertain"


@dataclass(frozen=True)
class Standard:
    """Classes of the mean width of a longitudinal, transverse or diagonal crack.

    Attributes:
        edition, clause: where the thresholds are written.
        limits_mm: between neighbouring classes.
        limit_is_wider: for each limit, whether a crack exactly that wide belongs to the wider class.
        classes: narrow to wide.
        coarsest_mm_per_px: at more than this, a pixel is too coarse for the narrowest limit: no class.
        not_judged: what the standard looks at as well, and a photograph from above does not show.
    """

    name: str
    edition: str
    clause: str
    limits_mm: tuple[float, ...]
    limit_is_wider: tuple[bool, ...]
    classes: tuple[str, ...]
    coarsest_mm_per_px: float
    not_judged: tuple[str, ...]


ASTM = Standard(
    "ASTM D6433",
    "as quoted in the help of FAA PAVEAIR, severity levels",
    "distress 10, longitudinal and transverse cracking, unfilled",
    (10.0, 75.0),
    (True, False),
    SEVERITIES["astm"],
    3.0,
    ("fillers", "random cracking beside the crack", "broken pavement around it"),
)
LTPP = Standard(
    "FHWA LTPP Distress Identification Manual",
    "FHWA-HRT-13-092",
    "longitudinal and transverse cracking, mean width, unsealed",
    (6.0, 19.0),
    (False, False),
    SEVERITIES["ltpp"],
    2.0,
    ("sealants", "random cracking beside the crack", "spalling"),
)


def severity(standard: Standard, width_mm: float, uncertainty_mm: float, mm_per_px: float) -> str | None:
    """Class of a crack, `UNCERTAIN` within the uncertainty of a limit, None where it cannot be told.

    >>> [severity(LTPP, width, 0.5, 1.0) for width in (4.0, 6.4, 12.0, 25.0)]
    ['low', 'uncertain', 'moderate', 'high']
    >>> severity(LTPP, 12.0, 0.5, 2.5) is None and severity(ASTM, 12.0, 0.5, 2.5) == "medium"
    True
    >>> severity(ASTM, 10.0, 0.0, 1.0), severity(ASTM, 75.0, 0.0, 1.0), severity(LTPP, 6.0, 0.0, 1.0)
    ('medium', 'medium', 'low')
    """
    if isnan(width_mm) or isnan(uncertainty_mm) or isnan(mm_per_px) or mm_per_px > standard.coarsest_mm_per_px + 1e-6:
        return None
    if any(0 < uncertainty_mm >= abs(width_mm - limit) for limit in standard.limits_mm):
        return UNCERTAIN
    limits = zip(standard.limits_mm, standard.limit_is_wider, strict=True)
    return standard.classes[sum(width_mm > limit or (wider and width_mm == limit) for limit, wider in limits)]
