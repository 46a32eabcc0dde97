"""The end of a survey: chunks → the tables of the record, then its row in ``runs``, then nothing left to clean up.

Until the end nothing of a survey shows in ``records/``; then each of its tables appears whole, and its row in ``runs``
last: a survey that has one is recorded whole. Every step can be cut off and done again.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.stages.software import describe_software
from pipeline.storage.records import write_part
from pipeline.storage.schemas import SCHEMAS
from pipeline.survey.bundle_digest import kept_card
from pipeline.survey.chunk import ChunkDone, most_held_mb, read_done
from pipeline.survey.layout import TABLES, part_files, sweep, table_folder
from pipeline.survey.listing.recorded import NUMBER, next_number
from pipeline.survey.marks import publish_folder
from pipeline.survey.outcomes import outcomes_by_part
from pipeline.survey.plan import Survey
from pipeline.survey.road import placed_images


def publish(survey: Survey) -> None:
    """Make the tables of a survey whose chunks are all done appear in ``records/``, in the order of its work list.

    Raises:
        DataError: a chunk is missing or damaged, or the disk is full.
    """
    staging = survey.folder / "publish"
    if any(not folder.is_dir() for folder in _folders(survey.out, survey).values()):
        shutil.rmtree(staging, ignore_errors=True)
        for part, outcomes in enumerate(outcomes_by_part(survey)):
            for table in TABLES:
                rows = _rows(table, outcomes)
                rows = placed_images(survey, rows) if table == "images" else rows
                write_part(table, survey.plan.run_id, rows, staging, part)
        made = _folders(staging, survey)
        for table, folder in _folders(survey.out, survey).items():
            publish_folder(made[table], folder, survey.plan.run_id)


def summarise(survey: Survey, device: str) -> dict[str, Any]:
    """The survey's row of the table `runs`, from its published images and its chunks."""
    chunks = list(_done(survey))
    sums = _sums(survey)
    commit, versions = describe_software()
    card = kept_card(survey.folder, survey.plan.settings.bundle)
    worked = _worked_s(chunks)
    images, pixels = sums["images"], max(sums["frame_px"], 1)
    return {
        "run_id": survey.plan.run_id,
        "started_at": survey.plan.started_at,
        "finished_at": datetime.now(UTC),
        "kind": "survey",
        "dataset": survey.plan.settings.name,
        "source": survey.plan.settings.photos,
        "work_list_fingerprint": survey.plan.fingerprint,
        "settings": survey.plan.settings.model_dump(mode="json")
        | {"bundle_sha256": survey.plan.bundle_sha256, "road_sha256": survey.plan.road_sha256}
        | {NUMBER: next_number(survey.out)},
        "bundle": str(survey.plan.settings.bundle),
        "device": device,
        "commit": commit,
        "versions": versions,
        "photographs": survey.photographs,
        "images": int(images),
        "failures": sum(chunk.failures for chunk in chunks),
        "cracked": sum(chunk.cracked for chunk in chunks),
        "unfamiliar": sums["unfamiliar"] if sums["judged"] else None,
        "resampled": sums["resampled"] if card.mm_per_px is not None else None,
        "detections": sum(chunk.detections for chunk in chunks),
        **{name: getattr(card, name) for name in ("score_threshold", "probability_threshold", "flank_share")},
        "data_reduction": 1 - sums["union_px"] / pixels if images else None,
        "segmented_share": sums["segmented_px"] / pixels if images else None,
        "crack_share": sums["crack_px"] / pixels if images else None,
        "boxes_per_image": sums["boxes"] / images if images else None,
        "skipped_share": sums["skipped"] / images if images else None,
        **{name: sums[name] / images if images else None for name in ("detect_ms", "segment_ms", "cascade_ms")},
        "total_s": worked,
        "photographs_per_s": survey.photographs / worked if worked else None,
        # Tables and sums over the road, just made here, may need more than the chunks did.
        "peak_memory_mb": max(most_held_mb(), *(chunk.peak_memory_mb for chunk in chunks)),
    }


def record(survey: Survey, row: dict[str, Any]) -> None:
    """Write the row, with which the survey is over, and remove what it needed to get there."""
    write_part("runs", survey.plan.run_id, [row], survey.out)
    sweep(survey.folder)


def count_kinds(out: Path, run_id: str) -> Counter[str]:
    """How many photographs of a survey failed, by kind, most frequent first."""
    counts: Counter[str] = Counter()
    for path in part_files(out, "failures", run_id):
        counts.update(pq.read_table(path, columns=["kind"], partitioning=None)["kind"].to_pylist())
    return Counter(dict(counts.most_common()))


def _folders(home: Path, survey: Survey) -> dict[str, Path]:
    return {table: table_folder(home, table, survey.plan.run_id) for table in TABLES}


def _rows(table: str, outcomes: pa.Table) -> pd.DataFrame:
    """Rows of one table of the record out of the outcomes of many photographs."""
    failed = pc.is_valid(outcomes["failure_kind"])
    if table == "images":
        columns = [name for name in SCHEMAS["images"].names if name in outcomes.column_names]
        return _frame(outcomes.filter(pc.invert(failed)).select(columns))
    if table == "failures":
        chosen = outcomes.filter(failed)
        columns = ["path", "failure_stage", "failure_kind", "failure_message", "at", "name", "stamp"]
        return _frame(chosen.select(columns).rename_columns([name.removeprefix("failure_") for name in columns]))
    boxes = outcomes["detections"].combine_chunks()
    names = outcomes["name"].take(pc.list_parent_indices(boxes))
    found = pa.Table.from_struct_array(pc.list_flatten(boxes))
    return _frame(found.append_column("name", names))


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return frame


def _done(survey: Survey) -> Iterator[ChunkDone]:
    return (read_done(survey.chunk_path(number)) for number in range(survey.chunks))


def _sums(survey: Survey) -> Counter[str]:
    """Sums over all images, one part at a time in memory."""
    total: Counter[str] = Counter()
    added = ("frame_px", "union_px", "crack_px", "boxes", "detect_ms", "segment_ms", "cascade_ms", "unfamiliar")
    for path in part_files(survey.out, "images", survey.plan.run_id):
        table = pq.read_table(path, columns=[*added, "segmented_share", "resampled_by"], partitioning=None)
        total["images"] += len(table)
        total["judged"] += pc.count(table["unfamiliar"]).as_py()
        total["segmented_px"] += pc.sum(pc.multiply(table["segmented_share"], table["frame_px"])).as_py() or 0
        total["resampled"] += pc.sum(pc.not_equal(table["resampled_by"], 1)).as_py() or 0
        total["skipped"] += pc.sum(pc.equal(table["boxes"], 0)).as_py() or 0
        for name in added:
            total[name] += pc.sum(table[name]).as_py() or 0
    return total


def _worked_s(chunks: list[ChunkDone]) -> float:
    """Seconds in which at least one chunk was under way: the time between two tries does not count."""
    worked, until = 0.0, 0.0
    for chunk in sorted(chunks, key=lambda chunk: chunk.began):
        worked += max(0.0, chunk.ended - max(chunk.began, until))
        until = max(until, chunk.ended)
    return worked
