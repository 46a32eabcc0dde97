"""Lengths of cracks that wind, branch and cross, against what was drawn."""

import numpy as np
import pytest

from pipeline.datasets.generated.crack_paths import crack_network
from pipeline.datasets.generated.crack_truth import rasterise
from pipeline.measuring.cracks import measure
from pipeline.measuring.settings import MeasureSettings
from tests.pipeline.measuring.drawn import band, bar

SETTINGS = MeasureSettings()
NETWORKS = range(24)


def total(cracks):
    return sum(one.length_px for one in cracks)


def interval(values):
    """Mean, and half of its 95 % interval."""
    return np.mean(values), 1.96 * np.std(values, ddof=1) / np.sqrt(len(values))


@pytest.mark.parametrize("seen", ["mask", "share"])
def test_total_length_of_generated_networks(seen):
    off = []
    for seed in NETWORKS:
        drawn = crack_network(np.random.default_rng(seed), 480, 320)
        share, _ = rasterise(drawn, 480, 320)
        found = measure(share if seen == "share" else None, share >= 0.5, SETTINGS)
        off.append(total(found) / total(drawn) - 1)
    mean, half = interval(off)
    assert abs(mean) + half <= 0.02  # must: 0.03
    assert np.mean(np.abs(off)) <= 0.015
    assert np.abs(off).max() <= 0.04


def walk(rng, step, jitter):
    """A crack that winds: a step every `step` px, each turned at random."""
    count = int(300 / step)
    angle = 0.5 + jitter * rng.standard_normal(count)
    steps = step * np.stack([np.cos(angle), np.sin(angle)], 1)
    return np.concatenate([[[20.0, 20.0]], 20 + np.cumsum(steps, axis=0)])


@pytest.mark.parametrize(("step", "jitter"), [(2.5, 0.0), (2.5, 0.3), (4, 0.5), (8, 0.5), (15, 0.5)])
def test_a_crack_that_winds_is_as_long_as_it_was_drawn(step, jitter):
    off = []
    for seed in range(8):
        points = walk(np.random.default_rng(seed), step, jitter)
        length = np.hypot(*np.diff(points, axis=0).T).sum()
        off.append(total(measure(None, band(points, 2, (260, 340)) >= 0.5, SETTINGS)) / length - 1)
    assert abs(np.mean(off)) <= 0.02


def ray(start, degrees, length):
    turn = np.deg2rad(degrees)
    return start + length * np.array([np.cos(turn), np.sin(turn)])


@pytest.mark.parametrize("width", [2, 3, 5])
@pytest.mark.parametrize("degrees", [40, 60, 90])
def test_a_branch_is_measured_from_the_middle_of_the_crack_it_leaves(degrees, width):
    off = []
    for turned in range(0, 180, 15):
        middle = np.array([100.2, 100.4])
        trunk = bar(ray(middle, turned, -70), ray(middle, turned, 70), width, (200, 200))
        branch = bar(middle, ray(middle, turned + degrees, 60), width, (200, 200))
        off.append(total(measure(None, np.maximum(trunk, branch) >= 0.5, SETTINGS)) - 200)
    assert abs(np.mean(off)) <= 1.2
    assert np.abs(off).max() <= 4
