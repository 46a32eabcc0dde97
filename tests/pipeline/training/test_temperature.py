import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from pipeline.metrics.calibration import LOGITS, count_logits
from pipeline.training.temperature import FEWEST_PICTURES, HIGHEST, LOWEST, Calibrated, fit_temperature, tempered

PICTURES = FEWEST_PICTURES
ALL_CRACKED, ONE_SET = [True] * PICTURES, [""] * PICTURES


def picture(temperature, seed=0, count=4000):
    """Logits that are `temperature` times too large, for truths that were drawn by them as they should be."""
    random = np.random.default_rng(seed)
    right = random.normal(-1, 2, count)
    truth = random.random(count) < expit(right)
    return count_logits(expit(right * temperature), truth)


def exact(temperature, among=200_000):
    """Counts in which each logit is right exactly as often as its probability says, when divided by `temperature`."""
    said = np.exp(-((LOGITS / temperature + 1) ** 2) / 8) * among
    crack = expit(LOGITS / temperature)
    return np.rint(np.stack([said * (1 - crack), said * crack])).astype(np.int64)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.6, 2.5])
def test_a_temperature_that_logits_were_made_with_is_found_again(temperature):
    counts = np.stack([picture(temperature, seed) for seed in range(PICTURES * 4)])
    fitted = fit_temperature(counts, [True] * len(counts), [""] * len(counts))
    assert fitted.temperature == pytest.approx(temperature, rel=0.02)
    assert fitted.why == ""
    if temperature != 1:
        assert fitted.ece_after < fitted.ece_before / 2


@given(st.floats(0.4, 3))
def test_any_temperature_between_the_limits_is_found_where_nothing_is_drawn(temperature):
    fitted = fit_temperature(np.stack([exact(temperature)] * PICTURES), ALL_CRACKED, ONE_SET)
    assert fitted.temperature == pytest.approx(temperature, rel=0.01)
    assert fitted.ece_after < 0.01


def test_the_same_counts_give_the_same():
    counts = np.stack([picture(1.7)] * PICTURES)
    assert fit_temperature(counts, ALL_CRACKED, ONE_SET) == fit_temperature(counts, ALL_CRACKED, ONE_SET)


def test_each_set_weighs_the_same():
    """A hundred times as many pixels in one of two sets change nothing."""
    few, many = np.stack([exact(1)] * PICTURES), np.stack([exact(3)] * PICTURES)
    sets = [*["few"] * PICTURES, *["many"] * PICTURES]
    fitted = [
        fit_temperature(np.concatenate([few, many * times]), ALL_CRACKED * 2, sets).temperature for times in (1, 100)
    ]
    assert fitted[0] == fitted[1]
    assert 1.2 < fitted[0] < 3
    pooled = fit_temperature(np.concatenate([few, many * 100]), ALL_CRACKED * 2, ONE_SET * 2)
    assert pooled.temperature == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize("cracked", [0, FEWEST_PICTURES - 1])
def test_without_cracks_or_with_few_pictures_nothing_is_fitted(cracked):
    counts = np.stack([picture(2)] * 9)
    fitted = fit_temperature(counts, [number < cracked for number in range(9)], [""] * 9)
    assert fitted == Calibrated(1.0, None, None, "fewer than 5 validation pictures hold crack")


@pytest.mark.parametrize("kept", [0, 1])
def test_where_all_are_right_or_all_wrong_nothing_is_fitted(kept):
    counts = np.stack([picture(2)] * PICTURES)
    counts[:, 1 - kept] = 0
    fitted = fit_temperature(counts, ALL_CRACKED, ONE_SET)
    assert fitted[:3] == (1.0, None, None)
    assert "fewer than 50" in fitted.why


@pytest.mark.parametrize("temperature", [LOWEST / 2, HIGHEST * 2])
def test_a_temperature_beyond_the_limits_is_none(temperature):
    fitted = fit_temperature(np.stack([exact(temperature)] * PICTURES), ALL_CRACKED, ONE_SET)
    assert fitted.temperature == 1
    assert fitted.ece_after == fitted.ece_before > 0
    assert fitted.why == "no temperature between 0.25 and 4 fits"


def test_scores_that_say_nothing_are_not_flattened():
    """Detections half of which hold crack, whatever their score: the best temperature is endless."""
    counts = count_logits(np.tile([0.1, 0.3], 500), np.repeat([True, False], 500))
    fitted = fit_temperature(np.stack([counts] * PICTURES), ALL_CRACKED, ONE_SET)
    assert (fitted.temperature, fitted.why) == (1, "no temperature between 0.25 and 4 fits")


def test_of_scores_none_above_1_is_fitted():
    counts = np.stack([exact(1.5)] * PICTURES)
    fitted = fit_temperature(counts, ALL_CRACKED, ONE_SET, highest=1.0)
    assert (fitted.temperature, fitted.why) == (1, "no temperature between 0.25 and 1 fits")
    counts = np.stack([exact(0.5)] * PICTURES)
    assert fit_temperature(counts, ALL_CRACKED, ONE_SET, highest=1.0).temperature == pytest.approx(0.5, rel=0.02)


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999), st.floats(LOWEST, HIGHEST))
def test_no_score_overtakes_another_and_a_half_stays_one(one, other, temperature):
    assert (tempered(one, temperature) <= tempered(other, temperature)) or one > other
    assert tempered(0.5, temperature) == 0.5
