import numpy as np
import pytest

from pipeline.measuring.length import prolong
from pipeline.measuring.lines import Lines


def line(points, radius):
    return Lines(
        points=points,
        what=np.zeros(len(points), np.uint8),
        starts=np.array([0, len(points)]),
        ends=np.zeros((1, 2), np.uint8),
        closed=np.array([False]),
        fragments=np.array([1]),
        radius=np.array([radius]),
    )


def led_on(crack, steps, radius):
    """How far a line of so many px in the middle is led on at each end."""
    points = np.column_stack([150.0 + np.arange(steps + 1), np.full(steps + 1, 100.0)])
    longer, _, _ = prolong(crack, line(points, radius), points)
    return np.hypot(*np.diff(longer, axis=0).T)[[0, -1]]


@pytest.mark.parametrize("steps", [1, 2, 30])
def test_a_stub_in_an_area_that_is_crack_all_over_is_not_led_across_it(steps):
    """What thinning leaves between two holes tells no way: such lines were drawn 236 px across alligator cracking."""
    assert led_on(np.ones((200, 400), np.float32), steps, 40.0).max() <= 1.5 * 40 + 4


def test_where_the_crack_grows_a_stub_is_not_led_on_farther_for_it():
    crack = np.ones((200, 400), np.float32)
    crack[:80, 140:160] = crack[120:, 140:160] = 0  # narrow at the stub alone
    assert led_on(crack, 2, 40.0).max() <= 1.5 * 40 + 4


def test_a_square_is_as_long_as_it_is():
    crack = np.zeros((200, 400), np.float32)
    crack[60:140, 110:190] = 1
    before, after = led_on(crack, 1, 40.0)
    assert before + 1 + after == pytest.approx(80, abs=1.5)
