"""Photographs of a survey and the masks that it drew → a folder that an annotation tool opens."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from models.errors import DataError, UsageError
from models.given import read_given
from pipeline.arrays import Mask
from pipeline.datasets.masks import read_mask
from pipeline.datasets.pictures import PICTURE_SUFFIXES
from pipeline.labels.appearing import appearing
from pipeline.labels.choose import choose_to_correct
from pipeline.labels.coco import ANNOTATIONS, to_coco
from pipeline.storage.records import read_table
from pipeline.survey.listing.addresses import is_address
from pipeline.survey.listing.photographs import Refused
from pipeline.survey.listing.recorded import recorded_surveys
from pipeline.survey.listing.remote import read_alone
from pipeline.survey.settings import most_bytes

LIST = "photographs.csv"
"""Beside the photographs: what each was called, and why it was chosen."""

_TOLD = ("name", "path", "unfamiliar", "unfamiliar_why", "boxes", "doubtful_boxes", "chosen_for", "crack_share")

_ODD = re.compile(r'^\.|[<>:"/\\|?*\x00-\x1f]')
"""What hides a file, or what Windows, where an annotation tool may run, has in no file's name."""


class HandedOut(NamedTuple):
    """What `hand_out` wrote.

    Attributes:
        folder: absolute.
        photographs: how many.
        pieces: of crack, in all their masks.
        notes: which survey of several it is, and what was left out, a line each.
    """

    folder: Path
    photographs: int
    pieces: int
    notes: list[str]


def hand_out(survey: Path, folder: Path, count: int, run: str = "last") -> HandedOut:
    """Write the photographs most worth correcting, with the survey's masks as annotations.

    ``images/`` holds the photographs byte for byte, `ANNOTATIONS` their masks, `LIST` where they come from. The folder
    appears whole or not at all.

    Args:
        survey: folder that surveys fill (``--out``).
        folder: to make; it must not hold anything.
        count: at most so many photographs.
        run: id of one of its surveys, the beginning of one, or ``last``.

    Raises:
        UsageError: no survey has that id.
        DataError: there is no survey, it kept no masks, nothing can be handed out, or `folder` is in use.
    """
    chosen, notes = _survey_of(survey, run)
    images = read_table("images", survey, chosen["run_id"])
    rows = choose_to_correct(images, read_table("detections", survey, chosen["run_id"]), count)
    limit = most_bytes(int(json.loads(chosen["settings"])["max_pixels"]))
    names = _names(rows["name"])
    told: list[dict[str, Any]] = []

    def handed() -> Iterator[tuple[str, Mask]]:
        for row in rows.to_dict("records"):
            try:
                mask, content = _mask(row, survey), _photograph(row, limit)
            except Refused as refused:
                notes.append(f"{row['name']} is left out. {refused}")
                continue
            name = names[row["name"]]
            (inside / "images" / name).write_bytes(content)
            told.append({"file": name, **{column: row[column] for column in _TOLD}})
            yield name, mask

    with appearing(folder) as inside:
        (inside / "images").mkdir()
        written = to_coco(handed())
        if not told:
            raise DataError(f"Of {survey} nothing can be handed out.", notes[-1] if notes else "It has no photographs.")
        (inside / ANNOTATIONS).parent.mkdir()
        (inside / ANNOTATIONS).write_text(json.dumps(written), encoding="utf-8")
        pd.DataFrame(told).to_csv(inside / LIST, index=False)
    return HandedOut(folder.resolve(), len(told), len(written["annotations"]), notes)


def _survey_of(survey: Path, run: str) -> tuple[Mapping[Any, Any], list[str]]:
    """The row of one survey, and what a person should know of the choice."""
    surveys = [row for row, _ in recorded_surveys(survey)]
    if not surveys:
        raise DataError(
            f"{survey} holds no finished survey.", "Give the folder that `crack-survey survey --out` filled."
        )
    ids = [str(row["run_id"]) for row in surveys]
    if run == "last":
        others = ", ".join(ids[-6:-1])
        note = f"These are of {ids[-1]} alone, the last of {len(ids)} surveys. --run gives another: {others}."
        return surveys[-1], [note] if others else []
    found = [row for row in surveys if str(row["run_id"]).startswith(run)]
    if len(found) != 1:
        raise UsageError(
            f"--run {run} names {len(found) or 'none'} of the surveys in {survey}.", f"It has {', '.join(ids[-6:])}."
        )
    return found[0], []


def _names(surveyed: pd.Series[str]) -> dict[str, str]:
    """File names for the photographs of a survey: their own, with folders or a number where two would be one."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in surveyed:
        folders, _, own = re.sub(r"^.*?://", "", name).rpartition("/")
        stem, dot, suffix = own.rpartition(".")
        stem, suffix = (stem, dot + suffix) if stem else (own, "")
        wanted = (
            _ODD.sub("_", stem),
            _ODD.sub("_", f"{folders}/{stem}"),
            f"{_ODD.sub('_', stem)[:40]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}",
        )
        free = next(one for one in wanted if one.casefold() not in taken and len(one.encode()) <= 200)
        taken.add(free.casefold())
        found[name] = free + suffix
    return found


def _mask(row: Mapping[Any, Any], survey: Path) -> Mask:
    """What the survey drew, ``(H, W)`` bool."""
    if not pd.isna(row["mask"]):
        try:
            return read_mask(survey / row["mask"])
        except DataError as error:
            again = "Survey it once more with --masks all --all."
            raise Refused("read", "no mask", f"Its mask cannot be used: {error.problem} {again}") from None
    if row["crack_px"]:
        raise Refused("read", "no mask", "The survey kept no mask of it: survey it once more with --masks all.")
    return np.zeros((row["height_px"], row["width_px"]), np.bool_)


def _photograph(row: Mapping[Any, Any], limit: int) -> bytes:
    """The file, as it was when it was surveyed."""
    path = str(row["path"])
    if Path(row["name"]).suffix.lower() not in PICTURE_SUFFIXES:  # a path may be an address that ends in .zip
        raise Refused(
            "read",
            "format",
            f"A data set takes photographs of these kinds only: {', '.join(sorted(PICTURE_SUFFIXES))}.",
        )
    try:
        content = read_alone(path, limit) if is_address(path) else read_given(Path(path), limit)
    except OSError as error:
        raise Refused("read", "unreadable", f"{path} cannot be read: {error.strerror}.") from None
    if hashlib.sha256(content).hexdigest() != row["content_sha256"]:
        raise Refused("read", "changed", f"{path} has changed since the survey.")
    return content
