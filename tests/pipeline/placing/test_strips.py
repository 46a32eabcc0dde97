import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.placing.flags import Flags
from pipeline.placing.strips import chainage_of, check_chainage, flag_standing, own_strips

NAN = np.nan


def told(chainage: list[float]) -> tuple[int, list[str]]:
    flags = Flags(len(chainage))
    return check_chainage(np.array(chainage, float), flags), flags.texts


@given(
    st.lists(st.floats(0, 200), min_size=1, max_size=30),
    st.sampled_from([1, -1]),
    st.booleans(),
)
def test_every_metre_has_one_owner(chainage: list[float], sense: int, forward: bool) -> None:
    at = np.array(chainage)
    strips = own_strips(at, sense, np.full(len(at), 3.0), np.full(len(at), 12.0), forward)
    for metre in np.linspace(-20, 220, 97) + 0.01234:
        assert ((strips.low <= metre) & (metre < strips.high)).sum() == 1


def test_a_view_down_owns_half_way_to_both_neighbours() -> None:
    strips = own_strips(np.array([0.0, 2, 6]), 1, np.full(3, -1.5), np.full(3, 1.5), forward=False)
    np.testing.assert_allclose(strips.low, [-np.inf, 1, 4])
    np.testing.assert_allclose(strips.high, [1, 4, np.inf])


@pytest.mark.parametrize("sense", [1, -1])
def test_a_view_ahead_owns_the_nearest_road_that_it_sees(sense: int) -> None:
    at = 100 + sense * 5.0 * np.arange(4)
    strips = own_strips(at, sense, np.full(4, 3.0), np.full(4, 20.0), forward=True)
    ahead = np.sort([sense * (strips.low[1] - at[1]), sense * (strips.high[1] - at[1])])
    np.testing.assert_allclose(ahead, [3, 8])


@pytest.mark.parametrize("sense", [1, -1])
def test_where_steps_are_longer_than_what_is_shown_in_full_the_nearer_road_counts_too(sense: int) -> None:
    at = sense * np.array([0.0, 2, 12, 13])
    strips = own_strips(at, sense, np.full(4, 3.0), np.full(4, 11.0), forward=True)
    ends = np.sort(sense * np.column_stack([strips.low, strips.high])[1:3], axis=1)
    np.testing.assert_allclose(ends, [[5, 13], [13, 16]])


def test_without_a_chainage_nothing_is_owned() -> None:
    strips = own_strips(np.array([NAN, 5.0, NAN]), 1, np.full(3, NAN), np.full(3, NAN), forward=False)
    assert np.isnan(strips.low).tolist() == [True, False, True]


def test_chainage_that_jumps_runs_back_or_is_missing_is_flagged() -> None:
    assert told([0, 5, 10, 15]) == (1, [""] * 4)
    assert told([15, 10, 5, 0]) == (-1, [""] * 4)
    assert told([0, 5, 3, 10])[1] == ["", "", "chainage runs back", ""]
    assert told([20, 15, 17, 10])[1] == ["", "", "chainage runs back", ""]
    assert told([0, 5, 500, 505])[1] == ["", "", "chainage jumps", ""]
    assert told([0, 5, NAN, 15])[1] == ["", "", "no chainage", ""]
    assert told([NAN]) == (1, ["no chainage"])


def test_chainage_comes_from_the_manifest_then_the_track_then_the_fixes() -> None:
    none, fixes = np.full(3, NAN), (np.array([10.0, 10.0001, 10.0002]), np.full(3, 20.0))
    assert chainage_of(np.array([1.0, NAN, 3]), np.array([7.0, 8, 9]), *fixes)[1] == "manifest"
    assert chainage_of(none, np.array([7.0, 8, NAN]), *fixes)[1] == "track"
    along, source = chainage_of(none, none, *fixes)
    assert source == "photographs"
    np.testing.assert_allclose(along, [0, 11.06, 22.12], atol=0.01)
    assert chainage_of(none, none, none, none)[1] is None


def standing(chainage: list[float], seconds: list[float]) -> list[int]:
    flags = Flags(len(chainage))
    flag_standing(np.array(chainage), np.array(seconds), flags)
    return [at for at, text in enumerate(flags.texts) if text == "stands"]


def test_a_vehicle_whose_chainage_a_list_rounds_does_not_stand() -> None:
    assert standing([round(5 * n, -1) for n in range(40)], [0.5 * n for n in range(40)]) == []
    assert standing([0.0, 10, 10, 20, 20, 30], [0.0, 1, 2, 3, 15, 16]) == [4], "12 s in one place"


def test_a_vehicle_that_stays_stands() -> None:
    assert standing([0.0, 7, 9, 9.6, 9.7, 9.7, 9.7, 11], list(range(8))) == [4, 5, 6]
    assert standing([4.0, 4, 4], [0.0, 1, 2]) == [1, 2], "all of the drive"
    assert standing([4.0, NAN], [0.0, 1]) == standing([4.0], [0.0]) == standing([4.0, 4], [NAN, 1]) == []
