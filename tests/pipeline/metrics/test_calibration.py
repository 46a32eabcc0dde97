import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from pipeline.metrics.calibration import (
    LOGITS,
    count_logits,
    expected_calibration_error,
    negative_log_likelihood,
    shares_of,
)


def counted(*pairs):
    """Counts of ``(probability, how many hold crack, how many do not)``."""
    return sum(
        count_logits(np.full(crack + sound, probability), np.arange(crack + sound) < crack)
        for probability, crack, sound in pairs
    )


def test_logits_are_counted_by_truth():
    counts = count_logits(np.array([0.5, 0.5, 0, 1, 0.9], np.float32), np.array([True, False, False, True, True]))
    where = [(int(kind), float(LOGITS[step])) for kind, step in np.argwhere(counts)]
    assert where == [(0, -16), (0, 0), (1, 0), (1, pytest.approx(np.log(9), abs=1 / 128)), (1, 16)]
    assert counts.sum() == 5
    assert count_logits(np.zeros(0, np.float32), np.zeros(0, bool)).sum() == 0


def test_the_error_of_a_hand_worked_case():
    # Of ten at 0.3 four hold crack, of thirty at 0.9 eighteen: 10 / 40 · 0.1 + 30 / 40 · 0.3.
    shares = shares_of(counted((0.3, 4, 6), (0.9, 18, 12))[None])
    assert expected_calibration_error(shares) == pytest.approx(0.25, abs=2e-3)


def test_within_one_bin_distances_are_of_its_means():
    # 0.41 and 0.45 lie in one of 15 bins, from 6 / 15 to 7 / 15: what one lacks the other has too much of.
    shares = shares_of(counted((0.41, 0, 10), (0.45, 9, 1))[None])
    assert expected_calibration_error(shares) == pytest.approx(0.45 - 0.43, abs=2e-3)


def test_the_surprise_of_a_hand_worked_case():
    shares = shares_of(counted((0.8, 3, 1))[None])
    assert negative_log_likelihood(shares) == pytest.approx(-(3 * np.log(0.8) + np.log(0.2)) / 4, abs=1e-2)
    assert negative_log_likelihood(shares, 1e9) == pytest.approx(np.log(2))


def test_each_set_weighs_the_same_and_one_of_nothing_has_no_share():
    sure, unsure, nothing = counted((0.9, 9000, 1000)), counted((0.9, 5, 5)), counted((0.9, 0, 0))
    shares = shares_of(np.stack([sure, unsure, nothing]))
    assert shares.sum() == pytest.approx(1)
    assert shares[1].sum() == pytest.approx((0.9 + 0.5) / 2)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1), st.floats(0.25, 4))
def test_the_error_is_a_share_and_pictures_add_up(said, temperature):
    probability, truth = (np.array(column) for column in zip(*said, strict=True))
    whole = count_logits(probability, truth)
    apart = sum(count_logits(probability[[n]], truth[[n]]) for n in range(len(said)))
    assert (whole == apart).all()
    error = expected_calibration_error(shares_of(whole[None]), temperature)
    assert 0 <= error <= 1
    at = expit(LOGITS[whole.sum(axis=0) > 0] / temperature)
    if truth.all():
        assert error == pytest.approx(1 - np.average(at, weights=whole.sum(axis=0)[whole.sum(axis=0) > 0]))
