"""Every metre of road counts once: chainage of photographs, and the strip of road that each answers for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.arrays import Reals
from pipeline.placing.fixes import JUMP_M, JUMP_STEPS, usual_step
from pipeline.placing.flags import Flags
from pipeline.placing.places import LEAST_METRES
from pipeline.placing.track import SLOWEST_M_S
from pipeline.placing.way import way_along

BACK_M = 0.5
"""Chainages that run back by less are noise of a vehicle that stands."""


class Strips(NamedTuple):
    """The strips that N photographs own.

    Attributes:
        low, high: ends of each, chainage in m; infinite at the ends of the drive, nan where the chainage is unknown.
    """

    low: Reals
    high: Reals


def chainage_of(told: Reals, along: Reals, latitude: Reals, longitude: Reals) -> tuple[Reals, str | None]:
    """Chainage of the photographs of one drive, and where it comes from.

    Args:
        told: of the manifest, m; counts if any photograph has one.
        along: way along the track, m; counts next.
        latitude, longitude: degrees; else the way from photograph to photograph counts.
    """
    if np.isfinite(told).any():
        return told, "manifest"
    if np.isfinite(along).any():
        return along, "track"
    known = np.flatnonzero(np.isfinite(latitude) & np.isfinite(longitude))
    chainage = np.full(len(told), np.nan)
    if len(known) < 2:
        return chainage, None
    chainage[known] = way_along(latitude[known], longitude[known])
    return chainage, "photographs"


def sense_of(chainage: Reals) -> int:
    """Which way chainages ``(N,)`` m, all known, run from photograph to photograph for the most part: 1 or −1."""
    steps = np.diff(chainage)
    return -1 if (steps < -BACK_M).sum() > (steps > BACK_M).sum() else 1


def check_chainage(chainage: Reals, flags: Flags) -> int:
    """Flag photographs whose chainage is missing, jumps or runs back; which way it runs, 1 or −1."""
    flags.add(~np.isfinite(chainage), "no chainage")
    known = np.flatnonzero(np.isfinite(chainage))
    steps = np.diff(chainage[known])
    if not len(steps):
        return 1
    sense = sense_of(chainage[known])
    usual = usual_step(np.abs(steps))
    for wrong, word in (
        (sense * steps < -BACK_M, "chainage runs back"),
        (np.abs(steps) > max(JUMP_M, JUMP_STEPS * usual), "chainage jumps"),
    ):
        told = np.zeros(len(chainage), bool)
        told[known[1:][wrong]] = True
        flags.add(told, word)
    return sense


def flag_standing(chainage: Reals, seconds: Reals, flags: Flags) -> None:
    """Flag photographs that were taken where the one before was: they own next to no road of their own.

    Chainage that a list rounds stays the same from photograph to photograph while the vehicle goes on. So it stands
    only where it stays for longer than even a slow vehicle takes for the smallest step of the drive.
    """
    known = np.flatnonzero(np.isfinite(chainage))
    step, took = np.abs(np.diff(chainage[known])), np.diff(seconds[known])
    stays = (step < LEAST_METRES) & (step < SLOWEST_M_S * took)
    smallest = min(step[step >= LEAST_METRES], default=0.0)
    stay = np.cumsum(~stays)
    lasted_s = np.bincount(stay, np.where(stays, took, 0.0))[stay]
    stands = np.zeros(len(chainage), bool)
    stands[known[1:]] = stays & (SLOWEST_M_S * lasted_s > smallest)
    flags.add(stands, "stands")


def own_strips(chainage: Reals, sense: int, near: Reals, far: Reals, forward: bool) -> Strips:
    """Share the road out: each photograph owns it from half way to the one before to half way to the next.

    A camera that looks ahead sees its strip further on: the nearest road that it shows in full, where a pixel is
    smallest, as far as to where the next photograph begins to show it, or else to the end of what it shows. One that
    looks back sees what a camera ahead would on the way back.

    Args:
        chainage: ``(N,)`` m, nan where unknown.
        sense: of `check_chainage`.
        near, far: ``(N,)`` ends of the road that each shows, m ahead, near in a view ahead where it begins to be shown
            in full, and the greater of both in one that looks back; nan where there is no scale.
        forward: the camera looks ahead.
    """
    low, high = np.full(len(chainage), np.nan), np.full(len(chainage), np.nan)
    known = np.flatnonzero(np.isfinite(chainage))
    order = known[np.argsort(chainage[known], kind="stable")]
    if not len(order):
        return Strips(low, high)
    along = chainage[order]
    between = (along[:-1] + along[1:]) / 2
    if np.isfinite(near).any():
        nearest, farthest = float(np.nanmedian(near)), float(np.nanmedian(far))
        looks = 1 if nearest <= farthest else -1
        between = (
            _handed_over(along, looks * sense, looks * nearest, looks * farthest)
            if forward
            else between + sense * (nearest + farthest) / 2
        )
    low[order] = np.concatenate([[-np.inf], between])
    high[order] = np.concatenate([between, [np.inf]])
    return Strips(low, high)


def _handed_over(along: Reals, sense: int, near: float, far: float) -> Reals:
    """``(N − 1,)`` chainage up to which the earlier of two photographs owns the road, of ``(N,)`` that grow, m."""
    ahead = sense * along
    earlier, later = (ahead[:-1], ahead[1:]) if sense > 0 else (ahead[1:], ahead[:-1])
    return np.asarray(sense * np.minimum(later + near, earlier + far))
