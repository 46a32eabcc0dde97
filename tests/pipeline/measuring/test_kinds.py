import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.measuring.cracks import measure
from pipeline.measuring.kinds import kind_of, orientation, steps_within
from pipeline.measuring.settings import MeasureSettings


def of(points):
    points = np.asarray(points, float)
    starts = np.array([0, len(points)])
    degrees, coherence = orientation(steps_within(points, starts), starts)
    return float(degrees[0]), float(coherence[0])


def test_one_degree_to_either_side_is_straight_ahead():
    a, b = np.deg2rad(1), np.deg2rad(179)
    first, second = np.array([np.sin(a), np.cos(a)]), np.array([np.sin(b), np.cos(b)])
    degrees, coherence = of([[0, 0], first, first - second])
    assert degrees == pytest.approx(0, abs=1e-9)
    assert coherence == pytest.approx(np.cos(np.deg2rad(2)))


@given(st.floats(-89.5, 90), st.floats(0.1, 100))
def test_a_straight_line_has_its_own_direction(degrees, length):
    turn = np.deg2rad(degrees)
    found, coherence = of([[3, 4], [3 + length * np.sin(turn), 4 + length * np.cos(turn)]])
    assert found == pytest.approx(degrees, abs=1e-6)
    assert coherence == pytest.approx(1)
    back, _ = of([[3 + length * np.sin(turn), 4 + length * np.cos(turn)], [3, 4]])
    assert back == pytest.approx(degrees, abs=1e-6)


def test_a_circle_has_no_direction():
    turn = np.linspace(0, 2 * np.pi, 41)
    assert of(np.stack([np.cos(turn), np.sin(turn)], 1))[1] == pytest.approx(0, abs=1e-9)


def test_nothing_has_none():
    degrees, coherence = orientation(np.zeros((0, 2)), np.zeros(1, np.int64))
    assert len(degrees) == len(coherence) == 0
    assert np.isnan(of([[1, 1], [1, 1]])).all()


@pytest.mark.parametrize(
    ("degrees", "length_m", "kind"),
    [
        (0, 3.0, "longitudinal"),
        (20, 0.3, "longitudinal"),
        (-20, np.nan, "longitudinal"),
        (20.1, 3.0, "diagonal"),
        (69.9, 3.0, "diagonal"),
        (-70, 3.0, "transverse"),
        (90, 0.1, "transverse"),
        (10, 0.29, "other"),
        (np.nan, 3.0, None),
    ],
)
def test_kinds(degrees, length_m, kind):
    assert kind_of(degrees, 0.9, length_m) == kind


@pytest.mark.parametrize(("length", "height", "kind"), [(200, 200, None), (200, 196, None), (300, 100, "transverse")])
def test_what_runs_round_has_no_kind_but_what_is_flat_has(length, height, kind):
    mask = np.zeros((260, 360), bool)
    mask[30 : 33 + height, 30 : 33 + length] = True
    mask[33 : 30 + height, 33 : 30 + length] = False
    (found,) = measure(None, mask, MeasureSettings())
    assert found.coherence == pytest.approx((length - height) / (length + height), abs=0.02)
    assert found.kind == kind
    assert found.length_px == pytest.approx(2 * (length + height), rel=0.01)
