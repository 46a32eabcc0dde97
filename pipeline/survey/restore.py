"""What was removed of recorded surveys, made again from their tables, without looking at a photograph again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.storage.records import read_table
from pipeline.survey.chunk import OUTCOMES
from pipeline.survey.layout import part_files, surveys_folder, sweep, table_folder
from pipeline.survey.lost import lost_of
from pipeline.survey.page.page import write_page
from pipeline.survey.plan import Survey, read_survey
from pipeline.survey.road import sum_again
from pipeline.survey.road_check import files_of, road_digest
from pipeline.survey.road_settings import RoadSettings
from pipeline.survey.settings import SurveySettings

ROAD = "sections and files for a GIS"

REFUSED = ("fix jumps", "fix off the globe", "fix at 0, 0")
"""Flags of photographs whose own fix, though it was not believed, stands in ``images``."""


def restore(settings: SurveySettings, runs: Iterable[str]) -> list[str]:
    """Make sections, files for a GIS and pages again where recorded surveys lack them.

    Args:
        settings: of the present survey, which say where the output, the bundle and the road's files lie now. The
            output's lock is held.
        runs: recorded runs that photographs are known from (`answering` of `pipeline.survey.plan.begin`).

    Returns:
        What was made and what cannot be, a line a survey.

    Raises:
        DataError: a table is damaged, or the disk is full.
    """
    told, out = [], settings.target
    recorded = read_table("runs", out)
    for run_id in sorted(runs):
        row = _plain(recorded[recorded["run_id"] == run_id].iloc[0])
        lost = lost_of(out, run_id, row["images"])
        if not (lost.road or lost.page):
            continue
        plan = read_survey(surveys_folder(out) / run_id).plan
        roads = (road for road in (settings.road, plan.settings.road) if _digest(road) == plan.road_sha256)
        road = next(roads, None)
        now = {"bundle": settings.bundle, "out": out} | ({} if road is None else {"road": road})
        survey = Survey(out, plan.model_copy(update={"settings": plan.settings.model_copy(update=now)}))
        made = []
        if lost.road and road is not None:
            sum_again(survey, lambda columns, survey=survey: recorded_outcomes(survey, columns))  # type: ignore[misc]
            made.append(ROAD)
        elif lost.road:
            files = " or ".join(str(path) for _, path in files_of(plan.settings.road) if path is not None)
            told.append(f"Run {run_id} lacks its {ROAD}, and {files} is gone or has changed: put it back to have them.")
        if lost.page:
            write_page(survey, row)
            made.append("page")
        sweep(survey.folder)
        if made:
            told.append(f"Made again from the tables of run {run_id}: {', '.join(made)}.")
    return told


def _digest(road: RoadSettings) -> str | None:
    """`road_digest`; None where a file that tells of the road is not there any more."""
    try:
        return road_digest(road)
    except OSError:
        return None


def recorded_outcomes(survey: Survey, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """What a recorded survey's chunks said, as far as its tables keep it, a part at a time."""
    kept = [name for name in OUTCOMES.names if name not in ("detections", "at")]
    names = kept if columns is None else [*columns, "failure_kind"]
    schema = pa.schema([OUTCOMES.field(name) for name in names])
    run = survey.plan.run_id
    for path in part_files(survey.out, "images", run):
        rows = [as_told(row) for row in pq.read_table(path, partitioning=None).to_pylist()]
        if "cracks" in schema.names:
            cracks: dict[str, list[dict[str, Any]]] = {}
            beside = table_folder(survey.out, "cracks", run) / path.name
            for crack in pq.read_table(beside, partitioning=None).to_pylist():
                cracks.setdefault(crack["name"], []).append(crack)
            rows = [row | {"cracks": cracks.get(row["name"], [])} for row in rows]
        yield pa.Table.from_pylist(rows, schema=schema)


def as_told(row: dict[str, Any]) -> dict[str, Any]:
    """A row of ``images`` without the places that were found for it: only what was told of the photograph itself.

    >>> as_told({"chainage_m": 5.0, "chainage_source": "track", "position_source": None})["chainage_m"]
    """
    found = []
    refused = any(word in (row.get("flags") or "").split("; ") for word in REFUSED)
    if row.get("position_source") == "track" and not refused:
        found += ["latitude_deg", "longitude_deg"]
    if row.get("heading_source") in ("track", "photographs"):
        found.append("heading_deg")
    if row.get("chainage_source") in ("track", "photographs"):
        found.append("chainage_m")
    return row | dict.fromkeys(found)


def _plain(row: pd.Series) -> dict[str, Any]:
    """A row of ``runs`` as it was before it was written."""
    return {str(name): None if pd.isna(value) else value for name, value in row.items()}
