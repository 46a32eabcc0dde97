"""What a survey puts on the map: cracks, sections and photographs, gathered part by part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa

from pipeline.arrays import Reals
from pipeline.placing.geo_files import features
from pipeline.placing.geodesy import from_road, rounded_line, unwrapped, wrapped
from pipeline.placing.photograph_view import Sight
from pipeline.placing.placed_cracks import is_owned, place_crack
from pipeline.placing.roadbook import Placed
from pipeline.placing.sums import SectionSums
from pipeline.survey.road import cracks_of

PLACE = {"latitude_deg": "latitude", "longitude_deg": "longitude", "heading_deg": "heading", "chainage_m": "chainage"}


class Layers:
    """Gathers what goes on the map while cracks are put in their places."""

    def __init__(self, book: Mapping[str, Placed]) -> None:
        """Take every photograph's place, by name."""
        self._book = book
        self._cracks: list[gpd.GeoDataFrame] = []  # of each part: a row as a dict takes ten times the room
        self._photographs: list[dict[str, Any]] = []

    def roadbook(self) -> pa.Table:
        """Every photograph's place as a table."""
        schema = pa.schema(
            [
                ("name", pa.string()),
                *((name, pa.float64()) for name in (*PLACE, "owned_from_m", "owned_to_m")),
                *((name, pa.string()) for name in ("position_source", "heading_source", "chainage_source", "flags")),
            ]
        )
        return pa.Table.from_pylist([_photograph(placed) for placed in self._book.values()], schema=schema)

    def place_part(
        self, outcomes: pa.Table, sight_in: Callable[[int, int, float | None], Sight], sums: SectionSums
    ) -> Iterator[dict[str, Any]]:
        """Rows of ``cracks`` of one part, in place; their metres are added to the sums."""
        shown: list[dict[str, Any]] = []
        for row, cracks in cracks_of(outcomes):
            placed = self._book[row["name"]]
            sight = sight_in(row["width_px"], row["height_px"], row["gsd_mm_per_px"])
            counted = sums.add(placed, sight, cracks)
            told = {name: row.get(name) for name in ("name", "taken_at", "crack_share")}
            self._photographs.append(_photograph(placed) | told)
            for crack in cracks:
                full = crack | place_crack(crack, placed, sight, counted.get(crack["crack_id"]))
                if full.get("line_deg") or _unplaced(crack, placed, sight):
                    shown.append(full | _place(placed))
                yield full
        self._cracks.append(features("cracks", shown))

    def frames(self, sections: list[dict[str, Any]]) -> dict[str, gpd.GeoDataFrame]:
        """The layers by name. Of a crack that two photographs show, the one that counts is in it."""
        cracks = cast(gpd.GeoDataFrame, pd.concat(self._cracks or [features("cracks", [])], ignore_index=True))
        rows = {"sections": sections, "photographs": self._photographs}
        return {"cracks": cracks} | {name: features(name, listed) for name, listed in rows.items()}


def _unplaced(crack: Mapping[str, Any], placed: Placed, sight: Sight) -> bool:
    """A crack that can only be shown where its photograph is, unless the strip of another photograph holds it."""
    if sight.view is None:
        return True
    on_the_map = np.isfinite([placed.latitude, placed.longitude, placed.heading]).all()
    return not on_the_map and is_owned(crack, placed, sight.view)


def add_section_lines(sections: list[dict[str, Any]], book: Iterable[Placed]) -> list[dict[str, Any]]:
    """Sections with `line_deg`, their part of the line from photograph to photograph.

    Where that has no length, as in road that only the first or last photograph shows, it goes straight on from that
    photograph, or is its place alone, ``[longitude, latitude]``, if no heading is known. None where no place is known.
    """
    drives: defaultdict[tuple[str | None, ...], list[Placed]] = defaultdict(list)
    for placed in book:
        if np.isfinite([placed.chainage, placed.longitude, placed.latitude]).all():
            drives[placed.route_id, placed.direction, placed.lane].append(placed)
    lines = {key: sorted(drive, key=lambda placed: placed.chainage) for key, drive in drives.items()}
    return [
        row | {"line_deg": _section_line(row, lines.get((row["route_id"], row["direction"], row["lane"]), []))}
        for row in sections
    ]


def _section_line(row: Mapping[str, Any], drive: list[Placed]) -> list[float] | None:
    if not drive:
        return None
    line = np.array([(placed.chainage, placed.longitude, placed.latitude) for placed in drive])
    line[:, 1] = unwrapped(line[:, 1])  # else what lies half way between both sides of ±180° is in Greenwich
    first, last = max(row["from_m"], line[0, 0]), min(row["to_m"], line[-1, 0])
    if not first < last:
        nearest = drive[0] if row["from_m"] <= line[0, 0] else drive[-1]
        return _straight_on(nearest, row["from_m"], row["to_m"], row.get("surveyed_m") or 0.0)
    inside = line[(line[:, 0] > first) & (line[:, 0] < last), 0]
    at = np.concatenate([[first], inside, [last]])
    east, north = (np.interp(at, line[:, 0], line[:, side]) for side in (1, 2))
    return _rounded(np.column_stack([wrapped(east), north]))


def _straight_on(placed: Placed, from_m: float, to_m: float, length_m: float) -> list[float]:
    """The `length_m` of a section that lie nearest to a photograph, as a straight line along its heading."""
    if not length_m or not np.isfinite(placed.heading):
        return _rounded(np.array([placed.longitude, placed.latitude]))
    low = min(max(placed.chainage - length_m / 2, from_m), to_m - length_m)
    ahead = placed.sense * (np.array([low, low + length_m]) - placed.chainage)
    road = np.column_stack([np.zeros(2), ahead])
    return _rounded(from_road(placed.latitude, placed.longitude, placed.heading, road))


def _rounded(points: Reals) -> list[float]:
    found: list[float] = rounded_line(points).reshape(-1).tolist()
    return found


def _photograph(placed: Placed) -> dict[str, Any]:
    told = placed._asdict()
    names = ("route_id", "direction", "lane", "position_source", "heading_source", "chainage_source")
    return {
        "name": placed.name,
        **{name: told[name] for name in names},
        **{name: _known(told[field]) for name, field in PLACE.items()},
        "owned_from_m": _known(placed.low),
        "owned_to_m": _known(placed.high),
        "flags": placed.flags or None,
    }


def _place(placed: Placed) -> dict[str, float | None]:
    return {"latitude_deg": _known(placed.latitude), "longitude_deg": _known(placed.longitude)}


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
