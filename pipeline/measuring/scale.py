"""Pixels ↔ metres of the road. Measuring asks no more of a scale than this; a camera's view of the road is one too."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Protocol

import numpy as np

from models.errors import UsageError
from pipeline.arrays import Reals

FINEST_MM, COARSEST_MM = 0.02, 1000.0  # a pixel; what lies beyond is in another unit


class Scale(Protocol):
    """Where pixels lie on the road. Road: x to the right of the lane's axis, y ahead along it, m."""

    @property
    def source(self) -> str:
        """Where the scale is from, for the column `gsd_source`."""

    def to_road(self, points: Reals) -> Reals:
        """``(N, 2)`` px → ``(N, 2)`` m; nan where there is no road."""

    def to_picture(self, points: Reals) -> Reals:
        """``(N, 2)`` m → ``(N, 2)`` px."""

    def jacobians(self, points: Reals) -> Reals:
        """``(N, 2)`` px → ``(N, 2, 2)`` m a px: columns are the road's steps for one px right and one px down."""


def check_scale(mm_per_px: float) -> None:
    """Refuse what cannot be the length of road that a pixel shows.

    Raises:
        UsageError: it is not above zero, or in another unit.
    """
    if not (isfinite(mm_per_px) and FINEST_MM <= mm_per_px <= COARSEST_MM):
        raise UsageError(
            f"--gsd {mm_per_px:g}: scales from {FINEST_MM:g} to {COARSEST_MM:g} mm a pixel are possible.",
            "Give the length of road that one pixel shows, in mm, such as 2.5; leave it out where it is not known.",
        )


@dataclass(frozen=True)
class UniformScale:
    """Every pixel is the same length of road: the camera looks straight down.

    Attributes:
        mm_per_px: length of road that one pixel shows, mm.
        source: such as ``gsd`` or ``manifest``.
        axis_deg: direction of travel in the picture, clockwise from straight up.
    """

    mm_per_px: float
    source: str
    axis_deg: float = 0.0

    def __post_init__(self) -> None:
        check_scale(self.mm_per_px)

    def to_road(self, points: Reals) -> Reals:
        """``(N, 2)`` px → ``(N, 2)`` m.

        >>> UniformScale(2.0, "gsd").to_road(np.array([[100.0, 50.0]])).tolist()
        [[0.2, -0.1]]
        """
        return np.asarray(points @ self._matrix().T)

    def to_picture(self, points: Reals) -> Reals:
        """``(N, 2)`` m → ``(N, 2)`` px."""
        return np.asarray(points @ np.linalg.inv(self._matrix()).T)

    def jacobians(self, points: Reals) -> Reals:
        """``(N, 2, 2)``, all the same."""
        return np.broadcast_to(self._matrix(), (len(points), 2, 2))

    def _matrix(self) -> Reals:
        cosine, sine = np.cos(np.deg2rad(self.axis_deg)), np.sin(np.deg2rad(self.axis_deg))
        return np.array([[cosine, sine], [sine, -cosine]]) * self.mm_per_px / 1000
