"""How wide the cracks of a survey are: their length by mean width, in one pass over the table ``cracks``."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pipeline.survey.plan import Survey
from pipeline.survey.published import read_batches, reals

PX_EDGES = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0)
MM_EDGES = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 15.0, 19.0, 30.0, 50.0, 75.0)
"""Where a class ends; among those in mm are the limits of the standards: 6, 10, 19 and 75."""


@dataclass(frozen=True)
class Widths:
    """Length of crack by mean width.

    Attributes:
        unit, length_unit: of widths and lengths: ``px`` and ``px``, or ``mm`` and ``m``.
        classes: name and length of each class, without empty ones at the wide end.
        cracks: how many have a width.
        once: where photographs overlap, each stretch of a crack counts in one of them.
    """

    unit: str
    length_unit: str
    classes: list[tuple[str, float]]
    cracks: int
    once: bool


def measure_widths(survey: Survey) -> list[Widths]:
    """Histograms in px and in mm; without that of which no crack has a width.

    In px cracks are as long as each photograph shows them; in mm as much of them counts as does in sections, where
    photographs have a chainage.
    """
    found = []
    for unit, length_unit, edges in (("px", "px", PX_EDGES), ("mm", "m", MM_EDGES)):
        sums, cracks, once = np.zeros(len(edges) + 1), 0, False
        columns = [f"width_mean_{unit}", f"length_{length_unit}", "counted_m"]
        for batch in read_batches(survey, "cracks", columns):
            widths, lengths, counted = (reals(batch, column) for column in columns)
            if unit == "mm":
                once |= bool(np.isfinite(counted).any())
                lengths = np.where(np.isfinite(counted), counted, lengths)
            known = np.isfinite(widths) & (lengths > 0)
            cracks += int(known.sum())
            sums += np.bincount(np.digitize(widths[known], edges), lengths[known], len(sums))
        if cracks:
            last = int(np.flatnonzero(sums).max(initial=0))
            classes = list(zip(class_names(edges, unit), sums.tolist(), strict=True))[: last + 1]
            found.append(Widths(unit, length_unit, classes, cracks, once))
    return found


def class_names(edges: tuple[float, ...], unit: str) -> list[str]:
    """What the classes are called.

    >>> class_names((1, 2), "mm")
    ['under 1 mm', '1 to 2 mm', '2 mm and more']
    """
    between = [f"{low:g} to {high:g} {unit}" for low, high in pairwise(edges)]
    return [f"under {edges[0]:g} {unit}", *between, f"{edges[-1]:g} {unit} and more"]
