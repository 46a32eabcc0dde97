"""What lies among pictures and is not read, in words: nothing is left out in silence."""

from __future__ import annotations

from pathlib import Path

from models.given import list_given, readable
from pipeline.datasets.masks import told_once
from pipeline.datasets.pictures import OTHER_PICTURES, PICTURE_SUFFIXES

HIDDEN = "hidden, as copies under way and what systems leave behind: left out"
DANGLING = "a link that leads nowhere: left out"
NO_FILE = "no file: left out"
OTHER = "a picture by its name, but of a format that is not read here: left out; save it as PNG"
SUBFOLDER = "a folder, which is not looked into: what lies in it is left out"


def why_passed_over(path: Path) -> str | None:
    """Why a file is not read; nothing where it is, and None where nobody would take it for a picture."""
    if path.is_file():
        if not looks_like_a_picture(path):
            return None
        return "" if path.suffix.lower() in PICTURE_SUFFIXES else OTHER
    if path.is_dir():
        return None
    if path.is_symlink():
        return DANGLING
    return NO_FILE if looks_like_a_picture(path) else None


def looks_like_a_picture(path: Path) -> bool:
    """Whether it is one by its name, of whatever format."""
    return path.suffix.lower() in PICTURE_SUFFIXES | OTHER_PICTURES


def other_formats(folder: Path) -> dict[str, Path]:
    """Pictures in a folder whose formats are not read in data sets, by name without suffix."""
    found = (Path(entry.path) for entry in list_given(folder) if not entry.name.startswith("."))
    return {path.stem: path for path in found if path.suffix.lower() in OTHER_PICTURES}


def left_out_of(*folders: Path) -> list[str]:
    """What a data set leaves out of folders of pictures, a line a kind.

    What has the name of a picture that it reads is not left out: where that cannot be read, it is an error.
    """
    told: dict[str, list[str]] = {}
    for entry in (entry for folder in folders for entry in list_given(folder)):
        path = Path(entry.path)
        if entry.name.startswith("."):
            why = HIDDEN if path.is_dir() or looks_like_a_picture(path) else None
        elif path.suffix.lower() in PICTURE_SUFFIXES:
            why = None
        else:
            why = SUBFOLDER if path.is_dir() else why_passed_over(path)
        if why:
            told[readable(str(path))] = [why]
    return told_once(told)
