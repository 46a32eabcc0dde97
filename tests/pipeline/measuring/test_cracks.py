import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from pipeline.measuring.cracks import measure
from pipeline.measuring.scale import UniformScale
from pipeline.measuring.settings import MeasureSettings
from tests.pipeline.measuring.drawn import band, bar, crack

SETTINGS = MeasureSettings()


def measured(share, **options):
    """What is measured of a drawn crack, from its mask alone."""
    return measure(None, share >= 0.5, SETTINGS, **options)


@pytest.mark.parametrize("seen", ["mask", "share"])
@pytest.mark.parametrize("width", [1, 1.5, 2, 3, 4, 5, 6, 8])
def test_width_and_length_of_cracks_that_are_known(width, seen):
    rng = np.random.default_rng(int(10 * width))
    widths, lengths = [], []
    for number in range(24):
        points, length = crack(rng, ["bar", "sine"][number % 2])
        share = band(points, width, (128, 128))
        found = measure(share if seen == "share" else None, share >= 0.5, SETTINGS)
        assert len(found) == 1
        widths.append(abs(found[0].width_mean_px - width))
        lengths.append(abs(found[0].length_px / length - 1))
    assert np.mean(widths) <= (0.075 if seen == "mask" else 0.03)  # must: 0.15
    assert np.mean(lengths) <= (0.01 if width >= 1.5 else 0.015)


@pytest.mark.parametrize(("width", "length"), [(3, 6), (4, 6), (4, 8), (4, 10), (6, 8), (6, 10), (6, 12), (10, 12)])
@pytest.mark.parametrize("along", [0, 1])
def test_a_short_straight_crack_is_as_long_as_it_was_drawn(width, length, along):
    mask = np.zeros((40, 40), bool)
    mask[10 : 10 + length, 10 : 10 + width] = True
    (found,) = measure(None, mask.T if along else mask, SETTINGS)
    assert found.length_px == pytest.approx(length, abs=0.6 if width < length / 1.5 else 2)


def test_a_mask_of_pillows_is_a_mask():
    """Its True is a byte of 255: taken for a number, it made lines of whatever lay in memory."""
    mask = bar((20, 30), (150, 90), 6, (128, 180)) >= 0.5
    same = np.asarray(Pillow.fromarray(mask))
    assert same.view(np.uint8).max() == 255
    (ours,), (theirs,) = measure(None, mask, SETTINGS), measure(None, same, SETTINGS)
    assert theirs.line.tolist() == ours.line.tolist()
    assert theirs.width_mean_px == ours.width_mean_px


def test_flanks_that_the_mask_leaves_out_do_not_widen_a_crack():
    """A band 4 px wide with a flank of 3 px on either side, half as likely."""
    clear = bar((20, 64), (160, 64), 4, (128, 180)).astype(np.float32)
    probability = np.maximum(clear, 0.5 * bar((20, 64), (160, 64), 10, (128, 180)).astype(np.float32))
    (within,) = measure(probability, clear >= 0.5, SETTINGS, level=0.3, within=True)
    (whole,) = measure(probability, clear >= 0.5, SETTINGS, level=0.3)
    assert within.width_mean_px == pytest.approx(4, abs=0.1)
    assert whole.width_mean_px == pytest.approx(7, abs=0.3)
    assert within.length_px == pytest.approx(whole.length_px, abs=1)


def test_nothing_in_nothing_out():
    assert measure(None, np.zeros((40, 50), bool), SETTINGS) == []
    assert measure(None, np.zeros((1, 1), bool), SETTINGS) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (3, 3), (40, 50)])
def test_a_mask_that_is_all_crack_is_measured(shape):
    for one in measure(None, np.ones(shape, bool), SETTINGS):
        assert np.isfinite(one.length_px)


@pytest.mark.parametrize("place", [(5, 5), (0, 0), (39, 49), (0, 20)])
def test_a_single_pixel_is_a_crack(place):
    mask = np.zeros((40, 50), bool)
    mask[place] = True
    (found,) = measure(None, mask, SETTINGS)
    assert found.length_px == pytest.approx(1, abs=1)
    assert "short" in found.flags


def test_a_crack_along_the_edge_of_the_frame_is_kept():
    mask = np.zeros((40, 60), bool)
    mask[:2] = True
    (found,) = measure(None, mask, SETTINGS)
    assert found.length_px == pytest.approx(60, abs=2)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("width", [1, 2, 6])
def test_a_crack_along_the_edge_of_the_frame_is_no_wider_than_it_is(width, turns):
    mask = np.zeros((100, 120), bool)
    mask[:width, 10:110] = True
    (found,) = measure(None, np.rot90(mask, turns), SETTINGS)
    assert found.width_mean_px == pytest.approx(width, abs=0.02)


def test_a_picture_of_one_row_of_crack_is_a_crack_of_one_pixel():
    (found,) = measure(None, np.ones((1, 60), bool), SETTINGS)
    assert found.width_mean_px == pytest.approx(1, abs=0.02)


def test_a_crack_that_leaves_the_frame_ends_at_it():
    (found,) = measured(bar((-10, 20.5), (70, 20.5), 3, (40, 60)))
    assert found.length_px == pytest.approx(60, abs=0.3)
    assert found.flags == ("frame",)
    assert found.width_mean_px == pytest.approx(3, abs=0.05)


def test_the_line_is_where_the_crack_is():
    (found,) = measured(bar((10, 12), (50, 12), 4, (40, 60)))
    assert np.abs(found.line[:, 1] - 12).max() <= 0.5  # a thinned line is one of pixels
    assert sorted([found.line[0, 0], found.line[-1, 0]]) == pytest.approx([10, 50], abs=0.5)


def test_fragments_of_one_crack_are_one_crack():
    mask = bar((10, 20.5), (110, 20.5), 3, (40, 120)) >= 0.5
    mask[:, 40:48] = False
    mask[:, 80:90] = False
    (found,) = measure(None, mask, SETTINGS)
    assert found.fragments == 3
    assert found.length_px == pytest.approx(100, abs=1)
    apart = measure(None, mask, SETTINGS.model_copy(update={"gap_px": 4.0}))
    assert [one.fragments for one in apart] == [1, 1, 1]


def test_fragments_that_turn_are_cracks_of_their_own():
    share = bar((10, 20), (50, 20), 3, (90, 120)) + bar((56, 23), (85, 60), 3, (90, 120))
    assert len(measured(share)) == 2


def test_a_neighbour_adds_nothing_to_the_width():
    near = bar((10, 20), (110, 20), 3, (60, 120)) + bar((10, 26.5), (110, 26.5), 3, (60, 120))
    soft = np.clip(near, 0, 1)
    for found in measure(soft, soft >= 0.5, SETTINGS):
        assert found.width_mean_px == pytest.approx(3, abs=0.15)


def test_two_cracks_that_cross_are_two():
    share = np.maximum(bar((10, 50), (110, 50), 4, (100, 120)), bar((60, 5), (60, 95), 4, (100, 120)))
    found = sorted(measured(share), key=lambda one: one.length_px)
    assert [one.length_px for one in found] == pytest.approx([90, 100], rel=0.015)
    assert [one.width_mean_px for one in found] == pytest.approx([4, 4], abs=0.15)
    assert [one.kind for one in found] == ["longitudinal", "transverse"]


@pytest.mark.parametrize(
    ("degrees", "least", "most"), [(0, 0.4, 0.43), (90, 0.4, 0.43), (45, 0.2, 0.33), (20, 0, 0.15)]
)
def test_uncertainty_knows_that_pixels_are_whole(degrees, least, most):
    turn, rng, off, told = np.deg2rad(degrees), np.random.default_rng(3), [], []
    for width in np.linspace(1.5, 5.5, 24):
        middle = 80 + rng.uniform(-0.5, 0.5, 2)
        arm = 60 * np.array([np.cos(turn), np.sin(turn)])
        found = max(measured(bar(middle - arm, middle + arm, width, (160, 160))), key=lambda one: one.length_px)
        off.append(abs(found.width_mean_px - width))
        told.append(found.width_uncertainty_px)
    assert least <= np.median(told) <= most
    assert np.mean(np.array(off) <= 2 * np.array(told)) >= 0.9


def test_a_width_that_whole_pixels_cannot_tell_is_in_no_class():
    share = bar((10, 20.5), (110, 20.5), 4.8, (40, 120))  # 5 px in the mask: 10.25 mm where it has 9.84
    (found,) = measured(share, scale=UniformScale(2.05, "gsd"))
    assert found.severity_astm == "uncertain"
    (seen,) = measure(share, share >= 0.5, SETTINGS)
    assert seen.width_mean_px == pytest.approx(4.8, abs=0.06)  # 4.75, a hair less on some processors


def test_millimetres_only_with_a_scale():
    share = bar((10, 20), (110, 20), 4, (40, 120))
    (plain,) = measured(share)
    assert np.isnan(plain.length_m)
    assert np.isnan(plain.width_mean_mm)
    assert plain.severity_astm is None
    (found,) = measured(share, scale=UniformScale(2.0, "gsd"))
    assert found.length_m == pytest.approx(0.2, rel=0.01)
    assert found.width_mean_mm == pytest.approx(8, abs=0.2)
    assert (found.severity_astm, found.severity_ltpp) == ("low", "moderate")


@pytest.mark.parametrize("turn", [0, 45])
def test_each_stretch_of_a_crack_weighs_as_it_is_long(turn):
    """A pixel of a line at 45° is 1.4 px long."""
    middle, along = np.array([150.0, 150.0]), np.array([[np.cos(a), np.sin(a)] for a in np.deg2rad([turn, turn + 45])])
    share = np.maximum(
        bar(middle - 100 * along[0], middle, 4, (300, 300)), bar(middle, middle + 100 * along[1], 8, (300, 300))
    )
    found = measure(share, share >= 0.5, MeasureSettings(turn_deg=60.0), scale=UniformScale(2.0, "gsd"))
    (crack,) = found
    assert crack.width_mean_px == pytest.approx(6, abs=0.12)
    assert crack.width_mean_mm == pytest.approx(2 * crack.width_mean_px)


class Squeezed:
    """A picture that shows 2 mm a pixel across and 4 mm a pixel up: what a camera does that looks ahead."""

    source = "test"
    matrix = np.array([[0.002, 0.0], [0.0, -0.004]])

    def to_road(self, points):
        return points @ self.matrix.T

    def to_picture(self, points):
        return points @ np.linalg.inv(self.matrix).T

    def jacobians(self, points):
        return np.broadcast_to(self.matrix, (len(points), 2, 2))


def test_width_and_length_follow_the_road_where_pixels_are_not_square():
    size, width = (120, 200), 0.02
    start, end = np.array([0.05, -0.40]), np.array([0.30, -0.10])
    along = (end - start) / np.hypot(*(end - start))
    beside = np.array([-along[1], along[0]]) * width / 2
    corners = np.stack([start + beside, end + beside, end - beside, start - beside]) @ np.linalg.inv(Squeezed.matrix).T
    import cv2

    canvas = np.zeros((size[0] * 8, size[1] * 8), np.uint8)
    cv2.fillPoly(canvas, [np.round(corners * 8 - 0.5).astype(np.int32)], 1)
    mask = canvas.reshape(size[0], 8, size[1], 8).mean((1, 3)) >= 0.5
    (found,) = measure(None, mask, SETTINGS, Squeezed())
    assert found.length_m == pytest.approx(np.hypot(*(end - start)), rel=0.01)
    assert found.width_mean_mm == pytest.approx(1000 * width, rel=0.02)
    assert found.orientation_deg == pytest.approx(np.rad2deg(np.arctan2(*(end - start))), abs=1.5)


@settings(deadline=None)  # the first call compiles
@given(
    turns=st.integers(0, 3),
    mirrored=st.booleans(),
    down=st.integers(0, 30),
    right=st.integers(0, 30),
    seed=st.integers(0, 200),
    width=st.sampled_from([2.0, 3.0, 5.0]),
)
def test_turned_mirrored_and_moved_it_is_the_same_crack(turns, mirrored, down, right, seed, width):
    points, length = crack(np.random.default_rng(seed), ["bar", "sine"][seed % 2])
    mask = band(points, width, (128, 128)) >= 0.5
    moved = np.pad(np.rot90(mask[:, ::-1] if mirrored else mask, turns), ((down, 30 - down), (right, 30 - right)))
    (one,), (other,) = measure(None, mask, SETTINGS), measure(None, moved, SETTINGS)
    assert other.width_mean_px == pytest.approx(one.width_mean_px, abs=0.15)
    assert other.length_px == pytest.approx(length, rel=0.04)
    assert other.length_px == pytest.approx(one.length_px, rel=0.02)
