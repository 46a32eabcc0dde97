"""Counts that add up over pictures, and statistics over pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Self, TypeVar

import numpy as np


@dataclass(frozen=True)
class Counts:
    """Base of integer counts of one picture; adding them pools pictures, and no arguments means no pictures."""

    def __add__(self, other: Self) -> Self:
        return type(self)(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


C = TypeVar("C", bound=Counts)


def mean_over_pictures(counts: Sequence[C], statistic: Callable[[C], float]) -> float:
    """Mean of a statistic over pictures, each picture weighing the same; nan ones are left out.

    Returns:
        nan when no picture has a value.
    """
    values = np.array([statistic(c) for c in counts], dtype=np.float64)  # (P,)
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else float("nan")


def bootstrap_interval(
    counts: Sequence[C], statistic: Callable[[C], float], n: int = 2000, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of a pooled statistic; whole pictures are drawn, not boxes or pixels.

    Args:
        counts: one entry a picture.
        statistic: of pooled counts, such as ``lambda c: c.precision``.
        n: resamples.
        seed: of the draw; equal seeds give equal intervals.
        level: share of the resamples that the interval holds, 0–1.

    Returns:
        ``(low, high)``; resamples where the statistic is nan are left out, ``(nan, nan)`` when none is left.
    """
    if not counts:
        return float("nan"), float("nan")
    pictures = len(counts)
    table = np.array([astuple(c) for c in counts], dtype=np.int64)  # (P, F)
    draws = np.random.default_rng(seed).multinomial(pictures, np.full(pictures, 1 / pictures), size=n)  # (n, P)
    pooled = draws @ table  # (n, F)
    kind = type(counts[0])
    values = np.array([statistic(kind(*row)) for row in pooled.tolist()], dtype=np.float64)  # (n,)
    values = values[~np.isnan(values)]
    if not values.size:
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
