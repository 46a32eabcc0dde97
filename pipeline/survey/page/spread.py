"""How crack and time spread over the photographs of a survey, in one pass over its table ``images``."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pipeline.survey.plan import Survey
from pipeline.survey.published import read_batches, reals

MOST_STRETCHES = 240
EDGES = (0.0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
"""Shares of crack pixels at which a class ends: the first holds photographs without crack, the last all above."""

TIMES = ("read_ms", "detect_ms", "segment_ms", "total_ms")


class Stretch(NamedTuple):
    """Photographs that follow each other.

    Attributes:
        first, last: names.
        mean, most: of their shares of crack pixels, 0–1.
    """

    first: str
    last: str
    photographs: int
    mean: float
    most: float


@dataclass(frozen=True)
class Spread:
    """What `measure_spread` found.

    Attributes:
        stretches: all photographs that were done, in their order, in `MOST_STRETCHES` at most.
        classes: photographs a class of `EDGES`, one more than there are edges.
        mean_ms: by name of `TIMES`; without those that no photograph has.
        slowest: name and ms of the photograph that took longest.
    """

    stretches: list[Stretch]
    classes: list[int]
    mean_ms: dict[str, float]
    slowest: tuple[str, float] | None


def measure_spread(survey: Survey, images: int) -> Spread:
    """Read the table ``images`` once.

    Args:
        survey: published.
        images: rows of that table.
    """
    count = min(images, MOST_STRETCHES)
    at, mean, most = np.zeros(count, np.int64), np.zeros(count), np.zeros(count)
    first, last = [""] * count, [""] * count
    classes = np.zeros(len(EDGES) + 1, np.int64)
    sums: dict[str, list[float]] = {name: [0.0, 0] for name in TIMES}
    slowest: tuple[str, float] | None = None
    done = 0
    for batch in read_batches(survey, "images", ["name", "crack_share", *TIMES]):
        names, shares = batch["name"], np.nan_to_num(reals(batch, "crack_share"))
        stretch = (done + np.arange(len(names))) * count // images  # (rows,)
        np.add.at(at, stretch, 1)
        np.add.at(mean, stretch, shares)
        np.maximum.at(most, stretch, shares)
        for number in np.unique(stretch):
            inside = np.flatnonzero(stretch == number)
            first[number] = first[number] or names[int(inside[0])].as_py()
            last[number] = names[int(inside[-1])].as_py()
        classes += np.bincount(np.searchsorted(EDGES, shares), minlength=len(classes))
        for name in TIMES:
            known = reals(batch, name)
            sums[name][0] += float(np.nansum(known))
            sums[name][1] += int(np.isfinite(known).sum())
            if name == "total_ms" and np.isfinite(known).any():
                place = int(np.nanargmax(known))
                slowest = max(slowest or ("", -1.0), (names[place].as_py(), float(known[place])), key=lambda it: it[1])
        done += len(names)
    return Spread(
        [
            Stretch(*told)
            for told in zip(first, last, at.tolist(), (mean / np.maximum(at, 1)).tolist(), most.tolist(), strict=True)
        ],
        classes.tolist(),
        {name: total / number for name, (total, number) in sums.items() if number},
        slowest,
    )


def class_names() -> list[str]:
    """What the classes of `EDGES` are called on a screen.

    >>> class_names()[:3], class_names()[-1]
    (['no crack', 'up to 0.05 %', '0.05 – 0.1 %'], 'more than 5 %')
    """
    ends = [f"{100 * edge:g}" for edge in EDGES]
    between = [f"{low} – {high} %" for low, high in pairwise(ends[1:])]
    return ["no crack", f"up to {ends[1]} %", *between, f"more than {ends[-1]} %"]
