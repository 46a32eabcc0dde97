import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.errors import DataError
from pipeline.placing.flags import OUTSIDE
from pipeline.placing.geodesy import WGS84, distances
from pipeline.placing.track import GAP, WRONG, locate, make_track, read_track

GPX = """<?xml version="1.0"?><gpx version="1.1" creator="t" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>{}
</trkseg></trk></gpx>"""


def write(folder: Path, *points: tuple[float, float, str | None]) -> Path:
    told = "".join(
        f'<trkpt lat="{lat}" lon="{lon}">{f"<time>{time}</time>" if time else ""}</trkpt>' for lat, lon, time in points
    )
    path = folder / "drive.gpx"
    path.write_text(GPX.format(told))
    return path


def test_a_track_is_read_and_interpolated_by_time(tmp_path: Path) -> None:
    track = read_track(write(tmp_path, (10, 20, "2026-05-31T10:00:00Z"), (10.0002, 20, "2026-05-31T12:00:02+02:00")))
    found = locate(track, np.array([track.seconds[0] + 1.0]))
    np.testing.assert_allclose([found.latitude[0], found.longitude[0]], [10.0001, 20])
    assert found.heading[0] == pytest.approx(0, abs=1e-6)
    assert found.along[0] == pytest.approx(11.06, abs=0.01)


def test_times_without_a_zone_are_utc_as_gpx_has_them(tmp_path: Path) -> None:
    a = read_track(write(tmp_path, (10, 20, "2026-05-31T10:00:00"), (10, 20.0001, "2026-05-31T10:00:01")))
    b = read_track(write(tmp_path, (10, 20, "2026-05-31T10:00:00Z"), (10, 20.0001, "2026-05-31T10:00:01Z")))
    np.testing.assert_array_equal(a.seconds, b.seconds)


@pytest.mark.parametrize(
    ("points", "named"),
    [
        ([(10, 20, None), (10, 21, None)], "0 points with a time, of 2 in all; it takes two"),
        ([(10, 20, "2026-05-31T10:00:05Z"), (10, 20, "2026-05-31T10:00:00Z")], "runs back"),
        ([(10, 20, "2026-05-31T10:00:05Z"), (95, 20, "2026-05-31T10:00:06Z")], "off the globe"),
        ([], "0 points"),
    ],
)
def test_a_track_that_cannot_be_is_refused(
    tmp_path: Path, points: list[tuple[float, float, str | None]], named: str
) -> None:
    with pytest.raises(DataError, match=named):
        read_track(write(tmp_path, *points))


def test_what_is_no_gpx_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.gpx").write_text("path,time\n")
    with pytest.raises(DataError, match="cannot be read"):
        read_track(tmp_path / "a.gpx")
    with pytest.raises(DataError, match="cannot be read"):
        read_track(tmp_path / "gone.gpx")


def test_nothing_is_guessed_before_after_or_in_a_gap() -> None:
    seconds = np.array([0.0, 5, 40, 45])
    track = make_track(seconds, np.full(4, 10.0), 20 + seconds * 5e-5, "t")
    found = locate(track, np.array([-1.0, 0, 2, 20, 40, 45, 46, np.nan]))
    assert found.flags.tolist() == [OUTSIDE, "", "", GAP, "", "", OUTSIDE, ""]
    assert np.isfinite(found.latitude).tolist() == [False, True, True, False, True, True, False, False]


def test_a_gap_in_metres_counts_too() -> None:
    track = make_track(np.array([0.0, 2]), np.array([10.0, 10.001]), np.array([20.0, 20]), "t")  # 110 m in 2 s
    assert locate(track, np.array([1.0])).flags.tolist() == [GAP]


def test_a_vehicle_that_stands_has_no_heading() -> None:
    track = make_track(np.array([0.0, 5]), np.array([10.0, 10.00001]), np.array([20.0, 20]), "t")
    found = locate(track, np.array([2.0]))
    assert np.isfinite(found.latitude[0])
    assert np.isnan(found.heading[0])


@pytest.mark.parametrize("wrong", [(0.0, 0.0), (10.00045, 20.0004)], ids=["0, 0", "44 m aside"])
def test_a_wrong_point_moves_nothing_behind_it(wrong: tuple[float, float]) -> None:
    seconds = np.arange(12.0)
    latitude, longitude = 10 + 9e-5 * seconds, np.full(12, 20.0)  # 9.954 m a second
    latitude[5], longitude[5] = wrong
    found = locate(make_track(seconds, latitude, longitude, "t"), seconds[[4, 5, 6, 11]])
    np.testing.assert_allclose(found.along, 9.954 * np.array([4, 5, 6, 11]), atol=0.01)
    np.testing.assert_allclose(found.latitude, 10 + 9e-5 * np.array([4, 5, 6, 11]))
    np.testing.assert_allclose(found.longitude, 20)
    assert found.flags.tolist() == ["", WRONG, "", ""]


def test_a_track_of_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="3 points, 1 of them with a place"):
        make_track(np.arange(3.0), np.array([0, 10, 0.0]), np.array([0, 20, 0.0]), "t")


@given(st.floats(-80, 80), st.floats(-179.9, 179.9), st.floats(0, 360), st.floats(0, 1))
def test_a_place_between_two_points_divides_their_distance_like_the_time(
    latitude: float, longitude: float, heading: float, share: float
) -> None:
    assume(latitude or longitude)  # (0, 0) is no place
    east, north, _ = WGS84.fwd(longitude, latitude, heading, 30.0)
    track = make_track(np.array([0.0, 3]), np.array([latitude, north]), np.array([longitude, east]), "t")
    found = locate(track, np.array([3 * share]))
    gone = distances(np.array([latitude]), np.array([longitude]), found.latitude, found.longitude)
    assert gone[0] == pytest.approx(30 * share, abs=1e-3)
    assert found.along[0] == pytest.approx(30 * share, abs=1e-3)


def test_a_track_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "track.gpx")
    with pytest.raises(DataError, match="cannot be read"):
        read_track(tmp_path / "track.gpx")
