"""Rounds that alternate between contenders, so that a busy moment of the machine hits all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np


def interleave(
    contenders: Mapping[str, Callable[[], object]], rounds: int, report: Callable[[int, int], None]
) -> dict[str, list[float]]:
    """Call every contender once a round, after one call each to warm up.

    Returns:
        Seconds of each round by contender.
    """
    for run in contenders.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for done in range(1, rounds + 1):
        for name, run in contenders.items():
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
        report(done, rounds)
    return seconds


def ratio(slow: list[float], fast: list[float]) -> float:
    """Median over rounds of how many times longer the first took than the second in the same round.

    >>> ratio([2.0, 4.0, 9.0], [1.0, 1.0, 3.0])
    3.0
    """
    return float(np.median(np.array(slow) / np.array(fast)))


def interval(slow: list[float], fast: list[float], level: float = 0.95) -> tuple[float, float]:
    """Bootstrap interval of `ratio` over rounds (2,000 draws, seed 0)."""
    each = np.array(slow) / np.array(fast)
    draws = np.random.default_rng(0).choice(each, (2000, len(each)))
    low, high = np.quantile(np.median(draws, axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
