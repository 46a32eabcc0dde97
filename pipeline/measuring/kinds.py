"""Orientation and kind of a crack, relative to the lane. No pixels here: lines come in road coordinates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.arrays import Reals

ALONG_DEG, ACROSS_DEG = 20.0, 70.0
"""AASHTO R 85-18: longitudinal within 20° of the lane's axis. Transverse is taken as within 20° of square to it."""

SHORTEST_LONGITUDINAL_M = 0.3
"""AASHTO R 85-18: a longitudinal crack is at least this long."""

LEAST_COHERENCE = 0.3
"""Below it a line has no direction: a ring has 0, half a ring 0, a third of one 0.41, a corner whose one arm is twice
as long as the other 0.33."""

LONGITUDINAL, TRANSVERSE, DIAGONAL, PATTERN, OTHER = "longitudinal", "transverse", "diagonal", "pattern", "other"


def line_sums(values: Reals, starts: NDArray[np.int64]) -> Reals:
    """``(L, …)``: sums by line of ``(N, …)``, lines of at least one value."""
    if len(starts) < 2:
        return np.zeros((0, *values.shape[1:]))
    return np.asarray(np.add.reduceat(values, starts[:-1], axis=0))


def steps_within(points: Reals, starts: NDArray[np.int64]) -> Reals:
    """``(N, 2)``: the step from each point to the next of its line; 0 at a line's last."""
    steps = np.zeros_like(points)
    if len(points):
        steps[:-1] = np.diff(points, axis=0)
        steps[starts[1:] - 1] = 0
    return steps


def orientation(steps: Reals, starts: NDArray[np.int64]) -> tuple[Reals, Reals]:
    """Mean direction of lines, by doubled angles: 1° and 179° give 0°, not 90°.

    Args:
        steps: ``(N, 2)`` of `steps_within`, x to the right of the lane's axis, y along it.
        starts: ``(L + 1,)``.

    Returns:
        ``(L,)`` degrees in (−90, 90], 0 along the lane, positive to the right of ahead; and ``(L,)`` coherence 0–1,
        1 for a straight line. Both nan for a line without length.
    """
    length = np.hypot(steps[:, 0], steps[:, 1])
    safe = np.where(length > 0, length, 1.0)
    doubled = np.stack([(steps[:, 1] ** 2 - steps[:, 0] ** 2) / safe, 2 * steps[:, 0] * steps[:, 1] / safe], 1)
    sums, total = line_sums(doubled, starts), line_sums(length, starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        coherence = np.hypot(sums[:, 0], sums[:, 1]) / total
    degrees = np.rad2deg(np.arctan2(sums[:, 1], sums[:, 0])) / 2
    degrees = np.where(degrees <= -90 + 1e-9, 90.0, degrees)
    return np.where(total > 0, degrees, np.nan), np.where(total > 0, np.minimum(coherence, 1.0), np.nan)


def kind_of(orientation_deg: float, coherence: float, length_m: float) -> str | None:
    """Kind of a single crack; None where it has no direction.

    Args:
        orientation_deg: of `orientation`.
        coherence: the same.
        length_m: nan where there is no scale; then no crack is too short for its kind.

    >>> kind_of(-20.0, 1.0, float("nan")), kind_of(5.0, 1.0, 0.2), kind_of(88.0, 0.9, 0.2), kind_of(45.0, 0.3, 3.0)
    ('longitudinal', 'other', 'transverse', 'diagonal')
    >>> kind_of(45.0, 0.1, 3.0) is None
    True
    """
    if np.isnan(orientation_deg) or coherence < LEAST_COHERENCE:
        return None
    if abs(orientation_deg) <= ALONG_DEG:
        return OTHER if length_m < SHORTEST_LONGITUDINAL_M else LONGITUDINAL
    return TRANSVERSE if abs(orientation_deg) >= ACROSS_DEG else DIAGONAL
