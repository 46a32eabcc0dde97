"""The wall that every file a user hands in is read behind: regular files only, and no more bytes than it may have.

Of folders too: one whose names may be listed, but not entered, is as closed as one that shows no names.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from models.errors import UsageError

CHECK_RIGHTS = "Check the path and its rights."
"""The remedy where something that a user names may not be read."""


def open_given(path: Path, most_bytes: int) -> BinaryIO:
    """Open a file for reading; a pipe or device, which would wait or never end, is refused at once.

    Raises:
        OSError: there is none, it is no regular file, or larger than `most_bytes`; `strerror` says so in plain words.
    """
    try:
        # What it is may change between looking and opening; without O_NONBLOCK a pipe would wait for its writer.
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb")
    except ValueError as error:
        raise OSError(errno.EINVAL, f"no file can have this name ({error})", str(path)) from None
    try:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is a pipe, socket or device, not a file", str(path))
        if found.st_size > most_bytes:
            raise OSError(errno.EFBIG, f"it has more than {size(most_bytes)}", str(path))
    except OSError:
        file.close()
        raise
    return file


def is_pipe(path: Path) -> bool:
    """Whether it is neither file nor folder: a pipe, socket or device, the opening of which may never return.

    Raises:
        OSError: there is nothing, or it may not be looked at.
    """
    mode = path.stat().st_mode
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def read_given(path: Path, most_bytes: int) -> bytes:
    """The whole content of such a file.

    Raises:
        OSError: see `open_given`.
    """
    with open_given(path, most_bytes) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:  # it grew, or is one of those that tell no size
        raise OSError(errno.EFBIG, f"it has more than {size(most_bytes)}", str(path))
    return content


def list_given(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder, by name.

    Raises:
        OSError: it may not be listed, or not be entered, so that nothing that lies in it could be read.
    """
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    enter_given(folder)
    return found


def enter_given(folder: Path) -> None:
    """Check that a folder may be entered, whether or not its names may be listed.

    Raises:
        OSError: it may not.
    """
    os.stat(f"{folder}/.")  # noqa: PTH116 (a Path drops the dot; without it, no right to the folder itself is asked)


def closed_folder(path: Path) -> Path | None:
    """The first folder on the way to `path`, links followed, that may not be entered; None where each may."""
    above = reversed(Path(os.path.realpath(path)).parents)
    return next((folder for folder in above if not os.access(folder, os.X_OK)), None)


def size(count: int) -> str:
    """Bytes for people.

    >>> size(2_000_000), size(64_000)
    ('2 MB', '64 kB')
    """
    return f"{count / 1e6:.0f} MB" if count >= 1_000_000 else f"{count / 1e3:.0f} kB"


def require_utf8(path: str) -> None:
    """Refuse a path that no table, page or log could hold.

    Raises:
        UsageError: it is no UTF-8.
    """
    if readable(path) != path:
        raise UsageError(f"The path {readable(path)} is not UTF-8.", "Rename the folder, for example with convmv.")


def readable(name: str) -> str:
    r"""A file name as valid text: bytes that are no UTF-8 as ``\xNN``.

    >>> print(readable("caf\udce9.jpg"))
    caf\xe9.jpg
    >>> print(readable("\ud800.jpg"))
    \ud800.jpg
    """
    try:
        return os.fsencode(name).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half of a character, as JSON may hold: no file's name
        return name.encode("utf-8", "backslashreplace").decode()
