"""The photographs of a survey with most crack, to look at first."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.errors import DataError
from pipeline.arrays import Image, Mask
from pipeline.datasets.masks import read_mask
from pipeline.survey.chunk import DETECTION
from pipeline.survey.decode import allow_pixels
from pipeline.survey.listing.photographs import Photograph
from pipeline.survey.plan import Survey
from pipeline.survey.process import read_picture
from pipeline.survey.published import read_batches, rows_by_name


class Seen(NamedTuple):
    """A photograph read once more, with what was found in it.

    Attributes:
        row: of the table ``images``.
        image: ``(H, W, 3)`` uint8 RGB.
        mask: ``(H, W)`` bool; None where none was written.
        boxes: ``(N, 5)`` xyxy px and score, best first.
    """

    row: Mapping[str, Any]
    image: Image
    mask: Mask | None
    boxes: NDArray[np.float64]


def most_cracked(survey: Survey, count: int) -> list[dict[str, Any]]:
    """Rows of the published table ``images``, largest share of crack pixels first; none without crack."""
    best: list[dict[str, Any]] = []
    for batch in read_batches(survey, "images"):
        cracked = batch.filter(pc.greater(batch["crack_px"], 0))
        order = np.argsort(-cracked["crack_share"].to_numpy(zero_copy_only=False), kind="stable")[:count]
        rows = cracked.take(pa.array(order)).to_pylist()
        best = heapq.nlargest(count, [*best, *rows], key=lambda row: row["crack_share"])
    return best


def read_boxes(survey: Survey, names: Iterable[str]) -> dict[str, NDArray[np.float64]]:
    """Detections of a few photographs by name, ``(N, 5)`` xyxy px and score, in one pass over the table."""
    found = rows_by_name(survey, "detections", ["name", *DETECTION], names)
    return {name: np.array([[box[column] for column in DETECTION] for box in boxes]) for name, boxes in found.items()}


def look_again(survey: Survey, rows: list[dict[str, Any]]) -> Iterator[Seen]:
    """Read the photographs of these rows, one at a time; without those that are gone or have changed since."""
    boxes = read_boxes(survey, (row["name"] for row in rows))
    allow_pixels(survey.plan.settings.max_pixels)
    for row in rows:
        try:
            picture = read_picture(Photograph(row["name"]), survey.store, survey.plan.settings.max_pixels)
        except DataError:
            return  # the root is gone, and with it all that follow
        if picture.image is None or picture.sha256 != row["content_sha256"]:
            continue
        mask = None
        if row["mask"] is not None:
            with suppress(DataError):
                mask = read_mask(survey.out / row["mask"])
        if mask is not None and mask.shape != picture.image.shape[:2]:
            mask = None
        yield Seen(row, picture.image, mask, boxes.get(row["name"], np.empty((0, 5))))
