"""Room for what will be written: no file of the user's stands where a folder will be needed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from models.errors import DataError, UsageError
from models.given import CHECK_RIGHTS

EXPERIMENT = ("runs", "stages", "prefect-results", "records/runs", "records/images", "records/detections")
"""Folders of the home that an experiment fills; an evaluation fills some of them."""


def check_room(home: Path, names: Iterable[str], remedy: str) -> None:
    """Refuse a folder in which something else stands in the place of one that will be made; nothing is changed.

    Args:
        home: folder to be filled.
        names: of the folders to be made below it, ``a/b`` with all that lead there.
        remedy: what the user can do besides moving away what stands there.

    Raises:
        DataError: naming what stands in the way: a file, or a link that leads nowhere.
    """
    for name in names:
        for part in [*reversed(PurePosixPath(name).parents), PurePosixPath(name)]:
            path = home / part
            if os.path.lexists(path):
                _require_folder(path, remedy)


def check_home(home: Path) -> None:
    """Refuse a home that cannot hold what an experiment or an evaluation makes.

    Raises:
        DataError: naming what stands in the way.
    """
    check_room(home, EXPERIMENT, "set CRACK_SURVEY_HOME to another folder")


def check_file(path: Path, endings: Sequence[str], option: str) -> None:
    """Refuse a file that could not be written, before the work that it is to hold; nothing is made.

    Args:
        path: of the file; its folder need not be there.
        endings: of the formats that can be written, ``.csv``, lower case.
        option: that names it, such as ``--out``.

    Raises:
        UsageError: its name has none of these endings.
        DataError: a folder has its name, or its folder cannot be made or written to.
    """
    if path.suffix.lower() not in endings:
        *most, last = endings
        told = f"{', '.join(most)} or {last}" if most else last
        raise UsageError(f"{option} {path} is no file that can be written.", f"Let its name end in {told}.")
    there = next(folder for folder in path.absolute().parents if os.path.lexists(folder))
    _require_folder(there, f"give another {option}")
    if not os.access(there, os.W_OK | os.X_OK):
        raise DataError(f"{there} may not be written to.", f"Give another {option}. {CHECK_RIGHTS}")
    if path.is_dir():
        raise DataError(f"{path} is a folder.", f"Give {option} another name.")


def _require_folder(there: Path, remedy: str) -> None:
    if not there.is_dir():
        what = "a file" if there.exists() else "a link that leads nowhere"
        raise DataError(f"{there} is {what} where a folder is needed.", f"Move it away, or {remedy}.")
