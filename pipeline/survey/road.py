"""The road of a survey: where each photograph lies on it, its cracks in place, and their sums over sections.

Runs once all chunks are done and before anything is published. What it makes appears whole: tables ``cracks`` and
``sections``, and the files for a GIS in ``geo/RUN/``. It can be cut off and done again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.placing.photograph_view import Sight, sight_of
from pipeline.storage.records import write_part
from pipeline.storage.schemas import SCHEMAS
from pipeline.survey.layout import ROAD_TABLES, geo_folder, table_folder
from pipeline.survey.listing.photographs import PLACE
from pipeline.survey.marks import publish_folder, put_mark
from pipeline.survey.outcomes import outcomes_by_part
from pipeline.survey.plan import Survey
from pipeline.survey.road_check import can_place

ROADBOOK = "roadbook.parquet"

Parts = Callable[[list[str] | None], Iterator[pa.Table]]
"""Gives the columns that it is told (None: all) of a survey's outcomes, as `outcomes_by_part` does."""

_KNOWN = ["name", "height_px", "width_px", *PLACE]
_PLACED = ("position_source", "heading_source", "chainage_source", "owned_from_m", "owned_to_m", "flags")


def sum_road(survey: Survey) -> None:
    """Put every photograph and crack in its place and sum over sections.

    Raises:
        DataError: a chunk is missing or damaged, or the disk is full.
    """
    run = survey.plan.run_id
    if table_folder(survey.out, ROAD_TABLES[-1], run).is_dir():
        return
    staging = _fresh_staging(survey)
    if can_place():
        _place_and_sum(survey, staging, partial(outcomes_by_part, survey))
    else:
        _measured_only(survey, staging)
    for table in ROAD_TABLES:
        publish_folder(table_folder(staging, table, run), table_folder(survey.out, table, run), run)


def sum_again(survey: Survey, parts: Parts) -> None:
    """Make the sections and the files for a GIS of a recorded survey again; its other tables stay as they are.

    Args:
        parts: what its chunks said, of its tables.

    Raises:
        DataError: a table is damaged, or the disk is full.
    """
    run, staging = survey.plan.run_id, _fresh_staging(survey)
    if can_place():
        _place_and_sum(survey, staging, parts)
    else:
        write_part("sections", run, [], staging)
    made, target = (table_folder(home, "sections", run) for home in (staging, survey.out))
    put_mark(target, run)
    for path in made.glob("part-*.parquet"):
        path.replace(target / path.name)


def placed_images(survey: Survey, images: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``images`` with what the road adds: place and chainage where they were found, sources and flags."""
    path = survey.folder / "road" / ROADBOOK
    if not path.is_file() or not len(images):
        return images
    found = pq.read_table(path).to_pandas().set_index("name").reindex(images["name"])
    found.index = images.index
    placed = images.drop(columns=[name for name in _PLACED if name in images], errors="ignore")
    for name in ("latitude_deg", "longitude_deg", "heading_deg", "chainage_m"):
        placed[name] = placed[name].astype("float64").fillna(found[name])
    return placed.assign(**{name: found[name] for name in _PLACED})


def sight_in(survey: Survey, width: int, height: int, manifest_mm: float | None) -> Sight:
    """How a photograph of this survey shows the road."""
    return sight_of(survey.plan.camera, width, height, manifest_mm, survey.plan.settings.road.gsd_mm_per_px)


def _fresh_staging(survey: Survey) -> Path:
    """An empty folder, in which all is made before any of it is shown."""
    staging = survey.folder / "road"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    return staging


def _place_and_sum(survey: Survey, staging: Path, parts: Parts) -> None:
    from pipeline.placing.geo_files import write_geo_files
    from pipeline.placing.roadbook import make_roadbook
    from pipeline.placing.section_length import section_metres
    from pipeline.placing.sums import SectionSums
    from pipeline.placing.track import read_track
    from pipeline.survey.road_layers import Layers, add_section_lines

    plan, road = survey.plan, survey.plan.settings.road
    images = pd.concat([_images(outcomes) for outcomes in parts(_KNOWN)], ignore_index=True)
    track = None if road.track is None else read_track(road.track)
    forward = plan.camera is not None and plan.camera.view == "forward"
    book = make_roadbook(images, partial(sight_in, survey), track, road.offset_s, forward)
    sums, layers = SectionSums(section_metres(road.section)), Layers(book)
    pq.write_table(layers.roadbook(), staging / ROADBOOK)
    for part, outcomes in enumerate(parts(None)):
        rows = list(layers.place_part(outcomes, partial(sight_in, survey), sums))
        write_part("cracks", plan.run_id, rows, staging, part)
    sections = add_section_lines(sums.rows(), book.values())
    write_part("sections", plan.run_id, sections, staging)
    geo = geo_folder(survey.out, plan.run_id)
    put_mark(geo, plan.run_id)
    for made in write_geo_files(layers.frames(sections), staging / "geo"):
        made.replace(geo / made.name)  # a kill leaves nothing half written where people look


def _measured_only(survey: Survey, staging: Path) -> None:
    for part, outcomes in enumerate(outcomes_by_part(survey)):
        rows = [crack for _, cracks in cracks_of(outcomes) for crack in cracks]
        write_part("cracks", survey.plan.run_id, rows, staging, part)
    write_part("sections", survey.plan.run_id, [], staging)


def cracks_of(outcomes: pa.Table) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Of each photograph that could be done, what is known of it and its rows of ``cracks`` as they were measured."""
    columns = [
        name
        for name in ("name", "height_px", "width_px", "gsd_mm_per_px", "mask", "taken_at", "crack_share")
        if name in outcomes.column_names
    ]
    has_cracks = "cracks" in outcomes.column_names
    done = outcomes.filter(pc.is_null(outcomes["failure_kind"]))
    nothing = dict.fromkeys(SCHEMAS["cracks"].names)
    del nothing["schema_version"]
    for row in done.select([*columns, *(["cracks"] if has_cracks else [])]).to_pylist():
        own = {"name": row["name"], "mask": row.get("mask")}
        yield row, [nothing | own | crack for crack in row.pop("cracks", None) or []]


def _images(outcomes: pa.Table) -> pd.DataFrame:
    done = outcomes.filter(pc.is_null(outcomes["failure_kind"])).select(_KNOWN)
    frame: pd.DataFrame = done.to_pandas()
    return frame
