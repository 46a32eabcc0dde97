"""A GPX track: where the vehicle was at a time, and where it was heading. Nothing is guessed beyond its points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import NamedTuple

import gpxpy
import gpxpy.gpx
import numpy as np
from numpy.typing import NDArray

from models.errors import DataError
from models.given import read_given
from pipeline.arrays import Reals
from pipeline.placing.flags import OUTSIDE
from pipeline.placing.geodesy import WGS84, bearings
from pipeline.placing.spikes import spikes, turning_room
from pipeline.placing.way import way_along

MOST_SECONDS, MOST_METRES = 10.0, 50.0
"""Between two points of the track no further apart than this a place is interpolated."""

SLOWEST_M_S = 1.0
"""Below this speed the bearing between two fixes is noise."""

GAP, WRONG = "gap in the track", "wrong point in the track"

MOST_TRACK_BYTES = 200_000_000  # a week of one point a second, with all that a receiver adds


@dataclass(frozen=True)
class Track:
    """Fixes in the order of time.

    Attributes:
        seconds: ``(N,)`` since 1970, UTC.
        latitude, longitude: ``(N,)`` degrees.
        along: ``(N,)`` metres driven since the track's first point.
        heading, apart: ``(N − 1,)`` degrees and metres from each point to the next.
        mended: ``(N − 1,)``, a wrong point between each and the next was left out.
    """

    seconds: Reals
    latitude: Reals
    longitude: Reals
    along: Reals
    heading: Reals
    apart: Reals
    mended: NDArray[np.bool_]


class Located(NamedTuple):
    """Where a track says that the vehicle was; nan where it does not.

    Attributes:
        latitude, longitude: ``(M,)`` degrees.
        heading: ``(M,)`` degrees clockwise from true north; nan where the vehicle all but stood.
        along: ``(M,)`` metres driven since the track's first point.
        flags: ``(M,)`` text, why there is no place or why it is doubtful; "" where neither.
    """

    latitude: Reals
    longitude: Reals
    heading: Reals
    along: Reals
    flags: NDArray[np.object_]


def read_track(path: Path) -> Track:
    """Read every track of a GPX file as one.

    Times without a zone are UTC, as GPX 1.1 has them.

    Raises:
        DataError: it cannot be read, has fewer than two points with a time, lies off the globe, or its time runs back.
    """
    try:
        gpx = gpxpy.parse(read_given(path, MOST_TRACK_BYTES).decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, gpxpy.gpx.GPXException) as error:
        raise DataError(f"The track {path} cannot be read: {error}", "Give a GPX file, whole and in UTF-8.") from error
    points = [point for track in gpx.tracks for segment in track.segments for point in segment.points]
    timed = [(point.time, point.latitude, point.longitude) for point in points if point.time is not None]
    if len(timed) < 2:
        raise DataError(
            f"The track {path} has {len(timed)} points with a time, of {len(points)} in all; it takes two.",
            "Record the track with times, during the whole drive; photographs are matched by them.",
        )
    seconds = np.array([time.replace(tzinfo=time.tzinfo or UTC).timestamp() for time, _, _ in timed])
    return make_track(seconds, np.array([t[1] for t in timed]), np.array([t[2] for t in timed]), str(path))


def make_track(seconds: Reals, latitude: Reals, longitude: Reals, name: str) -> Track:
    """A track of fixes, checked; those that lie aside of the others for a moment, and (0, 0), are left out.

    Raises:
        DataError: a fix lies off the globe, time runs back, or fewer than two fixes are right; `name` is what the
            message calls the track.
    """
    wrong = ~((np.abs(latitude) <= 90) & (np.abs(longitude) <= 180))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise DataError(
            f"Point {at + 1} of the track {name} lies off the globe: {latitude[at]:g}, {longitude[at]:g}.",
            "Remove it, or record the track anew.",
        )
    back = np.diff(seconds) < 0
    if back.any():
        raise DataError(
            f"Time runs back in the track {name}: point {int(np.argmax(back)) + 2} is earlier than the one before it.",
            "Sort its points by time, or give the tracks of one drive only.",
        )
    kept = _right_points(seconds, latitude, longitude)
    if len(kept) < 2:
        raise DataError(
            f"The track {name} has {len(seconds)} points, {len(kept)} of them with a place.", "Record the track anew."
        )
    mended = np.diff(kept) > 1
    seconds, latitude, longitude = seconds[kept], latitude[kept], longitude[kept]
    heading, metres = bearings(latitude, longitude)
    return Track(seconds, latitude, longitude, way_along(latitude, longitude), heading, metres, mended)


def _right_points(seconds: Reals, latitude: Reals, longitude: Reals) -> NDArray[np.intp]:
    """Numbers of the points that are no receiver's (0, 0) and lie aside of no others."""
    kept = np.flatnonzero((latitude != 0) | (longitude != 0))
    moments = seconds[kept]
    aside = spikes(
        latitude[kept],
        longitude[kept],
        lambda before, at, after: turning_room(moments[at] - moments[before], moments[after] - moments[at]),
    )
    return kept[~aside]


def locate(track: Track, seconds: Reals) -> Located:
    """Where the vehicle was at times.

    Args:
        track: of `read_track`.
        seconds: ``(M,)`` since 1970, UTC; nan where not known.
    """
    known = np.isfinite(seconds)
    inside = known & (seconds >= track.seconds[0]) & (seconds <= track.seconds[-1])
    before = np.clip(np.searchsorted(track.seconds, np.where(known, seconds, -np.inf), side="right") - 1, 0, None)
    before = np.minimum(before, len(track.seconds) - 2)
    lasted = track.seconds[before + 1] - track.seconds[before]
    metres, driven = track.apart[before], track.along[before + 1] - track.along[before]
    share = np.where(lasted > 0, (seconds - track.seconds[before]) / np.where(lasted > 0, lasted, 1), 0.0)
    # On a point itself no gap matters, whatever comes after it.
    on_point = inside & ((seconds == track.seconds[before]) | (seconds == track.seconds[before + 1]))
    good = inside & (on_point | ((lasted <= MOST_SECONDS) & (metres <= MOST_METRES)))
    doubtful = track.mended[before] & ~on_point
    share = np.where(good, share, 0.0)
    longitude, latitude, _ = WGS84.fwd(
        track.longitude[before], track.latitude[before], track.heading[before], share * metres
    )
    moving = good & (driven > SLOWEST_M_S * lasted) & (lasted > 0) & (lasted <= MOST_SECONDS)
    return Located(
        np.where(good, latitude, np.nan),
        np.where(good, longitude, np.nan),
        np.where(moving, track.heading[before], np.nan),
        np.where(good, track.along[before] + share * driven, np.nan),
        np.select([~known | good & ~doubtful, good, inside], ["", WRONG, GAP], OUTSIDE).astype(object),
    )
