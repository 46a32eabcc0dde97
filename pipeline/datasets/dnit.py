"""DNIT: frames of a Brazilian highway survey vehicle, in driving order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.errors import DataError
from pipeline.datasets.layout import require_layout
from pipeline.datasets.pairs import Pair, PairedDataset

BUCKET_M = 200
"""Frames of one segment within this stretch of road form a group."""

_FRAME = re.compile(r"(?P<photo>\d+)_(?P<state>[A-Z]{2})_(?P<highway>\w+)_(?P<segment>\w+)_(?P<chainage>\d+)")
_REMEDY = "Unpack the data set anew, or remove this folder."


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a frame was taken, as its name tells.

    Attributes:
        photo: the agency's number of the photograph.
        state: two letters, such as ``"RS"``.
        highway: number of the federal highway, such as ``"386"``.
        segment: code of the road segment, such as ``"386RS124739"``.
        chainage_m: distance along the segment, m.
    """

    photo: int
    state: str
    highway: str
    segment: str
    chainage_m: int


def parse_frame(name: str) -> Frame:
    """Read a frame's place out of its name.

    Raises:
        DataError: the name is not made like one of this data set.

    >>> parse_frame("1014583_RS_386_386RS124739_29840").chainage_m
    29840
    """
    match = _FRAME.fullmatch(name)
    if match is None:
        raise DataError(
            f"{name!r} is not the name of a DNIT frame.",
            "Frames are named photo_STATE_highway_segment_chainage, such as 1014583_RS_386_386RS124739_29840.",
        )
    return Frame(int(match["photo"]), match["state"], match["highway"], match["segment"], int(match["chainage"]))


class Dnit(PairedDataset):
    """One folder a frame, holding ``NAME_RAW.jpg`` and ``NAME_CRACK.png``; masks may be empty.

    Frames follow each other about every 5 m and overlap, so whole stretches of road are kept together. Two frames
    that meet where one stretch ends and the next begins may still fall into different parts of a split.
    """

    key = "dnit"
    title = "DNIT Cracks and Potholes in Road Images"
    licence = "MIT"
    commercial = True

    def frame(self, name: str) -> Frame:
        """Where `name` was taken."""
        return parse_frame(name)

    def group(self, name: str) -> str:
        """Segment and stretch of `BUCKET_M` metres."""
        frame = parse_frame(name)
        return f"{frame.segment}/{frame.chainage_m // BUCKET_M * BUCKET_M}"

    def _find(self) -> Mapping[str, Pair]:
        require_layout(self.root, "dnit", "a folder a frame that holds *_RAW.jpg and *_CRACK.png")
        folders = sorted(p for p in self.root.iterdir() if p.is_dir() and not p.name.startswith("."))
        return {folder.name: _pair(folder) for folder in folders}


def _pair(folder: Path) -> Pair:
    parse_frame(folder.name)
    image, truth = (folder / f"{folder.name}_{kind}" for kind in ("RAW.jpg", "CRACK.png"))
    if not image.is_file():
        raise DataError(f"{folder} has no photograph {image.name}.", _REMEDY)
    if not truth.is_file():
        raise DataError(f"{image} has no mask {truth.name} beside it.", _REMEDY)
    return Pair(image, truth)
