"""What was recorded of a survey and is gone from its output: what its tables can make again, and what they cannot."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.survey.layout import PLAN, geo_folder, page_file, part_files, surveys_folder, table_folder
from pipeline.survey.road_check import can_place

BESIDE = ("cracks", "detections")
"""Tables whose parts hold the same photographs as the parts of ``images`` of the same names."""

_PLACED = ("position_source", "flags")
"""Columns of ``images``: at least one of them is set for every photograph that was looked for on the road."""


class Lost(NamedTuple):
    """What of a survey is gone.

    Attributes:
        parts: file names of those parts of ``images`` whose photographs the networks have to look at again.
        road: sections, or files for a GIS, are gone and can be made again from its tables.
        page: the same of its page.
    """

    parts: frozenset[str] = frozenset()
    road: bool = False
    page: bool = False


def lost_of(out: Path, run_id: str, images: int) -> Lost:
    """Compare a recorded survey with what lies in its output.

    Args:
        out: folder of the output.
        run_id: of the survey.
        images: how many its row in ``runs`` counts.
    """
    parts = {path.name: path for path in part_files(out, "images", run_id)}
    bare = {name for name in parts if not all(_is_there(table_folder(out, table, run_id) / name) for table in BESIDE)}
    road, page = _lacks_road(out, run_id, parts), not _is_there(page_file(out, run_id))
    planned = (surveys_folder(out) / run_id / PLAN).is_file()
    whole = bool(parts) and not bare and sum(pq.read_metadata(path).num_rows for path in parts.values()) == images
    if (road and not (planned and whole)) or (page and not planned):
        return Lost(frozenset(parts), False, page and planned)
    return Lost(frozenset(bare), road, page)


def _lacks_road(out: Path, run_id: str, parts: dict[str, Path]) -> bool:
    if not _is_there(table_folder(out, "sections", run_id) / "part-00000.parquet"):
        return True
    if not can_place() or not any(_was_placed(path) for path in parts.values()):
        return False
    from pipeline.placing.geo_files import FILES

    return not all(_is_there(geo_folder(out, run_id) / name) for name in FILES)


def _was_placed(part: Path) -> bool:
    """Whether the packages for maps were installed when these photographs were recorded."""
    with pq.ParquetFile(part) as file:
        columns = [name for name in _PLACED if name in file.schema_arrow.names]
        first: pa.RecordBatch = next(file.iter_batches(1, columns=columns), None)
    return first is not None and any(value is not None for row in first.to_pylist() for value in row.values())


def _is_there(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0
