from datetime import UTC, datetime

import pytest

from pipeline.survey.listing.bad_line import BadLineError
from pipeline.survey.listing.columns import Column
from pipeline.survey.listing.values import read_place


@pytest.mark.parametrize(
    ("latitude", "north_or_south", "told"),
    [("38.72", "N", 38.72), ("38.72", "S", -38.72), ("38.72", "south", -38.72), ("-38.72", "S", -38.72)],
)
def test_a_position_lies_on_the_side_that_its_reference_says(latitude, north_or_south, told) -> None:
    line = {
        Column("latitude_deg"): latitude,
        Column("latitude_reference"): north_or_south,
        Column("longitude_deg"): "9.14",
        Column("longitude_reference"): "W",
    }
    place = read_place(line, decimal_comma=False)
    assert (place["latitude_deg"], place["longitude_deg"]) == (told, -9.14)


@pytest.mark.parametrize(("latitude", "reference"), [("-38.72", "N"), ("38.72", "E"), ("38.72", "Nowhere")])
def test_a_reference_that_does_not_fit_is_a_bad_line(latitude, reference) -> None:
    line = {Column("latitude_deg"): latitude, Column("latitude_reference"): reference, Column("longitude_deg"): "9"}
    with pytest.raises(BadLineError, match=r"latitude_(deg|reference) is"):
        read_place(line, decimal_comma=False)


@pytest.mark.parametrize(
    "time",
    ["0001-01-02T00:00:00", "1500-01-01T10:00:00Z", "2262-05-01T00:00:00", "9999-12-31T23:59:59", "9999-12-31", 9e13],
)
@pytest.mark.parametrize("field", ["taken_at", "taken_local"])
def test_a_year_that_is_none_of_ours_is_a_bad_line(field, time) -> None:
    with pytest.raises(BadLineError, match="write it as 2026"):
        read_place({Column(field): time}, decimal_comma=False)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00", "0000-00-00 00:00:00", "0000-00-00"])
def test_what_programs_write_for_no_time_tells_nothing(time) -> None:
    assert read_place({Column("taken_at"): time}, decimal_comma=False) == {}


@pytest.mark.parametrize(
    "line",
    [
        {"date": "2026-05-31", "taken_at": "9:05:09"},
        {"date": "2026-05-31", "taken_at": "9:05:09.00"},
        {"date": "31.05.2026", "taken_at": " 9:05:09Z"},
        {"date": "31.5.2026 0:00:00", "taken_at": "9:05:09"},
        {"taken_at": "31.5.2026 9:05:09"},
        {"taken_at": "2026:05:31 9:05:09"},
        {"taken_at": "2026-05-31T11:05:09+02:00"},
    ],
)
def test_the_hour_may_have_one_digit_as_spreadsheets_write_it(line) -> None:
    told = read_place({Column(name): value for name, value in line.items()}, decimal_comma=False)
    assert told == {"taken_at": datetime(2026, 5, 31, 9, 5, 9, tzinfo=UTC)}
    local = read_place({Column("taken_local"): "31.5.2026 9:05:07"}, decimal_comma=True)
    assert local == {"taken_local": "2026-05-31T09:05:07"}
