from __future__ import annotations

import math

import pytest

from pipeline.metrics import (
    RegionCounts,
    bootstrap_interval,
)


def test_bootstrap_resamples_pictures():
    good = RegionCounts(tp=4, pictures=1)
    bad = RegionCounts(fp=4, pictures=1)
    low, high = bootstrap_interval([good] * 10, lambda c: c.precision)
    assert (low, high) == (1, 1)
    low, high = bootstrap_interval([good] * 15 + [bad] * 5, lambda c: c.precision)
    # Share of good pictures among 20 draws: 0.75 ± 1.96 · sqrt(0.75 · 0.25 / 20) ≈ 0.56 … 0.94
    assert low == pytest.approx(0.56, abs=0.06)
    assert high == pytest.approx(0.94, abs=0.06)
    again = bootstrap_interval([good] * 15 + [bad] * 5, lambda c: c.precision)
    assert again == (low, high)
    narrow = bootstrap_interval([good] * 15 + [bad] * 5, lambda c: c.precision, level=0.5)
    assert low < narrow[0] < narrow[1] < high


def test_bootstrap_of_nothing_is_nan():
    assert all(math.isnan(v) for v in bootstrap_interval([], lambda c: 1.0))
    assert all(math.isnan(v) for v in bootstrap_interval([RegionCounts(pictures=1)], lambda c: c.precision))
