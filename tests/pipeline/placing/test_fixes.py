import numpy as np
import pandas as pd
import pytest

from pipeline.arrays import Reals
from pipeline.placing.fixes import refuse_fixes, usual_step
from pipeline.placing.flags import Flags
from pipeline.placing.geodesy import WGS84
from tests.pipeline.placing.roads import book, photographs

STEPS = [0.0, 4, 8, 12, 16, 20]


def swapped(at: int = 2) -> pd.DataFrame:
    """Photographs of which one has its latitude and longitude the wrong way round."""
    frame = photographs(STEPS)
    frame.loc[at, ["latitude_deg", "longitude_deg"]] = frame.loc[at, ["longitude_deg", "latitude_deg"]].to_numpy()
    return frame


def aside(metres: float = 45.0, at: int = 2) -> pd.DataFrame:
    """Photographs without a chainage, one a second, of which one has a fix to the east of the road."""
    frame = photographs(STEPS).assign(chainage_m=np.nan, taken_at=pd.to_datetime(1.7e18 + 1e9 * np.arange(6), utc=True))
    east, north, _ = WGS84.fwd(frame.longitude_deg[at], frame.latitude_deg[at], 90, metres)
    return frame.assign(
        longitude_deg=frame.longitude_deg.mask(frame.index == at, east),
        latitude_deg=frame.latitude_deg.mask(frame.index == at, north),
    )


def refused(metres: list[float], seconds: list[float] | None, chainage: list[float] | None) -> tuple[Reals, list[str]]:
    nothing = np.full(len(metres), np.nan)
    at, north = np.full((2, len(metres)), [[20.0], [10.0]]), np.zeros(len(metres))
    longitude, latitude, _ = WGS84.fwd(*at, north, np.array(metres))
    latitude, flags = np.array(latitude), Flags(len(metres))
    known = [nothing if told is None else np.array(told, float) for told in (seconds, chainage)]
    refuse_fixes(latitude, np.array(longitude), *known, flags)
    return latitude, flags.texts


def test_a_fix_aside_of_its_neighbours_lengthens_no_road() -> None:
    placed = list(book(aside()).values())
    np.testing.assert_allclose([one.chainage for one in placed], STEPS, atol=0.01)
    np.testing.assert_allclose(placed[2].latitude, photographs(STEPS).latitude_deg[2])
    np.testing.assert_allclose([(one.heading + 180) % 360 - 180 for one in placed], 0, atol=1e-3)
    assert [one.flags for one in placed] == ["", "", "fix jumps", "", "", ""]
    assert placed[2].position_source == "photographs"


def test_a_fix_that_strays_a_little_stays() -> None:
    assert not any(placed.flags for placed in book(aside(3.0)).values())


def test_with_a_chainage_a_fix_far_away_is_found_without_times() -> None:
    placed = list(book(swapped()).values())
    assert [one.flags for one in placed] == ["", "", "fix jumps", "", "", ""]
    assert placed[2].latitude == pytest.approx(photographs(STEPS).latitude_deg[2])
    assert placed[2].chainage == 8


def test_without_times_and_chainage_a_fix_far_away_is_no_road() -> None:
    placed = list(book(swapped().assign(chainage_m=np.nan)).values())
    assert placed[2].flags == "fix jumps; no fix; no heading; no chainage"
    np.testing.assert_allclose([one.chainage for one in placed], [0, 4, np.nan, 12, 16, 20], atol=1e-3)


@pytest.mark.parametrize(
    ("metres", "seconds", "chainage", "where"),
    [
        ([0, 10, 900], [0, 1, 2], None, [2]),  # 890 m in a second
        ([0, 10, 900], None, [0, 10, 20], [2]),  # 890 m where the road has 10
        ([0, 10, 20, 30, 90], None, None, []),
        ([0, 10, 20, 30, 140], None, None, [4]),  # 110 m, where 10 are usual
        ([0, 200, 410, 600], None, None, []),
        ([0, 200, 410, 600], None, [0, 200, 410, 600], []),
        ([0, 0, 0, 0, 60, 120, 180], None, None, []),  # a stop makes no long step
        ([0, 400, 0], [0, 60, 120], None, []),  # there and back again
    ],
)
def test_steps_that_cannot_be_are_flagged(
    metres: list[float], seconds: list[float] | None, chainage: list[float] | None, where: list[int]
) -> None:
    latitude, told = refused(metres, seconds, chainage)
    assert [at for at, text in enumerate(told) if text] == where
    assert np.isfinite(latitude).all()


def test_a_few_wrong_steps_do_not_make_the_usual_one() -> None:
    assert usual_step(np.array([4, 1.1e6, 1.1e6, 4])) == 4
    assert usual_step(np.array([0, 0, 0, 60, 60])) == 60
    assert usual_step(np.zeros(0)) == 0
