"""Which masks a folder, glob or path names, and what is passed over there."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from models.errors import DataError, UsageError
from models.given import closed_folder, enter_given, list_given, readable
from pipeline.datasets.masks import told_once
from pipeline.datasets.passed_over import HIDDEN, looks_like_a_picture, why_passed_over
from pipeline.datasets.pictures import PICTURE_SUFFIXES

LINKED = "a link to a folder, which is not followed: what lies in it is left out"


class FoundMasks(NamedTuple):
    """What a folder, glob or path names.

    Attributes:
        masks: names and paths, sorted.
        notes: what was passed over, a line a kind.
    """

    masks: list[tuple[str, Path]]
    notes: list[str]


def find_masks(masks: str) -> FoundMasks:
    """Find the masks that a folder holds, at any depth, or that a glob or a path names.

    Of a folder, hidden files and folders are passed over, and so are linked folders, which is told; only files that are
    no pictures by their names are passed over in silence.

    Raises:
        DataError: there is none, or a folder that may hold some may not be read: none is left out in silence.
        UsageError: the text is empty, as an unset variable of a shell is; as a path it would be the current folder.
    """
    if not masks.strip():
        raise UsageError("No masks are named.", "Give a folder, a quoted glob or a file.")
    try:
        named = list(_named(masks))
    except PermissionError as error:
        path = Path(error.filename)
        raise DataError(
            f"The folder {closed_folder(path) or path} may not be read.",
            "Give yourself leave to read it (chmod u+rx), or name the masks with a quoted glob that leaves it out.",
        ) from None
    if not named and not glob.has_magic(masks) and not os.path.lexists(masks):
        raise DataError(f"{masks} does not exist.", "Give a folder, a quoted glob or a file.")
    found = [(name, path) for name, path, why in named if not why]
    notes = told_once({readable(str(path)): [why] for _, path, why in named if why})
    if not found:
        suffixes, but = ", ".join(sorted(PICTURE_SUFFIXES)), f" ({'; '.join(notes)})" if notes else ""
        raise DataError(
            f"{masks} holds no mask{but}.", f"Give a folder, a quoted glob or a file; masks end in {suffixes}."
        )
    return FoundMasks(found, notes)


def _named(masks: str) -> Iterator[tuple[str, Path, str]]:
    """Name and path of what may be a mask, and why it is none; nothing where it is one."""
    root = Path(masks)
    if root.is_dir():
        yield from ((str(path.relative_to(root)), path, why) for path, why in sorted(_below(root)))
    elif root.is_file():
        yield root.name, root, ""
    else:
        _check_folders(root)
        for path in sorted(map(Path, glob.glob(masks, recursive=True))):  # noqa: PTH207 (an absolute glob)
            if (why := why_passed_over(path)) is not None:
                yield str(path), path, why


def _below(folder: Path) -> Iterator[tuple[Path, str]]:
    """What may be a mask in a folder, at any depth, and why it is none. `rglob` would leave out closed folders."""
    for entry in list_given(folder):
        path = Path(entry.path)
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name.startswith("."):
            if is_folder or looks_like_a_picture(path):
                yield path, HIDDEN
        elif is_folder:
            yield from _below(path)
        elif path.is_dir():
            yield path, LINKED
        elif (why := why_passed_over(path)) is not None:
            yield path, why


def _check_folders(pattern: Path) -> None:
    """Look into every folder that a glob leads through, since `glob` leaves out in silence what it may not look into.

    Raises:
        PermissionError: one may not be listed where the glob asks for its names, or not be entered.
    """
    parts = [*pattern.parts, *(["*"] if pattern.name == "**" else [])]  # which at the end, too, lists all it matches
    for number, part in enumerate(parts):
        before = str(Path(*parts[:number]))
        for folder in map(Path, glob.iglob(before, recursive=True)):  # noqa: PTH207 (it may be absolute)
            if folder.is_dir():
                list_given(folder) if glob.has_magic(part) else enter_given(folder)
