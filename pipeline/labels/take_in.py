"""Masks that people corrected → ``masks/`` beside the photographs: a data set to learn from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from models.errors import DataError
from pipeline.datasets.layout import require_folder
from pipeline.datasets.pairs import pictures_by_stem
from pipeline.datasets.pictures import read_image
from pipeline.labels.appearing import appearing
from pipeline.labels.corrected import Picture, read_coco
from pipeline.survey.outputs import mask_png


class TakenIn(NamedTuple):
    """What `take_in` wrote.

    Attributes:
        root: of the data set.
        photographs: how many masks.
        cracked: of them, those with crack.
        pieces: annotations that they are made of.
        notes: which annotations drew nothing, a line a kind.
    """

    root: Path
    photographs: int
    cracked: int
    pieces: int
    notes: list[str]


def take_in(file: Path, root: Path) -> TakenIn:
    """Write a mask for each photograph in ``images/`` of `root`, as a COCO file draws it; without annotation, no crack.

    All masks appear at once or none does.

    Raises:
        DataError: the file cannot be understood (`read_coco`), it and ``images/`` hold different photographs, or
            ``masks/`` holds something already.
    """
    images = root / "images"
    require_folder(images, "Give the folder that `crack-survey labels export` made.")
    photographs = pictures_by_stem(images)
    missing = dict(photographs)
    cracked = pieces = 0
    without_pixels: Counter[str] = Counter()
    others: Counter[str] = Counter()
    with appearing(root / "masks") as inside:
        for picture in read_coco(file):
            stem = _stem_of(picture, photographs, missing, file)
            (inside / f"{stem}.png").write_bytes(mask_png(picture.mask))
            cracked += bool(picture.mask.any())
            pieces += picture.pieces
            without_pixels[picture.name] += picture.without_pixels
            others.update(picture.others)
        if missing:
            raise DataError(
                f"{file} tells nothing of {_shown(missing)} in {images}.",
                "Export the whole task, or move out of images/ what nobody has looked at.",
            )
    return TakenIn(root.resolve(), len(photographs), cracked, pieces, _notes(without_pixels, others))


def _notes(without_pixels: Counter[str], others: Counter[str]) -> list[str]:
    notes = []
    if without_pixels.total():
        found = _counted(without_pixels)
        notes.append(f"Annotations of crack cover no pixel, being too thin or beside the photograph: {found}.")
    if others:
        notes.append(f"Annotations of other categories than crack are left out: {_counted(others)}.")
    return notes


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} ({count:,})" for name, count in counter.most_common(5) if count)


def _stem_of(picture: Picture, photographs: Mapping[str, Path], missing: dict[str, Path], file: Path) -> str:
    """The photograph that a mask is of, crossed off those that are missing."""
    stem = Path(picture.name).stem
    path = photographs.get(stem)
    if path is None or path.name != picture.name:
        raise DataError(
            f"{file} tells of {picture.name}, which does not lie in images/.",
            "Put the photograph there; or, where the annotation tool renamed it, give it its name back in the file.",
        )
    if missing.pop(stem, None) is None:
        raise DataError(f"{file} tells of {picture.name} twice.", "Take one of both tasks out of it.")
    if (size := read_image(path).shape[:2]) != picture.mask.shape:
        raise DataError(
            f"{file} has {picture.name} with {_px(picture.mask.shape)}, but it has {_px(size)}.",
            "Correct masks on the very photographs that were handed out.",
        )
    return stem


def _px(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}×{shape[0]} px"


def _shown(missing: Mapping[str, Path]) -> str:
    names = [path.name for path in missing.values()]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
