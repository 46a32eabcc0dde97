"""Fragments of one crack are joined, strangers are not. Figures: docs/ablations/measuring.md."""

import numpy as np
import pytest

from pipeline.measuring.cracks import measure
from pipeline.measuring.settings import MeasureSettings
from tests.pipeline.measuring.broken import broken, strangers
from tests.pipeline.measuring.drawn import bar

SETTINGS = MeasureSettings()


def joined(mask):
    return any(one.fragments > 1 for one in measure(None, mask, SETTINGS))


@pytest.mark.parametrize("width", [3, 5, 8, 12])
def test_a_straight_crack_is_one_across_its_gaps(width):
    rng = np.random.default_rng(width)
    found = [joined(broken(rng, "straight", width, gap)) for gap in (3, 6, 10, 13) for _ in range(6)]
    assert np.mean(found) >= 0.9  # thick: 0.1 to 0.4 while the corners of blunt ends told their directions


@pytest.mark.parametrize(("shape", "least"), [("arc", 0.75), ("walk", 0.6), ("jitter", 0.4)])
def test_a_crack_that_winds_is_mostly_one_across_narrow_gaps(shape, least):
    rng = np.random.default_rng(1)
    gaps = [(3, 3), (3, 6), (5, 3), (5, 6), (5, 10), (8, 6), (8, 14)]
    assert np.mean([joined(broken(rng, shape, width, gap)) for width, gap in gaps for _ in range(6)]) >= least


def test_strangers_are_hardly_ever_joined():
    rng = np.random.default_rng(2)
    assert np.mean([joined(strangers(rng, width)) for width in (2, 3, 5, 8) for _ in range(50)]) <= 0.025


def test_cracks_beside_each_other_are_not_joined():
    for ahead in (-8, -4, 0, 4):
        one = bar((20, 40.3), (80, 40.3), 3, (100, 160))
        assert not joined(np.maximum(one, bar((80 + ahead, 48.3), (140, 48.3), 3, (100, 160))) >= 0.5)


def test_a_crack_that_ends_before_another_s_end_is_not_joined_to_it():
    one = bar((20, 40.3), (80, 40.3), 3, (120, 160))
    assert not joined(np.maximum(one, bar((88.2, 38), (88.2, 110), 3, (120, 160))) >= 0.5)
