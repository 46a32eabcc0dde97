import numpy as np
import pandas as pd

from pipeline.arrays import Reals
from pipeline.placing.geodesy import WGS84
from pipeline.placing.track import locate, make_track
from pipeline.placing.way import way_along
from tests.pipeline.placing.roads import DOWN, book, photographs, summed

SECONDS = 1.7e9 + np.arange(120.0)


def northwards(*metres: float) -> tuple[Reals, Reals]:
    """Latitudes and longitudes of places so far to the north of 10° N 20° E."""
    count = len(metres)
    longitude, latitude, _ = WGS84.fwd(np.full(count, 20.0), np.full(count, 10.0), np.zeros(count), np.array(metres))
    return np.asarray(latitude), np.asarray(longitude)


def standing() -> tuple[Reals, Reals]:
    """120 fixes of a vehicle that stands, each 1 m off to the north and to the east (standard deviation)."""
    off = np.random.default_rng(0).normal(0, 1.0, (120, 2))
    angle, reach = np.degrees(np.arctan2(off[:, 1], off[:, 0])), np.hypot(*off.T)
    longitude, latitude, _ = WGS84.fwd(np.full(120, 20.0), np.full(120, 10.0), angle, reach)
    return np.asarray(latitude), np.asarray(longitude)


def driven(latitude: Reals, longitude: Reals) -> pd.DataFrame:
    frame = photographs([0.0] * len(latitude)).assign(chainage_m=np.nan, latitude_deg=latitude, longitude_deg=longitude)
    return frame.assign(taken_at=pd.to_datetime(SECONDS[: len(latitude)] * 1e9, utc=True))


def test_a_drive_counts_whole() -> None:
    np.testing.assert_allclose(way_along(*northwards(0, 2, 4, 6, 8, 10)), [0, 2, 4, 6, 8, 10], atol=1e-6)
    np.testing.assert_allclose(way_along(*northwards(0, 200, 210)), [0, 200, 210], atol=1e-6)
    np.testing.assert_allclose(way_along(*northwards(0, 3)), [0, 3], atol=1e-6)
    assert way_along(*northwards()).tolist() == []
    assert way_along(*northwards(5)).tolist() == [0]


def test_a_stop_adds_nothing_and_loses_nothing() -> None:
    # Drives to 10 m, stands there, its fixes 3 m to and fro for longer than the first look, and drives on.
    stop = [10.0, 13, 10, 7] * 50
    along = way_along(*northwards(0, 10, *stop, 20, 30))
    np.testing.assert_allclose(along[[0, 1, -2, -1]], [0, 10, 20, 30], atol=1e-6)
    assert (np.diff(along) >= 0).all()


def test_a_vehicle_that_stands_drives_no_road() -> None:
    at_zero = np.column_stack([np.full(4000, 0.9), np.linspace(-300, 300, 4000)])
    frame = driven(*standing())
    rows = summed(frame, DOWN, at_zero)
    # 4 m of road in each of 120 photographs, and no more than the fixes stray.
    assert 4 <= sum(row["surveyed_m"] for row in rows) <= 4 + 5
    flags = [placed.flags for placed in book(frame).values()]
    assert sum("stands" in told for told in flags) > 100
    assert sum("no heading" in told for told in flags) > 110


def test_a_track_of_a_vehicle_that_stands_leads_nowhere() -> None:
    track = make_track(SECONDS, *standing(), "t")
    assert track.along[-1] <= 5
    found = locate(track, SECONDS[:-1] + 0.5)
    assert np.isfinite(found.latitude).all()
    assert np.isnan(found.heading).mean() > 0.9


def test_a_slow_trolley_does_not_stand() -> None:
    flags = [placed.flags for placed in book(driven(*northwards(*(0.8 * np.arange(20))))).values()]
    assert not [told for told in flags if "stands" in told]
