"""The mark on every folder that a survey fills: what carries it is never an input, and nothing else is ever removed.

A folder of masks, overlays or tables is called after its run and holds a small file, `MARK`, that names the run again.
Where the user has folders of the same names, they stay what they are: photographs, if that is what lies in them.
"""

from __future__ import annotations

import re
import shutil
from functools import lru_cache
from pathlib import Path

from models.errors import DataError

MARK = ".made-by-crack-survey"
ALL_RUNS = "all surveys of the folder above"
"""What stands in the mark of the folder that holds the surveys' own folders."""

_RUN_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}")
_ABOUT = "\nMade by crack-survey. What lies here is passed over when photographs are listed.\n"


def is_run_id(text: str) -> bool:
    """Whether `text` is one of `pipeline.storage.records.new_run_id`.

    >>> is_run_id("20260531T140509-0a1b2c"), is_run_id("2026-05-31")
    (True, False)
    """
    return _RUN_ID.fullmatch(text) is not None


def put_mark(folder: Path, run_id: str) -> None:
    """Make `folder`, where there is none, and mark it as this run's.

    Raises:
        DataError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if marked_run(folder) != run_id:
            (folder / MARK).write_text(run_id + _ABOUT, encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"Cannot write {folder}: {error.strerror}.", "Give another --out, free some space, or mend its rights."
        ) from error


def publish_folder(made: Path, target: Path, run_id: str) -> None:
    """Mark a finished folder and put it where people look, unless an earlier try got as far as this."""
    if not target.is_dir():
        put_mark(made, run_id)
        target.parent.mkdir(parents=True, exist_ok=True)
        made.rename(target)


def marked_run(folder: Path) -> str | None:
    """Whose mark a folder carries; None without one that can be read."""
    try:
        return (folder / MARK).read_text(encoding="utf-8").partition("\n")[0] if (folder / MARK).is_file() else None
    except (OSError, UnicodeDecodeError):
        return None


def remove_marked(folder: Path, run_id: str) -> None:
    """Remove a folder that is called after the run and carries its mark; any other stays as it is.

    Raises:
        DataError: it cannot be removed.
    """
    named = folder.name.removeprefix("run_id=") == run_id and is_run_id(run_id)
    if not named or folder.is_symlink() or marked_run(folder) != run_id:
        return
    try:
        for path in sorted(folder.iterdir()):
            if path.name != MARK:  # it goes last: what a kill leaves behind must still be known for what it is
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        (folder / MARK).unlink()
        folder.rmdir()
    except OSError as error:
        raise DataError(f"{folder} cannot be removed: {error}.", "Mend its rights, then run the same again.") from error


def is_output(folder: Path) -> bool:
    """Whether a survey fills this folder, by its mark; of surveys before there were marks, by the plan they left."""
    if _is_there(folder / MARK):
        return True
    return is_run_id(folder.name) and _is_there(folder.parent.parent / "survey" / folder.name / "plan.json")


@lru_cache(4096)
def in_output(folder: Path) -> bool:
    """Whether `folder`, absolute and without links, is or lies below one that a survey fills."""
    return any(is_output(above) for above in (folder, *folder.parents))  # a list may name thousands: no recursion


def _is_there(file: Path) -> bool:
    """Whether a file can be seen there. In a folder that may not be entered none can; who reads there is told so."""
    try:
        return file.is_file()
    except OSError:
        return False
