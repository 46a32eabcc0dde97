from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.placing.geodesy import WGS84
from pipeline.placing.places import find_places
from pipeline.placing.track import Track, make_track

START = pd.Timestamp("2026-05-31T10:00:00Z")
REALS = ("latitude_deg", "longitude_deg", "heading_deg", "chainage_m")
COLUMNS = ("taken_at", "taken_local", *REALS, "heading_reference")


def images(*rows: dict[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=list(COLUMNS))
    return frame.astype(dict.fromkeys(REALS, float))


def at(second: float) -> pd.Timestamp:
    return START + pd.Timedelta(seconds=second)


def northwards(metres: float) -> dict[str, float]:
    longitude, latitude, _ = WGS84.fwd(20.0, 10.0, 0.0, metres)
    return {"latitude_deg": latitude, "longitude_deg": longitude}


def eastward_track(seconds: int = 20) -> Track:
    times = np.arange(seconds + 1.0)
    longitude, latitude, _ = WGS84.fwd(
        np.full(len(times), 20.0), np.full(len(times), 10.0), np.full(len(times), 90.0), 10 * times
    )
    return make_track(START.timestamp() + times, np.asarray(latitude), np.asarray(longitude), "t")


def test_what_is_told_of_the_photograph_counts_before_the_track() -> None:
    found = find_places(images({"taken_at": at(2), **northwards(3)}, {"taken_at": at(5)}), eastward_track(), None)
    assert found.position_source == ["photograph", "track"]
    assert found.latitude[0] == pytest.approx(northwards(3)["latitude_deg"])
    assert found.heading_source == ["track", "track"]
    np.testing.assert_allclose(found.heading, 90, atol=0.01)
    np.testing.assert_allclose(found.along, [20, 50], atol=0.01)


def test_the_clock_offset_moves_photographs_along_the_track() -> None:
    found = find_places(images({"taken_at": at(2)}), eastward_track(), 3.0)
    np.testing.assert_allclose(found.along, [50], atol=0.01)


def test_a_local_time_counts_only_with_an_offset() -> None:
    local = images({"taken_local": "2026-05-31T12:00:02"})
    without = find_places(local, eastward_track(), None)
    assert np.isnan(without.latitude[0])
    assert "time without an offset" in without.flags.texts[0]
    np.testing.assert_allclose(find_places(local, eastward_track(), -7200.0).along, [20], atol=0.01)


def test_a_track_shorter_than_the_survey_leaves_the_rest_without_a_place() -> None:
    found = find_places(images(*({"taken_at": at(second)} for second in (5, 15, 25))), eastward_track(), None)
    assert found.position_source == ["track", "track", None]
    assert found.flags.texts == ["", "", "outside the track; no fix; no heading"]


@pytest.mark.parametrize(
    ("row", "flag"),
    [
        ({"latitude_deg": 0.0, "longitude_deg": 0.0}, "fix at 0, 0"),
        ({"latitude_deg": 91.0, "longitude_deg": 0.0}, "fix off the globe"),
        ({"latitude_deg": 10.0, "longitude_deg": 181.0}, "fix off the globe"),
        ({"latitude_deg": 10.0}, "no fix"),
        ({**northwards(800), "taken_at": at(3)}, "fix off the track"),
    ],
)
def test_wrong_fixes_are_flags(row: dict[str, Any], flag: str) -> None:
    assert flag in find_places(images(row), eastward_track(), None).flags.texts[0]


def test_neighbours_tell_the_heading_before_a_compass_does() -> None:
    rows = [{**northwards(10 * number), "heading_deg": 123.0} for number in range(3)]
    found = find_places(images(*rows), None, None)
    assert found.heading_source == ["photographs"] * 3
    np.testing.assert_allclose((found.heading + 180) % 360 - 180, 0, atol=1e-3)


def test_a_lone_photograph_takes_its_own_heading() -> None:
    row = {**northwards(0), "heading_deg": 12.0, "heading_reference": "magnetic"}
    found = find_places(images(row), None, None)
    assert found.heading.tolist() == [12.0]
    assert found.flags.texts == ["magnetic heading"]
    nothing = find_places(images(northwards(0)), None, None)
    assert nothing.heading_source == [None]
    assert nothing.flags.texts == ["no heading"]


def test_no_photographs_have_no_places() -> None:
    assert find_places(images(), eastward_track(), None).flags.texts == []


@pytest.mark.parametrize("year", ["1500", "2999", "9999"])
def test_a_year_far_off_places_the_others_all_the_same(year: str) -> None:
    """As earlier versions recorded what a broken clock told."""
    far = pd.to_datetime([f"{year}-01-01T00:00:00Z"], utc=True).as_unit("us")[0]
    frame = images({"taken_at": at(5)}, {"taken_at": at(6)})
    frame["taken_at"] = pd.Series([at(5).as_unit("us"), far], dtype="datetime64[us, UTC]")
    found = find_places(frame, eastward_track(), None)
    assert found.position_source == ["track", None]
