"""Every photograph of a survey on its road: place, heading, chainage, and the strip of road that it answers for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.arrays import Reals
from pipeline.placing.flags import Flags
from pipeline.placing.photograph_view import Sight, Viewer
from pipeline.placing.places import camera_clock, find_places, moments
from pipeline.placing.seen_road import looks_back, nearest_whole
from pipeline.placing.strips import chainage_of, check_chainage, flag_standing, own_strips, sense_of
from pipeline.placing.track import Track

DRIVE = ["route_id", "direction", "lane"]
"""Photographs that share these were taken on one drive along one lane."""

LANE_MISSING = "lane missing in part of the drive"
"""Such photographs make a lane of their own, beside the one in which the same road may count once more."""


class Placed(NamedTuple):
    """One photograph on its road; nan and None where that is not known.

    Attributes:
        latitude, longitude, heading: degrees, heading of the lane's axis, clockwise from true north.
        chainage: m.
        sense: 1 where chainage grows in the direction of travel, −1 where it falls.
        low, high: strip that it owns, chainage in m.
        flags: what is wrong, ``; `` between.
    """

    name: str
    route_id: str | None
    direction: str | None
    lane: str | None
    latitude: float
    longitude: float
    heading: float
    chainage: float
    sense: int
    low: float
    high: float
    position_source: str | None
    heading_source: str | None
    chainage_source: str | None
    flags: str


def make_roadbook(
    images: pd.DataFrame,
    viewer: Viewer,
    track: Track | None,
    clock_offset_s: float | None,
    forward: bool,
) -> dict[str, Placed]:
    """Place every photograph, drive by drive, each drive in the order of its times, else of its chainage.

    Args:
        images: `name`, size and what is told of time and place, as in the table ``images``, in the survey's order.
        viewer: how a photograph shows the road.
        track: of the vehicle, where there is one.
        clock_offset_s: added to the camera's clock, s.
        forward: the camera looks ahead.
    """
    book: dict[str, Placed] = {}
    images = images.assign(lane_missing=_lane_missing(images))
    for _, drive in images.groupby(DRIVE, dropna=False, sort=False):
        order = _order(drive, moments(drive, clock_offset_s, Flags(len(drive))))
        book |= _place_drive(drive.iloc[order], viewer, track, clock_offset_s, forward)
    return book


def _lane_missing(images: pd.DataFrame) -> pd.Series:
    """Photographs without a lane where others of the same route and direction have one, ``(N,)`` bool."""
    told = images["lane"].notna()
    elsewhere = told.groupby([images[name].fillna("") for name in DRIVE[:2]], sort=False).transform("any")
    return ~told & elsewhere.astype(bool)


def _order(drive: pd.DataFrame, seconds: Reals) -> NDArray[np.intp]:
    """Row numbers of a drive in the order they were taken: by time, or by chainage if not all have a time.

    It is enough that all times are told in UTC, or all as the camera's clock showed them. The list's order says only
    which way the chainage runs. A photograph without a chainage stays behind the one that it follows in the list;
    without times and chainage the list's order counts.
    """
    for times in (seconds, camera_clock(drive)):
        if np.isfinite(times).all():
            return np.argsort(times, kind="stable")
    told = drive["chainage_m"].astype("float64")
    sense = sense_of(np.asarray(told.dropna(), np.float64))
    return np.argsort(sense * told.ffill().bfill().to_numpy(), kind="stable")


def _place_drive(
    drive: pd.DataFrame,
    viewer: Viewer,
    track: Track | None,
    clock_offset_s: float | None,
    forward: bool,
) -> dict[str, Placed]:
    places = find_places(drive, track, clock_offset_s)
    places.flags.add(drive["lane_missing"].to_numpy(bool), LANE_MISSING)
    on_the_road = drive["chainage_m"].to_numpy(np.float64, na_value=np.nan)
    chainage, source = chainage_of(on_the_road, places.along, places.latitude, places.longitude)
    sense = check_chainage(chainage, places.flags)
    flag_standing(chainage, moments(drive, clock_offset_s, Flags(len(drive))), places.flags)
    sizes = drive[["width_px", "height_px", "gsd_mm_per_px"]].itertuples(index=False, name=None)
    sights = [viewer(int(width), int(height), told) for width, height, told in sizes]
    near, far = _reaches(sights, places.flags, forward)
    strips = own_strips(chainage, sense, near, far, forward)
    heading = _along_the_lane(places.heading, places.heading_source, sights)
    placed, flags = {}, places.flags.texts
    for at, (name, *key) in enumerate(drive[["name", *DRIVE]].itertuples(index=False, name=None)):
        route_id, direction, lane = (None if pd.isna(value) else str(value) for value in key)
        placed[str(name)] = Placed(
            str(name),
            route_id,
            direction,
            lane,
            float(places.latitude[at]),
            float(places.longitude[at]),
            float(heading[at]),
            float(chainage[at]),
            sense,
            float(strips.low[at]),
            float(strips.high[at]),
            places.position_source[at],
            places.heading_source[at],
            source if np.isfinite(chainage[at]) else None,
            flags[at],
        )
    return placed


def _along_the_lane(heading: Reals, sources: list[str | None], sights: list[Sight]) -> Reals:
    """Bearings of the lane's axis: fixes tell the direction of travel, a photograph itself where its camera looked."""
    axis = np.array([0.0 if view is None else view.axis_deg for view, _ in sights])
    looked = np.array([source == "photograph" for source in sources], bool)
    return np.where(looked, heading + axis, heading) % 360


def _reaches(sights: list[Sight], flags: Flags, forward: bool) -> tuple[Reals, Reals]:
    """Nearest and farthest road that each shows, ``(N,)`` m ahead; nan without a scale, which is flagged.

    In a view ahead the nearest counts that is shown in full; in one that looks back both lie behind.
    """
    ends: dict[int, tuple[float, float]] = {}
    for view, _ in sights:
        if view is not None and id(view) not in ends:
            ahead = view.footprint()[:, 1]
            low, high = float(ahead.min()), float(ahead.max())
            ends[id(view)] = (nearest_whole(view), low if looks_back(view) else high) if forward else (low, high)
    for word in {flag for _, flag in sights} - {""}:
        flags.add(np.array([flag == word for _, flag in sights]), word)
    both = np.array([(np.nan, np.nan) if view is None else ends[id(view)] for view, _ in sights]).reshape(-1, 2)
    return both[:, 0], both[:, 1]
