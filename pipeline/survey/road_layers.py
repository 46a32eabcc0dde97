"""What a survey puts on the map: cracks, sections and photographs, gathered part by part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa

from pipeline.placing.geo_files import features
from pipeline.placing.photograph_view import Sight
from pipeline.placing.placed_cracks import LINE_DECIMALS, place_crack
from pipeline.placing.roadbook import Placed
from pipeline.placing.sums import SectionSums
from pipeline.survey.road import cracks_of

PLACE = {"latitude_deg": "latitude", "longitude_deg": "longitude", "heading_deg": "heading", "chainage_m": "chainage"}


class Layers:
    """Gathers what goes on the map while cracks are put in their places."""

    def __init__(self, book: Mapping[str, Placed]) -> None:
        """Take every photograph's place, by name."""
        self._book = book
        self._cracks: list[dict[str, Any]] = []
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
        for row, cracks in cracks_of(outcomes):
            placed = self._book[row["name"]]
            sight = sight_in(row["width_px"], row["height_px"], row["gsd_mm_per_px"])
            counted = sums.add(placed, sight, cracks)
            self._photographs.append(_photograph(placed) | {"name": row["name"]})
            for crack in cracks:
                full = crack | place_crack(crack, placed, sight, counted.get(crack["crack_id"]))
                if sight.view is None or full.get("line_deg") or not np.isfinite(placed.heading):
                    self._cracks.append(full | _place(placed))
                yield full

    def frames(self, sections: list[dict[str, Any]]) -> dict[str, gpd.GeoDataFrame]:
        """The layers by name. Of a crack that two photographs show, the one that counts is in it."""
        rows = {"cracks": self._cracks, "sections": sections, "photographs": self._photographs}
        return {name: features(name, listed) for name, listed in rows.items()}


def add_section_lines(sections: list[dict[str, Any]], book: Iterable[Placed]) -> list[dict[str, Any]]:
    """Sections with `line_deg`, their part of the line from photograph to photograph; None where it has no length."""
    drives: defaultdict[tuple[str | None, ...], list[tuple[float, float, float]]] = defaultdict(list)
    for placed in book:
        if np.isfinite([placed.chainage, placed.longitude, placed.latitude]).all():
            key = (placed.route_id, placed.direction, placed.lane)
            drives[key].append((placed.chainage, placed.longitude, placed.latitude))
    lines = {key: np.array(sorted(points)) for key, points in drives.items()}
    return [
        row
        | {
            "line_deg": _stretch(
                lines.get((row["route_id"], row["direction"], row["lane"])), row["from_m"], row["to_m"]
            )
        }
        for row in sections
    ]


def _stretch(line: np.ndarray[Any, Any] | None, from_m: float, to_m: float) -> list[float] | None:
    if line is None:
        return None
    first, last = max(from_m, line[0, 0]), min(to_m, line[-1, 0])
    if not first < last:
        return None
    inside = line[(line[:, 0] > first) & (line[:, 0] < last), 0]
    at = np.concatenate([[first], inside, [last]])
    points = np.column_stack([np.interp(at, line[:, 0], line[:, side]) for side in (1, 2)])
    found: list[float] = np.round(points, LINE_DECIMALS).reshape(-1).tolist()
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
