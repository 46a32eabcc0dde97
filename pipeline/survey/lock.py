"""One survey an output at a time."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from models.errors import DataError
from pipeline.survey.marks import ALL_RUNS, MARK, put_mark

LOCK = "lock"


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process; the kernel lets go when the process ends, however it ends.

    Raises:
        DataError: another process holds it, it cannot be written, or something else of the user's has its name.
    """
    path = folder / LOCK
    if not (folder / MARK).is_file() and (folder.is_file() or (folder.is_dir() and any(folder.iterdir()))):
        raise DataError(f"{folder} is not of this program's making.", "Give another --out, or rename it.")
    put_mark(folder, ALL_RUNS)
    try:
        file = path.open("a+b", buffering=0)  # what cannot be written is told here, not by closing the file
    except OSError as error:
        raise _cannot_write(folder, error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(
                f"A survey is already writing to {folder.parent}: {_holder(path)}.",
                "Wait until it has finished, stop it, or give another --out.",
            ) from None
        except OSError as error:
            raise DataError(
                f"{path} cannot be locked: {error.strerror}.", "Give an --out on a file system that has locks."
            ) from error
        # The file stays when it is over: whoever removed it could remove the next survey's.
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": f"{datetime.now(UTC):%F %T}"}
        try:
            file.truncate(0)
            file.write(json.dumps(holder).encode())
        except OSError as error:
            raise _cannot_write(folder, error) from error
        yield


def _cannot_write(folder: Path, error: OSError) -> DataError:
    return DataError(
        f"Cannot write {folder}: {error.strerror}.", "Give another --out, free some space, or mend its rights."
    )


def _holder(path: Path) -> str:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return f"process {known['pid']} on {known['host']}, since {known['since']} UTC"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has just begun"
