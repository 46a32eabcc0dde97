import pytest

from pipeline.survey.listing.columns import Column
from pipeline.survey.listing.values import BadLineError, read_place


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
