"""The photographs of a survey with most crack, to look at first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from models.errors import DataError
from pipeline.datasets.base import Image
from pipeline.datasets.pictures import read_mask
from pipeline.figures import draw_boxes
from pipeline.survey.chunk import DETECTION
from pipeline.survey.outputs import tint
from pipeline.survey.photographs import Photograph
from pipeline.survey.plan import Survey
from pipeline.survey.process import read_picture


def most_cracked(survey: Survey, count: int) -> list[dict[str, Any]]:
    """Rows of the published table ``images``, largest share of crack pixels first; none without crack."""
    best: list[dict[str, Any]] = []
    folder = survey.out / "records" / "images" / f"run_id={survey.plan.run_id}"
    for path in sorted(folder.glob("part-*.parquet")):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(8192):
                cracked = batch.filter(pc.greater(batch["crack_px"], 0))
                best = heapq.nlargest(count, [*best, *cracked.to_pylist()], key=lambda row: row["crack_share"])
    return best


def pictured(survey: Survey, rows: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Image]]:
    """Each row with its photograph, boxes and cracks drawn in; without those that cannot be read any more."""
    detections = survey.out / "records" / "detections" / f"run_id={survey.plan.run_id}"
    for row in rows:
        try:
            picture = read_picture(Photograph(row["name"]), survey.store, survey.plan.settings.max_pixels)
        except DataError:
            return
        if picture.image is None or picture.sha256 != row["content_sha256"]:
            continue
        found = pq.read_table(detections, filters=[("name", "=", row["name"])], partitioning=None)
        boxes = np.array([[box[name] for name in DETECTION] for box in found.to_pylist()], np.float64).reshape(-1, 5)
        image = picture.image
        if row["mask"] is not None:
            image = tint(image, read_mask(survey.out / row["mask"]))
        yield row, draw_boxes(image, boxes[:, :4], boxes[:, 4])
