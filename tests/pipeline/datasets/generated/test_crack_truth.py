import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from pipeline.datasets.generated.crack_paths import crack_network, network_seen_nearer
from pipeline.datasets.generated.crack_truth import CrackTruth, clip_to_frame, rasterise


def straight(angle, length, width, middle=(100.0, 100.0), count=40):
    along = np.linspace(-length / 2, length / 2, count)[:, None] * [np.cos(angle), np.sin(angle)]
    return CrackTruth(np.array(middle) + along, np.full(count, float(width)), np.ones(count))


# Truth


@given(seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_mask_area_is_length_times_width(seed):
    cracks = crack_network(np.random.default_rng(seed), 480, 320)
    mask = rasterise(cracks, 480, 320)[0] >= 0.5
    area = sum(crack.length_px * crack.mean_width_px for crack in cracks)
    # Crossings count once in the mask and more often in the sum; hairlines gain a few per cent from whole pixels.
    assert 0.8 * area < mask.sum() < 1.15 * area


@given(seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_truth_stays_inside_the_frame_and_is_complete(seed):
    for crack in crack_network(np.random.default_rng(seed), 300, 200):
        assert len(crack.points) == len(crack.widths) == len(crack.opacity) >= 2
        assert np.isfinite(crack.points).all()
        assert (crack.points >= 0).all()
        assert (crack.points <= [300, 200]).all()
        assert crack.length_px >= 2
        assert crack.widths.min() <= crack.mean_width_px <= crack.widths.max()
        assert (crack.opacity > 0.1).all()
        assert (crack.opacity <= 1).all()


@given(angle=st.floats(0, np.pi), width=st.floats(1.5, 6), x=st.floats(95, 105), y=st.floats(95, 105))
@settings(max_examples=40, deadline=None)
def test_raster_of_a_straight_crack_is_exact(angle, width, x, y):
    crack = straight(angle, 120, width, (x, y))
    coverage, ink = rasterise((crack,), 200, 200)
    # Straight edges fall between samples, which lie a quarter of a pixel apart.
    assert coverage.sum() / 120 == pytest.approx(width, abs=0.26)
    assert np.array_equal(coverage, ink)
    row, column = ndimage.center_of_mass(coverage)
    assert abs(-(column + 0.5 - x) * np.sin(angle) + (row + 0.5 - y) * np.cos(angle)) < 0.25
    rows, columns = np.nonzero(coverage >= 0.5)
    distance = np.abs(-(columns + 0.5 - x) * np.sin(angle) + (rows + 0.5 - y) * np.cos(angle))
    assert distance.max() <= width / 2 + 0.5


def test_raster_weights_ink_with_opacity():
    crack = straight(0, 120, 4)
    faint = CrackTruth(crack.points, crack.widths, np.full(40, 0.4))
    coverage, ink = rasterise((faint,), 200, 200)
    assert np.allclose(ink, 0.4 * coverage, atol=0.01)


def test_raster_of_nothing_is_empty():
    coverage, ink = rasterise((), 30, 20)
    assert coverage.shape == ink.shape == (20, 30)
    assert not coverage.any()


def test_clipping_cuts_exactly_and_splits_what_leaves_and_returns():
    points = np.array([[-10.0, 5.0], [10.0, 5.0], [10.0, 25.0], [30.0, 25.0], [30.0, 5.0]])
    parts = clip_to_frame(CrackTruth(points, np.arange(1.0, 6.0), np.ones(5)), 40, 20)
    assert [part.length_px for part in parts] == pytest.approx([25, 15])
    assert parts[0].widths[0] == pytest.approx(1.5)
    assert parts[0].points[0] == pytest.approx([0, 5])


def test_clipping_drops_what_lies_outside():
    assert clip_to_frame(straight(0.3, 20, 2, (-50, -50)), 40, 20) == []


def test_mean_width_weights_with_length():
    crack = CrackTruth(np.array([[0.0, 0.0], [9.0, 0.0], [9.0, 1.0]]), np.array([2.0, 2.0, 4.0]), np.ones(3))
    assert crack.length_px == pytest.approx(10)
    assert crack.area_px == pytest.approx(21)
    assert crack.mean_width_px == pytest.approx(2.1)


def test_networks_seen_nearer_are_wider_by_as_much_and_as_many_as_asked() -> None:
    plain, near = (
        network_seen_nearer(np.random.default_rng(3), 480, 480, (times, times), networks=2) for times in (1, 4)
    )
    assert np.mean([crack.widths.mean() for crack in near]) > 2.5 * np.mean([crack.widths.mean() for crack in plain])
    assert len(network_seen_nearer(np.random.default_rng(3), 480, 480, (1, 1))) < len(plain)
    tiny = network_seen_nearer(np.random.default_rng(3), 64, 64, (8, 8))  # no room for a network of 8 px
    assert all(crack.points.max() < 64 + 1 for crack in tiny)
