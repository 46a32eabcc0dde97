"""Is a probability one? Counts of logits against the truth that add up over pictures, and what is told from them.

A validation part has hundreds of millions of pixels; counted on a fine grid of logits they take 32 KB a picture.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

MOST_LOGIT = 16  # float32 knows of no probability between 1 and that of a logit of 17
A_LOGIT = 64  # steps: rounding to 1 / 64 moves no fitted temperature by a thousandth
LOGITS: NDArray[np.float64] = np.arange(-MOST_LOGIT * A_LOGIT, MOST_LOGIT * A_LOGIT + 1) / A_LOGIT  # (L,)
ECE_BINS = 15


def count_logits(probability: NDArray[np.floating[Any]], truth: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How often each of `LOGITS` is said where there is no crack, and where there is: ``(2, L)``.

    Args:
        probability: ``(N,)``, 0–1.
        truth: ``(N,)``, True on crack.
    """
    certain = expit(-float(MOST_LOGIT))
    logits = logit(np.asarray(probability, np.float64).clip(certain, 1 - certain))
    steps = np.rint((logits + MOST_LOGIT) * A_LOGIT).astype(np.int64)
    return np.stack([np.bincount(steps[truth == kind], minlength=len(LOGITS)) for kind in (False, True)])


def shares_of(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """``(S, 2, L)`` counts of data sets as shares ``(2, L)`` that sum to 1, each set weighing the same.

    A set of which nothing was counted has no share.
    """
    known = counts[counts.sum(axis=(1, 2)) > 0].astype(np.float64)
    return np.asarray((known / known.sum(axis=(1, 2), keepdims=True)).mean(axis=0), np.float64)


def negative_log_likelihood(shares: NDArray[np.float64], temperature: float = 1.0) -> float:
    """Mean surprise, in nats, of who believes the logits divided by `temperature`; `shares` as `shares_of`."""
    logits = LOGITS / temperature
    return float((shares * np.logaddexp(0, [logits, -logits])).sum())


def expected_calibration_error(shares: NDArray[np.float64], temperature: float = 1.0) -> float:
    """Expected calibration error: how far the probability of crack is from how often there is one.

    The probability is cut into 15 bins of equal width; in each, the mean probability is held against the share of
    crack, and the mean of their distances is taken, each bin weighing what lies in it (Naeini, Cooper and Hauskrecht
    2015, "Obtaining well calibrated probabilities using Bayesian binning"; Guo et al. 2017, equation 3, which for
    several classes takes the probability of the likeliest).

    Args:
        shares: of `shares_of`.
        temperature: that the logits are divided by.

    Returns:
        0 where every probability is one, 1 where a network is always certain and always wrong.
    """
    probability = expit(LOGITS / temperature)
    bins = np.minimum((probability * ECE_BINS).astype(np.int64), ECE_BINS - 1)
    said = np.bincount(bins, shares.sum(axis=0) * probability, ECE_BINS)
    found = np.bincount(bins, shares[1], ECE_BINS)
    return float(np.abs(said - found).sum())
