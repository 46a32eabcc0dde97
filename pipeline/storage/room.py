"""Room for what will be written: no file of the user's stands where a folder will be needed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from models.errors import DataError

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
            if os.path.lexists(path) and not path.is_dir():
                what = "a file" if path.exists() else "a link that leads nowhere"
                raise DataError(f"{path} is {what} where a folder is needed.", f"Move it away, or {remedy}.")


def check_home(home: Path) -> None:
    """Refuse a home that cannot hold what an experiment or an evaluation makes.

    Raises:
        DataError: naming what stands in the way.
    """
    check_room(home, EXPERIMENT, "set CRACK_SURVEY_HOME to another folder")
