"""Where each photograph was taken: from what is told of it, else from a track; wrong and missing fixes are flags."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline.arrays import Reals
from pipeline.placing.fixes import between_fixes, refuse_fixes
from pipeline.placing.flags import NO_TIME, Flags
from pipeline.placing.geodesy import bearings, distances
from pipeline.placing.track import MOST_METRES, SLOWEST_M_S, Located, Track, locate
from pipeline.placing.way import way_along

OFF_TRACK_M = 50.0
"""A fix farther than this from the track at the same time does not fit it."""

LEAST_METRES = 0.5
"""Between two photographs nearer than this to each other no bearing is told."""


class Places(NamedTuple):
    """Places of N photographs, nan where unknown.

    Attributes:
        latitude, longitude, heading: degrees, heading clockwise from true north.
        along: metres along the track; nan without one.
        position_source: ``photograph`` (manifest or EXIF), ``track``, ``photographs`` (between neighbours, where the
            photograph's own fix is wrong) or None.
        heading_source: ``track``, ``photographs`` (bearing between neighbours), ``photograph`` or None.
    """

    latitude: Reals
    longitude: Reals
    heading: Reals
    along: Reals
    position_source: list[str | None]
    heading_source: list[str | None]
    flags: Flags


def find_places(images: pd.DataFrame, track: Track | None, clock_offset_s: float | None) -> Places:
    """Find the place of every photograph.

    Args:
        images: rows of the table ``images`` in the order they were taken, of one drive.
        track: of the vehicle, where there is one.
        clock_offset_s: added to the camera's clock, s. Times that are told without a zone count only with it, as if
            they were UTC.
    """
    flags = Flags(len(images))
    seconds = moments(images, clock_offset_s, flags)
    latitude, longitude = _reals(images, "latitude_deg"), _reals(images, "longitude_deg")
    chainage = _reals(images, "chainage_m")
    jumped = refuse_fixes(latitude, longitude, seconds, chainage, flags)
    told = np.isfinite(latitude) & np.isfinite(longitude)
    nowhere = np.full(len(images), np.nan)
    found = Located(nowhere, nowhere, nowhere, nowhere, np.full(len(images), "", object))
    if track is not None:
        found = locate(track, seconds)
        flags.add(~np.isfinite(seconds), NO_TIME)
        for word in set(found.flags) - {""}:
            flags.add(found.flags == word, str(word))
        both = told & np.isfinite(found.latitude)
        apart = np.zeros(len(images))
        apart[both] = distances(latitude[both], longitude[both], found.latitude[both], found.longitude[both])
        flags.add(apart > OFF_TRACK_M, "fix off the track")
    tracked = ~told & np.isfinite(found.latitude)
    latitude[tracked], longitude[tracked] = found.latitude[tracked], found.longitude[tracked]
    between = between_fixes(jumped & ~tracked, latitude, longitude, seconds, chainage)
    flags.add(~(told | tracked | between), "no fix")
    heading, heading_source = _headings(images, latitude, longitude, seconds, found, flags)
    names = ("photograph", "track", "photographs", None)
    source = [names[[*where, True].index(True)] for where in zip(told, tracked, between, strict=True)]
    return Places(latitude, longitude, heading, found.along, source, heading_source, flags)


def moments(images: pd.DataFrame, clock_offset_s: float | None, flags: Flags) -> Reals:
    """When each photograph was taken, ``(N,)`` s since 1970 UTC; nan where that is not known."""
    told = pd.to_datetime(images["taken_at"], utc=True)
    seconds = _seconds(told) + (clock_offset_s or 0.0)
    local = pd.to_datetime(images["taken_local"], errors="coerce", utc=True, format="ISO8601")
    only_local = told.isna().to_numpy() & local.notna().to_numpy()
    if clock_offset_s is None:
        flags.add(only_local, "time without an offset")
        return seconds
    return np.where(only_local, _seconds(local) + clock_offset_s, seconds)


def camera_clock(images: pd.DataFrame) -> Reals:
    """What the camera's clock showed, ``(N,)`` s since 1970 by it; nan where nothing is told, or a day alone."""
    told = images["taken_local"].astype("string")
    of_day = told.where(told.str.len() > len("2026-05-31"))
    return _seconds(pd.to_datetime(of_day, errors="coerce", utc=True, format="ISO8601"))


def _seconds(moments: pd.Series) -> Reals:
    # In microseconds: in nanoseconds no moment after 2262 could be told.
    passed = (moments.dt.as_unit("us") - pd.Timestamp(0, tz="UTC").as_unit("us")).dt.total_seconds()
    return np.asarray(passed.to_numpy(np.float64), np.float64)


def _headings(
    images: pd.DataFrame, latitude: Reals, longitude: Reals, seconds: Reals, found: Located, flags: Flags
) -> tuple[Reals, list[str | None]]:
    """From the track, else between neighbours, else as told of the photograph: a compass in a car is often wrong."""
    between = between_neighbours(latitude, longitude, seconds)
    told = _reals(images, "heading_deg")
    heading = np.where(np.isfinite(found.heading), found.heading, np.where(np.isfinite(between), between, told)) % 360
    sources: list[str | None] = [
        "track" if np.isfinite(a) else "photographs" if np.isfinite(b) else "photograph" if np.isfinite(c) else None
        for a, b, c in zip(found.heading, between, told, strict=True)
    ]
    from_told = np.array([source == "photograph" for source in sources], bool)
    flags.add(from_told & (images["heading_reference"] == "magnetic").to_numpy(bool), "magnetic heading")
    flags.add(~np.isfinite(heading), "no heading")
    return heading, sources


def between_neighbours(latitude: Reals, longitude: Reals, seconds: Reals) -> Reals:
    """Bearing from the photograph before to the next, ``(N,)`` degrees; nan where they are too far apart or stand."""
    known = np.flatnonzero(np.isfinite(latitude) & np.isfinite(longitude))
    heading = np.full(len(latitude), np.nan)
    if len(known) < 2:
        return heading
    ahead, metres = bearings(latitude[known], longitude[known])
    driven, took = np.diff(way_along(latitude[known], longitude[known])), np.diff(seconds[known])
    standing = (took > 0) & (driven < SLOWEST_M_S * took)
    good = (driven >= LEAST_METRES) & (metres <= MOST_METRES) & ~standing
    step = np.where(good, np.exp(1j * np.radians(ahead)) * metres, 0)
    total = np.concatenate([[0], step]) + np.concatenate([step, [0]])  # the step here and the one on
    moved = np.abs(total) > 0
    heading[known[moved]] = np.degrees(np.angle(total[moved])) % 360
    return heading


def _reals(images: pd.DataFrame, column: str) -> Reals:
    return images[column].to_numpy(np.float64, na_value=np.nan, copy=True)
