"""One chunk: read, cascade, write. Its one file, written whole, is the only sign that it is done.

The file holds a row a photograph, with the failure or the detections in it, so that the tables of the record follow
from it and no reader can see one table's share of a chunk without the others'. A chunk done twice, after a kill or by
two workers, replaces the file, the masks and the overlays by the same.
"""

from __future__ import annotations

import json
import resource
import socket
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import UserError
from pipeline.arrays import union_mask
from pipeline.cascade.cascade import Cascade, CascadeResult
from pipeline.cascade.familiarity import look_at, why_unfamiliar
from pipeline.placing.camera_file import Camera
from pipeline.placing.road_region import counted, region_in
from pipeline.storage.atomic import write_whole
from pipeline.storage.records import write_synced
from pipeline.storage.schemas import SCHEMAS
from pipeline.survey.ahead import work_ahead
from pipeline.survey.listing.photographs import PLACE, Failure
from pipeline.survey.listing.worklist import read_chunk
from pipeline.survey.loaded import loaded_cascade
from pipeline.survey.measured import MEASURED, measured_rows
from pipeline.survey.outputs import mask_png, output_name, overlay_jpeg, place
from pipeline.survey.plan import Survey, read_survey
from pipeline.survey.process import Hold, Picture, failed, looked_at, process_pictures, read_ahead
from pipeline.survey.to_scale import at_known_scale

DETECTION = ("x1_px", "y1_px", "x2_px", "y2_px", "score")
_IMAGE = [field.with_nullable(True) for field in SCHEMAS["images"] if field.name != "schema_version"]
OUTCOMES = pa.schema(
    [
        *_IMAGE,
        pa.field("detections", pa.list_(pa.struct([(name, pa.float64()) for name in DETECTION]))),
        pa.field("cracks", pa.list_(pa.struct(list(MEASURED)))),
        *(pa.field(f"failure_{name}", pa.string()) for name in Failure._fields),
        pa.field("at", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)
"""Columns of a chunk's file."""

ABOUT = b"crack-survey"


class ChunkDone(NamedTuple):
    """What a chunk tells when it is done; kept in its file too.

    Attributes:
        began, ended: seconds since 1970, UTC.
        peak_memory_mb: most that its process has held so far, MB.
    """

    number: int
    photographs: int
    failures: int
    cracked: int
    detections: int
    began: float
    ended: float
    peak_memory_mb: float
    host: str


def most_held_mb() -> float:
    """Most memory that this process has held so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def process_chunk(
    folder: Path, number: int, device: str = "cpu", streams: int = 1, hold: Hold = nullcontext
) -> ChunkDone:
    """Do one chunk, unless it is done.

    Args:
        folder: of the survey (`Survey.folder`); every worker must see it, the bundle and the photographs.
        number: from 0.
        device: ``cpu`` or ``cuda``.
        streams: chunks that this process does at once.
        hold: held while the networks look; reading, measuring and writing go on without it.

    Raises:
        DataError: the disk is full, the root of the photographs is gone, or the work list is damaged.
        BundleError: the bundle has changed.
    """
    survey = read_survey(folder)
    path = survey.chunk_path(number)
    if path.is_file():
        return read_done(path)
    began = time.time()
    store, settings = survey.store, survey.plan.settings
    photographs = read_chunk(survey.work_list, survey.plan.parts, settings.chunk, number)
    pictures = read_ahead(photographs, store, settings.max_pixels)
    rows: list[dict[str, Any]] = []
    last = time.perf_counter()
    cascade = loaded_cascade(survey, device, streams)
    looked = process_pictures(
        cascade, at_known_scale(pictures, survey.plan, cascade.mm_per_px), survey.plan.camera, hold
    )
    write = partial(_outcomes, survey, cascade)
    # A GPU looks at a batch while the one before is measured and written; the cores of a CPU are busy as it is.
    for batch in work_ahead(looked, write, threads=1, ahead=1) if device == "cuda" else map(write, looked):
        share = (time.perf_counter() - last) * 1e3 / len(batch)
        rows += [row | {"total_ms": share} for row in batch]
        last = time.perf_counter()
    done = ChunkDone(
        number=number,
        photographs=len(rows),
        failures=sum(row["failure_kind"] is not None for row in rows),
        cracked=sum(bool(row.get("crack_px")) for row in rows),
        detections=sum(len(row.get("detections") or []) for row in rows),
        began=began,
        ended=time.time(),
        peak_memory_mb=most_held_mb(),
        host=socket.gethostname(),
    )
    table = pa.Table.from_pylist(rows, schema=OUTCOMES.with_metadata({ABOUT: json.dumps(done._asdict()).encode()}))
    write_whole(path, lambda temporary: write_synced(table, temporary))
    return done


def read_done(path: Path) -> ChunkDone:
    """What a finished chunk told."""
    return ChunkDone(**json.loads(pq.read_schema(path).metadata[ABOUT]))


def _outcomes(
    survey: Survey, cascade: Cascade, batch: list[tuple[Picture, CascadeResult | Failure]]
) -> list[dict[str, Any]]:
    """Rows of a batch; it is emptied, so that nothing holds its pictures while the next ones are looked at."""
    rows = [
        _outcome(survey, cascade, picture, found) | {"path": survey.store.address(picture.photograph.name)}
        for picture, found in batch
    ]
    batch.clear()
    return rows


def _outcome(survey: Survey, cascade: Cascade, picture: Picture, found: CascadeResult | Failure) -> dict[str, Any]:
    """The row of one photograph, and its pictures written; what goes wrong with it alone is its failure.

    Raises:
        UserError: the disk is full: the next photograph could not be written either.
    """
    camera = survey.plan.camera
    try:
        row = _row(picture, found, camera)
        if isinstance(found, CascadeResult):
            row |= _judged(cascade, picture, found, camera)
            row |= _write_pictures(survey, picture, found)
            row["cracks"] = measured_rows(survey.plan, picture.photograph, found, cascade.thresholds)
    except UserError:
        raise
    except Exception as error:
        return _row(picture, failed(error, cascade), camera)
    return row


def _row(picture: Picture, found: CascadeResult | Failure, camera: Camera | None) -> dict[str, Any]:
    photograph = picture.photograph
    row: dict[str, Any] = {name: getattr(photograph, name) for name in ("name", "stamp", *PLACE)}
    row |= {
        "listed": picture.listed,
        "content_sha256": picture.sha256,
        "read_ms": picture.read_ms,
        "at": datetime.now(UTC),
    }
    failure = found if isinstance(found, Failure) else None
    row |= {f"failure_{name}": getattr(failure, name, None) for name in Failure._fields}
    if isinstance(found, Failure):
        return row
    height, width = found.mask.shape
    seen, in_boxes = height * width, union_mask(found.boxes, (height, width))
    if (counting := counted(picture.valid, region_in(camera, height, width))) is not None:
        seen, in_boxes = int(counting.sum()), in_boxes & counting
    crack, union = int(found.mask.sum()), int(in_boxes.sum())
    boxes = np.concatenate([found.boxes, found.scores[:, None]], axis=1).astype(np.float64)  # (N, 5)
    return row | {
        "height_px": height,
        "width_px": width,
        "crack_px": crack,
        "crack_share": crack / seen,
        "boxes": len(found.boxes),
        "union_px": union,
        "frame_px": seen,
        "data_reduction": 1 - union / seen,
        "segmented_share": found.segmented_share * height * width / seen,
        "resampled_by": picture.factor,
        "top_score": float(found.scores.max()) if len(found.scores) else None,
        "detect_ms": found.detect_ms,
        "segment_ms": found.segment_ms,
        "cascade_ms": found.detect_ms + found.segment_ms,
        "detections": [dict(zip(DETECTION, box, strict=True)) for box in boxes.tolist()],
    }


def _judged(cascade: Cascade, picture: Picture, found: CascadeResult, camera: Camera | None) -> dict[str, Any]:
    """Whether the photograph is unlike what the bundle has learnt from, and why; nothing where it cannot say."""
    image = looked_at(picture, camera)
    if cascade.familiar is None or found.features is None or image is None:
        return {}
    why = why_unfamiliar(cascade.familiar, found.features, look_at(image))
    return {"unfamiliar": why is not None, "unfamiliar_why": why}


def _write_pictures(survey: Survey, picture: Picture, found: CascadeResult) -> dict[str, str]:
    """Write mask and overlay as wanted; their paths relative to the output."""
    settings, run, name = survey.plan.settings, survey.plan.run_id, picture.photograph.name
    written = {}
    if settings.masks == "all" or (settings.masks == "cracked" and found.mask.any()):
        written["mask"] = f"masks/{run}/{output_name(name, '.png')}"
        place(mask_png(found.mask), survey.out / written["mask"], survey.folder / "unfinished")
    if settings.overlays and picture.image is not None:
        written["overlay"] = f"overlays/{run}/{output_name(name, '.jpg')}"
        place(overlay_jpeg(picture.image, found), survey.out / written["overlay"], survey.folder / "unfinished")
    return written
