"""Columns of every table of the record.

Units stand in the names; shares are 0–1; times of day are UTC. `run_id` is no column of the files: the folder
``run_id=<id>`` carries it, and readers that know hive layouts (pandas, pyarrow, DuckDB) refuse or doubt a file that
says it once more.
"""

from __future__ import annotations

from itertools import product

import pyarrow as pa

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
_HEADS = ("score", "coarse", "probability", "second_score", "second_coarse")  # that are calibrated
_OTHER_FIGURES = (
    *("coarse_threshold", "probability_threshold", "full_frame_threshold", "flank_share"),
    *("anchor_recall", "oracle_boxes_per_image"),
    *("crack_share", "boxes_per_clean_image", "segmented_share"),
    *("val_precision", "val_segmentation_error", "val_data_reduction"),
    *(f"{head}_temperature" for head in _HEADS),
    *(f"val_{head}_ece_{when}" for head in _HEADS for when in ("before", "after")),
    *("train_detector_s", "train_segmenter_s", "total_s"),
)
_BOX = ("x1_px", "y1_px", "x2_px", "y2_px")


KINDS = ("longitudinal", "transverse", "diagonal")
"""Kinds of crack that have a length; pattern cracking has an area."""

SEVERITIES = {"astm": ("low", "medium", "high"), "ltpp": ("low", "moderate", "high")}
"""Each standard's own words for how severe a crack is, in rising order."""

SEVERITY_SUMS = tuple(
    f"{standard}_{kind}_{level}_m" for standard, levels in SEVERITIES.items() for kind in KINDS for level in levels
)
"""Columns of ``sections``: metres by standard, kind and severity."""


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
            *_may(_WHOLE, "resampled"),  # photographs brought to the scale that the bundle knows; null: it states none
            *_may(_REAL, "skipped_share", "photographs_per_s", "peak_memory_mb"),
            *_must(_WHOLE, "schema_version"),
        ]
    ),
    "images": pa.schema(
        [
            *_must(_TEXT, "name"),
            *_may(_WHOLE, "height_px", "width_px", "crack_px", "boxes", "tp", "fp", "strict_tp"),
            *_may(_WHOLE, "missed_px", "union_px", "frame_px"),
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
            *_may(_REAL, "resampled_by"),  # how many times as large the cascade saw it
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
            # What of it is summed, for each metre counts once, and where that lies: longitude1, latitude1, …; of a
            # pattern area its edges one after the other, each ending where it began.
            *_may(_REAL, "counted_m", "counted_m2"),
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
            *_may(_REAL, *SEVERITY_SUMS),
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
