"""Masks out of a file in COCO's format, as an annotation tool exports it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from faster_coco_eval.core import mask as rle
from pydantic import BaseModel, Field, ValidationError

from models.errors import DataError
from models.given import read_given
from pipeline.arrays import Mask
from pipeline.labels.coco import CRACK

MOST_BYTES = 2_000_000_000
"""Of a file that is read."""

MOST_SIDE_PX, MOST_PX = 100_000, 1_000_000_000
"""Longest side and most pixels of a photograph that a file may tell of."""

_AGAIN = "Export it from the annotation tool once more, as COCO 1.0."


class Picture(NamedTuple):
    """One photograph of a file.

    Attributes:
        name: of its file, without folders.
        mask: ``(H, W)`` bool.
        pieces: annotations that it is made of.
        without_pixels: annotations of crack that cover none: beside the photograph, or too thin.
        others: categories of its other annotations, one each.
    """

    name: str
    mask: Mask
    pieces: int
    without_pixels: int
    others: list[str]


class _Image(BaseModel):
    id: int
    file_name: str
    width: int = Field(ge=1, le=MOST_SIDE_PX)
    height: int = Field(ge=1, le=MOST_SIDE_PX)


class _Rle(BaseModel):
    counts: list[int] | str
    size: tuple[int, int]  # (H, W)


class _Annotation(BaseModel):
    id: int | str | None = None
    image_id: int
    category_id: int
    segmentation: _Rle | list[list[float]] | None = None


class _Category(BaseModel):
    id: int
    name: str


class _File(BaseModel):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def read_coco(path: Path) -> Iterator[Picture]:
    """Masks of a COCO file, one photograph at a time, in the file's order; run lengths and polygons are understood.

    Only annotations of the category `CRACK` count, whatever its case; where there is one category alone, that is it.

    Raises:
        DataError: the file cannot be read, is no such file, lists two photographs or none for an annotation, or one of
            crack cannot be read.
    """
    told = _read(path)
    crack = _crack_of(told.categories, path)
    names = {category.id: category.name for category in told.categories}
    of_image = _by_image(told, names, path)
    for image in told.images:
        own = of_image[image.id]
        drawn = [_drawn(annotation, image, path) for annotation in own if annotation.category_id == crack]
        found = [one for one in drawn if rle.area([one])[0]]
        others = [names[annotation.category_id] for annotation in own if annotation.category_id != crack]
        name = re.split(r"[/\\]", image.file_name)[-1]
        yield Picture(name, _mask(found, image, path), len(found), len(drawn) - len(found), others)


def _read(path: Path) -> _File:
    try:
        return _File.model_validate_json(read_given(path, MOST_BYTES).removeprefix(codecs.BOM_UTF8))
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


def _by_image(told: _File, names: Mapping[int, str], path: Path) -> Mapping[int, list[_Annotation]]:
    """The annotations of each photograph, by its id."""
    found: dict[int, list[_Annotation]] = {image.id: [] for image in told.images}
    if len(found) < len(told.images):
        raise DataError(f"{path} gives two photographs one id, so whose annotations are whose is not sure.", _AGAIN)
    for annotation in told.annotations:
        if annotation.image_id not in found:
            raise DataError(
                f"{path} has annotations of a photograph {annotation.image_id}, which it does not list.", _AGAIN
            )
        if annotation.category_id not in names:
            raise DataError(
                f"{path} has annotations of a category {annotation.category_id}, which it does not list.", _AGAIN
            )
        found[annotation.image_id].append(annotation)
    return found


def _mask(found: list[dict[str, Any]], image: _Image, path: Path) -> Mask:
    """Pixels of all run lengths together, decoded once: each takes as many bytes as the photograph has pixels."""
    if image.height * image.width > MOST_PX:
        told = f"{image.width}×{image.height} px"
        raise DataError(f"{path} tells of {image.file_name} with {told}, more than any photograph has.", _AGAIN)
    if not found:
        return np.zeros((image.height, image.width), np.bool_)
    try:
        return np.asarray(rle.decode(rle.merge(found)), np.bool_)
    except ValueError as error:
        raise DataError(f"{path}: what is drawn on {image.file_name} cannot be read: {error}.", _AGAIN) from error


def _drawn(annotation: _Annotation, image: _Image, path: Path) -> dict[str, Any]:
    """Packed run lengths of what an annotation covers."""
    size, drawn = (image.height, image.width), annotation.segmentation
    where = f"{path}: annotation {annotation.id} of {image.file_name}"
    if not drawn:
        raise DataError(f"{where} has no pixels: it may be a box or a line.", "Draw it as a mask or a polygon.")
    if not isinstance(drawn, list) and drawn.size != size:
        raise DataError(f"{where} is of a picture of {drawn.size[::-1]} px, not {size[::-1]}.", _AGAIN)
    try:
        return dict(rle.merge(_polygons(drawn, size) if isinstance(drawn, list) else [_run_lengths(drawn)]))
    except (ValueError, IndexError, TypeError, RuntimeError, MemoryError) as error:
        raise DataError(f"{where} cannot be read: {error}.", _AGAIN) from error


def _polygons(drawn: list[list[float]], size: tuple[int, int]) -> list[dict[str, Any]]:
    if any(len(polygon) < 6 or len(polygon) % 2 for polygon in drawn):
        raise ValueError("a polygon needs three corners, x and y each")
    # Each pixel of an edge takes memory, outside of the photograph too. NaN is never within.
    if not all(abs(at) <= MOST_SIDE_PX for polygon in drawn for at in polygon):
        raise ValueError(f"a corner is no place within {MOST_SIDE_PX:,} px")
    return list(rle.frPyObjects(drawn, *size))


def _run_lengths(drawn: _Rle) -> dict[str, Any]:
    height, width = drawn.size
    if isinstance(drawn.counts, str):
        return {"size": [height, width], "counts": drawn.counts.encode()}
    if min(drawn.counts, default=0) < 0 or sum(drawn.counts) != height * width:
        raise ValueError(f"its run lengths are not those of {height * width:,} pixels")
    return dict(rle.frPyObjects({"size": [height, width], "counts": drawn.counts}, height, width))
