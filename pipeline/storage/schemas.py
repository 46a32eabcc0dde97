"""Columns of every table of the record, and rows made to fit them.

Units stand in the names; shares are 0–1; times of day are UTC. `run_id` is no column of the files: the folder
``run_id=<id>`` carries it, and readers that know hive layouts (pandas, pyarrow, DuckDB) refuse or doubt a file that
says it once more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from models.errors import DataError

SCHEMA_VERSION = 2
"""Goes up when a column changes its meaning or goes; a new column alone needs no new version."""

SIDES = ("", "full_frame_")  # the cascade, and the same U-Net without stage 1
TIMES = ("detect_ms", "segment_ms", "cascade_ms", "full_frame_ms")

HEADLINE = (
    *("precision", "segmentation_error", "data_reduction", "strict_precision", "ap50"),
    *("score_threshold", "boxes_per_image", "oracle_data_reduction"),
    *("f1_0px", "iou_0px", "f1_2px", "f1_2px_mean"),
    *("full_frame_f1_0px", "full_frame_iou_0px", "full_frame_f1_2px", "full_frame_f1_2px_mean"),
    *TIMES,
)
"""Figures that every table of runs shows, and keys of every ``--json``."""

_MASK_FIGURES = tuple(
    f"{side}{figure}_{tolerance}px{mean}"
    for side, mean, tolerance, figure in product(SIDES, ("", "_mean"), (0, 2), ("precision", "recall", "f1", "iou"))
)
_INTERVALS = tuple(
    f"{figure}_{end}" for figure in ("precision", "segmentation_error", "data_reduction") for end in ("low", "high")
)
_OTHER_FIGURES = (
    *("coarse_threshold", "probability_threshold", "full_frame_threshold", "anchor_recall", "oracle_boxes_per_image"),
    *("crack_share", "boxes_per_clean_image", "segmented_share"),
    *("val_precision", "val_segmentation_error", "val_data_reduction"),
    *("train_detector_s", "train_segmenter_s", "total_s"),
)
_BOX = ("x1_px", "y1_px", "x2_px", "y2_px")


KINDS = ("longitudinal", "transverse", "diagonal")
"""Kinds of crack that have a length; pattern cracking has an area."""

SEVERITIES = ("low", "medium", "high")
_SEVERITY_SUMS = tuple(
    f"{standard}_{kind}_{level}_m" for standard in ("astm", "ltpp") for kind in KINDS for level in SEVERITIES
)


def _must(kind: pa.DataType, *names: str) -> list[pa.Field]:
    return [pa.field(name, kind, nullable=False) for name in names]


def _may(kind: pa.DataType, *names: str) -> list[pa.Field]:
    return [pa.field(name, kind) for name in names]


_TEXT, _WHOLE, _REAL, _TIME = pa.string(), pa.int64(), pa.float64(), pa.timestamp("us", tz="UTC")

SCHEMAS: dict[str, pa.Schema] = {
    "runs": pa.schema(
        [
            *_must(_TIME, "started_at"),
            *_may(_TIME, "finished_at"),
            *_must(_TEXT, "kind"),
            *_may(_TEXT, "preset", "dataset", "split", "settings", "commit", "dataset_fingerprint"),
            *_may(_TEXT, "split_fingerprint", "device", "versions"),
            *_may(_WHOLE, "seed", "images"),
            *_may(_REAL, *dict.fromkeys((*HEADLINE, *_MASK_FIGURES, *_INTERVALS, *_OTHER_FIGURES))),
            *_may(pa.bool_(), "val_targets_met"),
            *_may(_TEXT, "report", "bundle"),
            *_may(_TEXT, "source", "work_list_fingerprint"),
            *_may(_WHOLE, "photographs", "failures", "cracked", "detections"),
            # Photographs unlike what the bundle has learnt from; pictures measured that it has: null, it cannot say.
            *_may(_WHOLE, "unfamiliar", "learnt_images"),
            *_may(_REAL, "skipped_share", "photographs_per_s", "peak_memory_mb"),
            *_must(_WHOLE, "schema_version"),
        ]
    ),
    "images": pa.schema(
        [
            *_must(_TEXT, "name"),
            *_may(_WHOLE, "height_px", "width_px", "crack_px", "boxes", "tp", "fp", "strict_tp"),
            *_may(_WHOLE, "missed_px", "union_px"),
            *_may(_REAL, *(f"{side}{name}" for side in SIDES for name in ("f1_0px", "iou_0px", "f1_2px", "iou_2px"))),
            *_may(_REAL, *TIMES),
            *_may(_TEXT, "path", "stamp", "content_sha256", "mask", "overlay"),
            *_may(_TEXT, "listed"),  # digest of what the list told of time and place
            *_may(_TIME, "taken_at"),
            *_may(_REAL, "latitude_deg", "longitude_deg", "heading_deg", "chainage_m", "gsd_mm_per_px"),
            *_may(_TEXT, "taken_local", "heading_reference", "route_id", "direction", "lane"),
            # Where each of these comes from, which stretch of road the photograph answers for, and what is wrong.
            *_may(_TEXT, "position_source", "heading_source", "chainage_source", "flags"),
            *_may(_REAL, "owned_from_m", "owned_to_m"),
            *_may(_REAL, "crack_share", "data_reduction", "segmented_share", "top_score", "read_ms", "total_ms"),
            # Unlike what the bundle has learnt from, and why: dark, no road, blurred, unlike. Null: it cannot say.
            *_may(pa.bool_(), "unfamiliar"),
            *_may(_TEXT, "unfamiliar_why"),
            *_must(_WHOLE, "schema_version"),
        ]
    ),
    "detections": pa.schema(
        [
            *_must(_TEXT, "name"),
            *_must(_REAL, *_BOX, "score"),
            *_may(pa.bool_(), "tp"),
            *_must(_WHOLE, "schema_version"),
        ]
    ),
    "cracks": pa.schema(
        [
            *_must(_TEXT, "name"),
            *_must(_WHOLE, "crack_id"),
            *_may(_REAL, "length_px", "width_mean_px", "width_median_px", "width_p95_px", "width_max_px"),
            *_may(_REAL, "width_uncertainty_px", "orientation_deg", "coherence"),
            *_may(_TEXT, "kind"),
            *_may(_REAL, "area_px"),
            *_may(_WHOLE, "fragments"),
            *_may(_REAL, "confidence", "length_m", "width_mean_mm"),
            *_may(_TEXT, "severity_astm", "severity_ltpp", "route_id", "direction", "lane"),
            *_may(_REAL, "from_m", "to_m"),
            *_may(_TEXT, "zone", "gsd_source", "flags"),
            # Beyond what `--json` prints: sizes of pattern areas, shapes as x1, y1, x2, y2, …, where the mask lies.
            *_may(_REAL, "area_m2", "diameter_m"),
            *_may(pa.list_(_REAL), "line_px", "outline_px"),
            *_may(_TEXT, "mask"),
            # What of it is summed, for each metre counts once, and where that lies: longitude1, latitude1, …
            *_may(_REAL, "counted_m"),
            *_may(pa.list_(_REAL), "line_deg"),
            *_must(_WHOLE, "schema_version"),
        ]
    ),
    "sections": pa.schema(
        [
            *_may(_TEXT, "route_id", "direction", "lane"),
            *_must(_REAL, "from_m", "to_m"),
            *_may(_REAL, "surveyed_m", "area_m2"),
            *_must(_WHOLE, "photographs"),
            *_may(_WHOLE, "cracks"),
            *_may(_REAL, "crack_m", *(f"{kind}_m" for kind in KINDS), "pattern_m2"),
            *_may(_REAL, *_SEVERITY_SUMS),
            *_may(_REAL, "cracked_m2", "cracking_share", "wheel_path_share"),
            *_may(_WHOLE, "cracking_percent", "wheel_path_percent"),
            *_may(_TEXT, "cracking_class", "standard", "flags"),
            *_may(pa.list_(_REAL), "line_deg"),
            *_must(_WHOLE, "schema_version"),
        ]
    ),
    "failures": pa.schema(
        [
            *_must(_TEXT, "path", "stage", "kind", "message"),
            *_must(_TIME, "at"),
            *_may(_TEXT, "name", "stamp"),
            *_must(_WHOLE, "schema_version"),
        ]
    ),
}
"""By table. A field that is not nullable must be given; `schema_version` is added when a part is written."""

JSON_COLUMNS = ("settings", "versions")
"""Columns of `runs` that hold JSON as text."""

Rows = pd.DataFrame | Iterable[Mapping[str, Any]]


def fit_rows(table: str, run_id: str, rows: Rows, path: Path) -> pa.Table:
    """Rows as a table of exactly the schema, version added; `path` is where they would go, for the message.

    Raises:
        DataError: a column is unknown, missing or of the wrong type, or a row belongs to another run.
    """
    columns = _columns(rows)
    count = len(next(iter(columns.values()), []))
    refuse = _Refusal(table, path)
    if any(value != run_id for value in columns.pop("run_id", [])):
        raise refuse(f"rows of another run than {run_id}")
    columns["schema_version"] = [SCHEMA_VERSION] * count
    schema = SCHEMAS[table]
    if unknown := sorted(set(columns) - set(schema.names)):
        raise refuse(f"no such column: {', '.join(map(repr, unknown))}")
    arrays = []
    for field in schema:
        values = columns.get(field.name, [None] * count)
        try:
            array = pa.array(_readied(values, field.type), type=field.type, from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise refuse(f"column {field.name!r} holds {field.type}: {error}") from error
        if array.null_count and not field.nullable:
            raise refuse(f"column {field.name!r} must be given in every row")
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=schema)


def _columns(rows: pd.DataFrame | Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    if isinstance(rows, pd.DataFrame):
        return {str(name): column.tolist() for name, column in rows.items()}
    listed = list(rows)
    names = dict.fromkeys(name for row in listed for name in row)
    # A row may be empty where every column is optional; the count must survive that.
    return {name: [row.get(name) for row in listed] for name in names} or {"schema_version": [None] * len(listed)}


def _readied(values: list[Any], kind: pa.DataType) -> list[Any]:
    if pa.types.is_timestamp(kind):
        return [None if pd.isna(value) else _moment(value) for value in values]
    if pa.types.is_string(kind):
        return [_text(value) for value in values]
    if pa.types.is_integer(kind):
        return [_whole(value) for value in values]
    return values


def _whole(value: Any) -> Any:
    # pyarrow would cut the fraction off without a word.
    if isinstance(value, float | np.floating) and not np.isnan(value) and not value.is_integer():
        raise ValueError(f"{value} is no whole number")
    return value


def _moment(value: datetime | str) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if moment.tzinfo is None:
        raise ValueError(f"{moment} carries no time zone")
    return moment.astimezone(UTC)


def _text(value: Any) -> Any:
    if isinstance(value, Mapping):
        return json.dumps(value, default=str, sort_keys=True)
    return str(value) if isinstance(value, Path) else value


class _Refusal:
    """Makes the error of rows that do not fit their table."""

    def __init__(self, table: str, path: Path) -> None:
        self.table, self.path = table, path

    def __call__(self, problem: str) -> DataError:
        return DataError(
            f"Rows for table {self.table!r} do not fit, {problem}. {self.path} was not written.",
            "Give the columns that pipeline/storage/schemas.py lists for this table, with those types.",
        )
