"""Cracks summed over sections of the road. Each metre counts once: in the photograph that owns it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from pipeline.placing.cracked_cells import cells_along, cells_within, split_cells
from pipeline.placing.photograph_view import Sight
from pipeline.placing.placed_cracks import road_outline
from pipeline.placing.road import RoadView
from pipeline.placing.roadbook import LANE_MISSING, Placed
from pipeline.placing.section_length import cracking_class, whole_percent
from pipeline.placing.seen_cracks import road_line
from pipeline.placing.windows import Window, windows_of
from pipeline.storage.schemas import KINDS, SEVERITIES, SEVERITY_SUMS

STANDARD = (
    "kind: AASHTO R 85-18; astm_: ASTM D6433 as quoted by FAA PAVEAIR, distress 10; ltpp_: FHWA-HRT-13-092; "
    "cracking: 23 CFR 490.311, area in cells of 0.3 m that hold crack; wheel paths: the same in the "
    "wheel paths only (HPMS-style)"
)

WHOLE_SHARE = 0.95
"""A section is flagged where less than this share of it was seen, of its length or of its lane's width."""

Key = tuple[str | None, str | None, str | None, int]


@dataclass
class Tally:
    """Sums of one section so far.

    Attributes:
        whole_m: metres surveyed, each by the share of the lane's width that was seen.
        cells: ``(right, ahead)`` numbers of the cells that hold crack.
    """

    photographs: int = 0
    cracks: int = 0
    surveyed_m: float = 0.0
    whole_m: float = 0.0
    area_m2: float = 0.0
    lanes_known: bool = True
    sums: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    cells: set[tuple[int, int]] = field(default_factory=set)
    lane_middle: float = 0.0
    flags: dict[str, None] = field(default_factory=dict)


class SectionSums:
    """Adds up photograph after photograph, in any order."""

    def __init__(self, section_m: float) -> None:
        """Start with nothing; `section_m` is the length of a section, m."""
        self.section_m = section_m
        self._tallies: defaultdict[Key, Tally] = defaultdict(Tally)

    def add(self, placed: Placed, sight: Sight, cracks: Iterable[Mapping[str, Any]]) -> dict[int, float]:
        """Add what one photograph owns.

        Args:
            placed: of the roadbook.
            sight: how the photograph shows the road.
            cracks: its rows of the table ``cracks``.

        Returns:
            Metres that count, of pattern areas square metres, by `crack_id`; nothing without a scale or a chainage.
        """
        drive = (placed.route_id, placed.direction, placed.lane)
        if not np.isfinite(placed.chainage):
            return {}
        if sight.view is None:
            tally = self._tallies[*drive, int(np.floor(placed.chainage / self.section_m))]
            tally.photographs += 1
            tally.flags |= dict.fromkeys((sight.flag, *_words(placed.flags)))
            return {}
        listed = list(cracks)
        counted = {int(crack["crack_id"]): 0.0 for crack in listed}
        for window in windows_of(placed, sight.view, self.section_m):
            tally = self._tallies[*drive, window.number]
            tally.photographs += 1
            tally.surveyed_m += window.length_m
            tally.area_m2 += window.road.area
            tally.flags |= dict.fromkeys([*_words(placed.flags), *([sight.flag] if sight.flag else [])])
            self._lane(tally, window, sight.view)
            for crack in listed:
                counted[int(crack["crack_id"])] += self._crack(tally, window, placed, sight.view, crack)
        return counted

    def rows(self) -> list[dict[str, Any]]:
        """Rows of the table ``sections``, by route, direction, lane and place."""
        ordered = sorted(
            self._tallies.items(), key=lambda item: ([str(part or "") for part in item[0][:3]], item[0][3])
        )
        return [self._row(key, tally) for key, tally in ordered]

    def _lane(self, tally: Tally, window: Window, view: RoadView) -> None:
        if view.lane is None:
            tally.lanes_known = False
            tally.whole_m += window.length_m
        else:
            left, right = view.lane
            tally.lane_middle = (left + right) / 2
            tally.whole_m += window.road.area / (right - left)

    def _crack(self, tally: Tally, window: Window, placed: Placed, view: RoadView, crack: Mapping[str, Any]) -> float:
        """Add the part of a crack that lies in a window; its metres, of a pattern its square metres."""
        start = (window.number * self.section_m - placed.chainage) * placed.sense  # where the section begins, m ahead
        if crack["kind"] == "pattern":
            outline = road_outline(crack, view)
            part = None if outline is None else shapely.intersection(outline, window.road)
            if part is None or part.area == 0:
                return 0.0
            tally.sums["pattern_m2"] += part.area
            tally.cells |= cells_within(part, start, placed.sense)
            return float(part.area)
        line = road_line(crack, view)
        whole = shapely.LineString(line) if len(line) > 1 else None
        part = None if whole is None else shapely.intersection(whole, window.road)
        if whole is None or part is None or part.length == 0:
            return 0.0
        # The line is a simple one, and shorter than the crack where that winds.
        metres = float(part.length / whole.length * (crack["length_m"] or whole.length))
        tally.cracks += 1
        tally.sums["crack_m"] += metres
        if crack["kind"] is not None:
            tally.sums[f"{crack['kind']}_m"] += metres
        for standard, levels in SEVERITIES.items():
            level = crack[f"severity_{standard}"]
            if level in levels and crack["kind"] in KINDS:
                tally.sums[f"{standard}_{crack['kind']}_{level}_m"] += metres
            else:
                tally.flags |= {"severity not told of every crack": None}
        tally.cells |= cells_along(part, start, placed.sense)
        return metres

    def _row(self, key: Key, tally: Tally) -> dict[str, Any]:
        route_id, direction, lane, number = key
        row: dict[str, Any] = {
            "route_id": route_id,
            "direction": direction,
            "lane": lane,
            "from_m": number * self.section_m,
            "to_m": (number + 1) * self.section_m,
            "photographs": tally.photographs,
            "standard": STANDARD,
        }
        flags = dict(tally.flags)
        if tally.whole_m < WHOLE_SHARE * self.section_m:
            flags["part surveyed"] = None
        if tally.area_m2 > 0:
            everywhere, wheel_paths = split_cells(tally.cells, tally.lane_middle)
            share = min(1.0, everywhere / tally.area_m2)
            row |= {"surveyed_m": tally.surveyed_m, "area_m2": tally.area_m2, "cracks": tally.cracks}
            row |= {name: tally.sums[name] for name in SUMS}
            row |= {"cracked_m2": min(everywhere, tally.area_m2), "cracking_share": share}
            row |= {"cracking_percent": whole_percent(share), "cracking_class": cracking_class(whole_percent(share))}
            if tally.lanes_known:
                paths = min(1.0, wheel_paths / tally.area_m2)
                row |= {"wheel_path_share": paths, "wheel_path_percent": whole_percent(paths)}
            else:
                flags["edges of the lane not known"] = None  # which lane it is may well be
        row["flags"] = "; ".join(flags) or None
        return row


SUMS = (
    "crack_m",
    *(f"{kind}_m" for kind in KINDS),
    "pattern_m2",
    *SEVERITY_SUMS,
)
"""Sums of a section, in the order of the table ``sections``."""


def _words(flags: str) -> list[str]:
    """Those of a photograph's flags that make its section doubtful; a wrong fix moves a line on the map, no sum."""
    return [word for word in flags.split("; ") if word.startswith("chainage") or word == LANE_MISSING]
