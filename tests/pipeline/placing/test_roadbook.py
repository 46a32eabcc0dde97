import numpy as np
import pandas as pd
import pytest

from tests.pipeline.placing.roads import book, photographs

STEPS = [0.0, 4, 8, 12, 16, 20]


@pytest.mark.parametrize(
    ("order", "sense", "heading"),
    [
        ([0, 4, 5, 1, 2, 3], 1, 0),  # as names without zeros sort: 1, 10, 11, 2, 3, 4
        ([0, 1, 2, 3, 4, 5], 1, 0),
        ([5, 4, 3, 2, 1, 0], -1, 180),  # driven towards falling chainage
        ([5, 4, 2, 3, 1, 0], -1, 180),
    ],
)
def test_the_chainage_gives_the_order_where_times_are_missing(order: list[int], sense: int, heading: float) -> None:
    placed = list(book(photographs(STEPS).iloc[order]).values())
    assert [one.sense for one in placed] == [sense] * 6
    np.testing.assert_allclose(np.cos(np.radians([one.heading - heading for one in placed])), 1)
    assert not any(one.flags for one in placed)
    assert {one.name: one.chainage for one in placed} == {f"{n:03d}": 4.0 * n for n in range(6)}


def test_times_give_the_order_before_the_chainage_does() -> None:
    times = pd.to_datetime(1.7e18 + 1e9 * np.arange(6)[::-1], utc=True)
    placed = book(photographs(STEPS).assign(taken_at=times)).values()
    assert [one.sense for one in placed] == [-1] * 6


def test_the_cameras_clock_gives_the_order_where_its_zone_is_not_told() -> None:
    # As names without zeros sort: 0, 1, 10, 11, 2, …
    frame = photographs([4.0 * n for n in range(12)]).assign(chainage_m=np.nan).iloc[[0, 1, 10, 11, *range(2, 10)]]
    clocks = [f"2026-05-31T09:59:{int(name) // 2 + 50}" for name in frame["name"]]  # two photographs a second
    placed = list(book(frame.assign(taken_local=clocks)).values())
    assert [one.name for one in placed] == [f"{n:03d}" for n in range(12)]
    assert placed[-1].chainage == pytest.approx(44)
    days = ["2026-05-31"] * 11
    for told in ([*days, "2026-05-31T09:00:00"], [*clocks[:11], None]):
        assert list(book(frame.assign(taken_local=told))) == frame["name"].tolist()


def test_a_photograph_without_a_chainage_stays_in_its_place() -> None:
    frame = photographs([0.0, np.nan, 8, 4])
    assert list(book(frame)) == ["000", "001", "003", "002"]
    assert list(book(photographs([np.nan, 0.0, 8]))) == ["000", "001", "002"]
    assert list(book(photographs([np.nan, np.nan]))) == ["000", "001"]
