"""Crack masks as a file in COCO's format, which annotation tools read and write, and back.

Masks are run lengths, never polygons: a polygon loses the islands between cracks, and a crack one pixel wide whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

import cv2
import numpy as np
from faster_coco_eval.core import mask as rle
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError

from models.errors import DataError
from models.given import read_given
from pipeline.arrays import Mask

CRACK = "crack"
"""Category of every annotation that is written."""

ANNOTATIONS = Path("annotations") / "instances_default.json"
"""Where below its folder the file lies, by the name that CVAT gives and looks for."""

MOST_BYTES = 2_000_000_000
"""Of a file that is read."""

GAP_PX = 16
"""Pixels of crack no farther apart are one annotation, as a survey takes fragments for one crack: else there are
hundreds."""

MOST_SIDE_PX = 100_000
"""Longest side of a photograph that a file may tell of."""


class Picture(NamedTuple):
    """One photograph of a file.

    Attributes:
        name: of its file, without folders.
        mask: ``(H, W)`` bool.
        pieces: annotations that it is made of.
    """

    name: str
    mask: Mask
    pieces: int


class _Image(BaseModel):
    id: int
    file_name: str
    width: int = Field(ge=1, le=MOST_SIDE_PX)
    height: int = Field(ge=1, le=MOST_SIDE_PX)


class _Rle(BaseModel):
    counts: list[int] | str
    size: tuple[int, int]  # (H, W)


class _Annotation(BaseModel):
    id: int | None = None
    image_id: int
    category_id: int
    segmentation: _Rle | list[list[float]] = []


class _Category(BaseModel):
    id: int
    name: str


class _File(BaseModel):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def to_coco(pictures: Iterable[tuple[str, Mask]]) -> dict[str, Any]:
    """What a COCO file of these masks holds: an annotation for each piece of crack.

    Args:
        pictures: name of each photograph's file, and its mask, ``(H, W)`` bool.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (name, mask) in enumerate(pictures, 1):
        height, width = mask.shape
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        for piece in _pieces(mask):
            annotations.append({"id": len(annotations) + 1, "image_id": number, "category_id": 1, **piece})
    categories = [{"id": 1, "name": CRACK, "supercategory": ""}]
    return {"info": {}, "licenses": [], "categories": categories, "images": images, "annotations": annotations}


def read_coco(path: Path) -> Iterator[Picture]:
    """Masks of a COCO file, one photograph at a time, in the file's order; run lengths and polygons are understood.

    Only annotations of the category `CRACK` count, whatever its case; where there is one category alone, that is it.

    Raises:
        DataError: the file cannot be read, is no such file, or an annotation has no pixels that fit its photograph.
    """
    told = _read(path)
    crack = _crack_of(told.categories, path)
    drawn: defaultdict[int, list[_Annotation]] = defaultdict(list)
    for annotation in told.annotations:
        if annotation.category_id == crack:
            drawn[annotation.image_id].append(annotation)
    if strangers := sorted(drawn.keys() - {image.id for image in told.images}):
        raise DataError(f"{path} has annotations of a photograph {strangers[0]}, which it does not list.", _AGAIN)
    for image in told.images:
        own = drawn[image.id]
        found = [one for annotation in own for one in _drawn(annotation, image, path)]
        mask = rle.decode(rle.merge(found)) if found else np.zeros((image.height, image.width), np.uint8)
        yield Picture(PureWindowsPath(image.file_name).name, mask.astype(bool), len(own))


_AGAIN = "Export it from the annotation tool once more, as COCO 1.0."


def _pieces(mask: Mask) -> Iterator[dict[str, Any]]:
    """What is crack, in pieces: pixels no farther apart than `GAP_PX` are of one."""
    height, width = mask.shape
    drawn = mask.astype(np.uint8)
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (GAP_PX + 1, GAP_PX + 1))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(drawn, around), connectivity=8)
    own = np.asarray(labels) * drawn
    for label, (x, y, w, h, _) in enumerate(stats.tolist()):
        if label == 0:
            continue
        inside = np.equal(own[y : y + h, x : x + w].T, label)
        columns, rows = np.nonzero(inside)  # column by column, as COCO counts
        counts = _runs((columns + x) * height + rows + y, height * width)
        packed = rle.frPyObjects({"size": [height, width], "counts": counts}, height, width)
        yield {
            "segmentation": {"size": [height, width], "counts": packed["counts"].decode()},
            "area": len(rows),
            "bbox": [x + int(columns.min()), y + int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1],
            "iscrowd": 1,  # COCO's word for run lengths
        }


def _runs(places: NDArray[np.int64], pixels: int) -> list[int]:
    """Lengths of runs outside and inside in turn, outside first, of rising `places` among so many pixels.

    >>> _runs(np.array([2, 3, 6]), 8)
    [2, 2, 2, 1, 1]
    """
    first = np.flatnonzero(np.diff(places, prepend=-2) != 1)
    last = np.append(first[1:], len(places)) - 1
    edges = np.stack([places[first], places[last] + 1], axis=1).ravel()
    return [int(length) for length in np.diff(edges, prepend=0, append=pixels)]


def _read(path: Path) -> _File:
    try:
        return _File.model_validate_json(read_given(path, MOST_BYTES))
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}.", "Give the JSON file that the annotation tool exports."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            raise DataError(f"{path} is no JSON.", f"{_AGAIN} Unpack what it gives, if that is a ZIP.") from error
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DataError(f"{path} is no COCO file of masks: {place}: {first['msg']}.", _AGAIN) from error


def _crack_of(categories: list[_Category], path: Path) -> int:
    named = [one.id for one in categories if one.name.casefold() == CRACK]
    if not named and len(categories) == 1:
        named = [categories[0].id]
    if len(named) != 1:
        names = ", ".join(one.name for one in categories) or "none"
        raise DataError(
            f"{path} has no category {CRACK!r}, or several: {names}.", f"Name the one that is crack {CRACK!r}."
        )
    return named[0]


def _drawn(annotation: _Annotation, image: _Image, path: Path) -> list[dict[str, Any]]:
    """Packed run lengths of what an annotation covers."""
    size, drawn = (image.height, image.width), annotation.segmentation
    where = f"{path}: annotation {annotation.id} of {image.file_name}"
    if not drawn:
        raise DataError(f"{where} has no pixels: it may be a box or a line.", "Draw it as a mask or a polygon.")
    try:
        if isinstance(drawn, list):
            if any(len(polygon) < 6 or len(polygon) % 2 for polygon in drawn):
                raise ValueError("a polygon needs three corners, x and y each")
            found = rle.frPyObjects(drawn, *size)
        elif drawn.size != size:
            raise DataError(f"{where} is of a picture of {drawn.size[::-1]} px, not {size[::-1]}.", _AGAIN)
        elif isinstance(drawn.counts, str):
            found = [{"size": list(size), "counts": drawn.counts.encode()}]
        else:
            found = [rle.frPyObjects({"size": list(size), "counts": drawn.counts}, *size)]
        rle.decode(found)
    except (ValueError, IndexError, TypeError, RuntimeError, MemoryError) as error:
        raise DataError(f"{where} cannot be read: {error}.", _AGAIN) from error
    return list(found)
