"""The one number that a network's logits are divided by so that its scores are probabilities: its temperature.

Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks" (arXiv 1706.04599), section 4.2. Where
a score is ½ it stays ½, and none overtakes another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from pipeline.metrics.calibration import expected_calibration_error, negative_log_likelihood, shares_of
from pipeline.training.by_set import pictures_by_set

LOWEST, HIGHEST = 0.25, 4.0
# One picture's light, or a handful of boxes, must not decide for all roads.
FEWEST_PICTURES = 5  # with crack
FEWEST = 50  # predictions on crack, and as many elsewhere


class Calibrated(NamedTuple):
    """What was fitted for one head of a network.

    Attributes:
        temperature: that its logits are to be divided by; 1 where none could be fitted.
        ece_before: `pipeline.metrics.calibration.expected_calibration_error` on validation pictures as trained, means
            over data sets; None where there was nothing to tell it by.
        ece_after: the same at that temperature.
        why: why none could be fitted; empty where one was.
    """

    temperature: float
    ece_before: float | None
    ece_after: float | None
    why: str = ""


def fit_temperature(
    counts: NDArray[np.int64], cracked: Sequence[bool], sets: Sequence[str], highest: float = HIGHEST
) -> Calibrated:
    """The temperature at which validation pictures surprise least, each data set weighing the same.

    A best temperature that lies at `LOWEST` or `highest`, or beyond, is none: the scores are then wrong in another way
    than by being too sure or too unsure, and a temperature that makes all of them ½ would only hide it. So it is with
    detections, most of which hold crack whatever their score.

    Args:
        counts: ``(P, 2, L)`` of each picture (`pipeline.metrics.calibration.count_logits`).
        cracked: whether there is any crack in each.
        sets: data set of each.
        highest: that may be fitted.
    """
    if sum(cracked) < FEWEST_PICTURES:
        return Calibrated(1.0, None, None, f"fewer than {FEWEST_PICTURES} validation pictures hold crack")
    if (counts.sum(axis=(0, 2)) < FEWEST).any():
        return Calibrated(1.0, None, None, f"fewer than {FEWEST} are right, or fewer are wrong, on validation pictures")
    shares = shares_of(np.stack([counts[some].sum(axis=0) for some in pictures_by_set(sets, cracked).values()]))

    def surprise(log_temperature: float) -> float:
        return negative_log_likelihood(shares, math.exp(log_temperature))

    limits = math.log(LOWEST), math.log(highest)
    found = minimize_scalar(surprise, bounds=limits, method="bounded", options={"xatol": 1e-6})
    before = expected_calibration_error(shares)
    if min(map(surprise, limits)) <= found.fun:  # convex in 1 / T: it has one minimum
        return Calibrated(1.0, before, before, f"no temperature between {LOWEST:g} and {highest:g} fits")
    temperature = round(math.exp(found.x), 4)
    return Calibrated(temperature, before, expected_calibration_error(shares, temperature))


def tempered(probability: float, temperature: float) -> float:
    """What a probability becomes when its logit is divided by `temperature`, in four digits.

    >>> tempered(0.5, 3), tempered(0.01, 1), round(tempered(0.01, 2), 3)
    (0.5, 0.01, 0.091)
    """
    return float(f"{expit(logit(probability) / temperature):.4g}")
