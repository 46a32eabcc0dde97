"""What a survey is told of the road, looked at before it begins: a mistake shows at once, not in the morning."""

from __future__ import annotations

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path

from models.errors import UsageError
from models.given import read_given
from pipeline.placing.camera_file import Camera, read_camera
from pipeline.survey.road_settings import RoadSettings

INSTALL_GEO = 'pip install "crack-survey[geo]"'
MOST_BYTES = 200_000_000  # of a file that tells of the road
PACKAGES = ("geopandas", "pyogrio", "shapely", "pyproj", "gpxpy")


def can_place() -> bool:
    """Whether the packages that place, sum and map are installed."""
    return all(find_spec(name) is not None for name in PACKAGES)


def read_road(road: RoadSettings) -> Camera | None:
    """Read the camera file, and look at the track.

    Raises:
        UsageError: the camera file cannot be, gives a scale that ``--gsd`` gives too, or packages are missing.
        DataError: the track cannot be read.
    """
    camera = None if road.camera is None else read_camera(road.camera)
    if camera is not None and road.gsd_mm_per_px is not None:
        if camera.has_scale:
            raise UsageError(f"--gsd and {road.camera} both give a scale.", "Leave one of them out.")
        if camera.view == "forward":
            raise UsageError(
                f"--gsd gives one scale, and the camera in {road.camera} looks ahead: there, every row has its own.",
                "Give the camera file four points of the road, or lens and mounting.",
            )
    if road.track is not None:
        if not can_place():
            raise UsageError("--track needs packages that are not installed.", f"Run: {INSTALL_GEO}")
        from pipeline.placing.track import read_track

        read_track(road.track)
    return camera


def road_digest(road: RoadSettings) -> str:
    """What is told of the road, with what its files hold, as text that changes when any of it does.

    >>> road_digest(RoadSettings()), road_digest(RoadSettings(section="50m"))[:4]
    ('', '68b1')
    """
    told = road.model_dump(mode="json", exclude_defaults=True)
    for name, path in files_of(road):
        if path is not None:
            told[name] = hashlib.sha256(read_given(path, MOST_BYTES)).hexdigest()
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest() if told else ""


def check_same_road(begun: str, road: RoadSettings, remedy: str) -> None:
    """Refuse to go on where a file that tells of the road has changed.

    The camera is in the plan, so that a changed file would do nothing without a word; a changed track would place all.

    Args:
        begun: `road_digest` of the survey when it was begun.
        road: as it is told now, by the same settings.
        remedy: for one that cannot go on.

    Raises:
        UsageError: a file has changed, or cannot be read.
    """
    files = " or ".join(str(path) for _, path in files_of(road) if path is not None)
    try:
        same = road_digest(road) == begun
    except OSError as error:
        raise UsageError(
            f"{error.filename}, with which the unfinished survey was begun, cannot be read: {error.strerror}.",
            f"Put it back. {remedy}",
        ) from error
    if not same:
        raise UsageError(f"{files} has changed since the unfinished survey was begun.", f"Put it back. {remedy}")


def absolute_paths(road: RoadSettings) -> dict[str, Path | None]:
    """Camera file and track, wherever the next command is given from."""
    return {name: None if path is None else path.absolute() for name, path in files_of(road)}


def files_of(road: RoadSettings) -> list[tuple[str, Path | None]]:
    """Settings that name a file, each with that file."""
    return [("camera", road.camera), ("track", road.track)]
