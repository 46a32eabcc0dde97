"""Where photographs lie: a local folder, or any address that fsspec knows. Both give its bytes."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from models.errors import DataError
from models.given import closed_folder
from pipeline.survey.listing.addresses import is_address
from pipeline.survey.listing.photographs import Refused
from pipeline.survey.listing.remote import COME_BACK, RemoteStore, not_a_file, read_alone, stamp_alone, within
from pipeline.survey.marks import in_output


class Store(Protocol):
    """A root with photographs below it."""

    def address(self, name: str) -> str:
        """Full path or address of a name, for people and for the column `path`."""

    def stamp(self, name: str) -> str:
        """Text that changes when the file does; empty if there is none to be had."""

    def read(self, name: str, most_bytes: int) -> bytes:
        """The whole file.

        Raises:
            Refused: this one file cannot be read.
            DataError: the root itself is gone, so that no other file could be read either.
        """


@dataclass(frozen=True)
class LocalStore:
    """A folder of this machine.

    Attributes:
        root: absolute.
        allow_outside: follow names and links that leave it.
    """

    root: Path
    allow_outside: bool = False

    def address(self, name: str) -> str:
        """Path as text; an address as it is."""
        return name if is_address(name) else str(self.root / name)

    def stamp(self, name: str) -> str:
        """Size and times in ns; the second cannot be set by hand, so a copy that keeps the first shows as well."""
        if is_address(name):
            return stamp_alone(name)
        try:
            found = (self.root / name).stat()
        except (OSError, ValueError):
            return ""
        return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}"

    def read(self, name: str, most_bytes: int) -> bytes:
        """See `Store`. Only regular files are opened: a pipe or device would wait, or never end."""
        if is_address(name):
            return read_alone(name, most_bytes)
        path = self.root / name
        try:
            real = self._checked(path)
            if in_output(real.parent):
                raise Refused("read", "output of a survey", "A survey has made it: no output is surveyed.")
            if not stat.S_ISREG(path.stat().st_mode):
                raise not_a_file(path)
            # What it is may change between looking and opening; without O_NONBLOCK a pipe would wait for its writer.
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise not_a_file(path)
                content = file.read(most_bytes + 1)
        except ValueError as error:
            raise Refused("read", "bad name", f"No file can have this name: {error}.") from None
        except OSError as error:
            raise self._refusal(path, error) from None
        return within(content, most_bytes)

    def _checked(self, path: Path) -> Path:
        """Where it leads, which is inside the root unless that is allowed."""
        real = Path(os.path.realpath(path))
        if not self.allow_outside and not real.is_relative_to(self.root.resolve()):
            raise Refused(
                "read", "outside", f"It leads to {real}, outside the survey's root. Allow it with --allow-outside."
            )
        return real

    def _refusal(self, path: Path, error: OSError) -> Refused:
        if error.errno == errno.ENOENT and path.is_symlink():
            return Refused("read", "dangling link", f"It is a link to {_target(path)}, which does not exist.")
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            if not self.root.is_dir():
                raise DataError(f"The folder {self.root} has gone.", COME_BACK)
            if _is_empty(self.root):
                raise DataError(f"The folder {self.root} is empty; its disk may not be mounted.", COME_BACK)
            return Refused("read", "vanished", "It was there when the survey began, and is no longer.")
        if error.errno == errno.ELOOP:
            return Refused("read", "link loop", "It is a link that leads back to itself. Remove it.")
        if error.errno == errno.EISDIR:
            return not_a_file(path)
        if error.errno in (errno.EACCES, errno.EPERM):
            return Refused("read", "no permission", _without_right(path))
        if error.errno == errno.ENAMETOOLONG:
            return Refused("read", "bad name", "No file can have a name this long.")
        return Refused("read", "unreadable", f"It cannot be read: {error.strerror or error}.")


def open_store(root: str, allow_outside: bool) -> LocalStore | RemoteStore:
    """Store of a root: an address if it has a protocol, a folder of this machine otherwise."""
    return RemoteStore.open(root) if is_address(root) else LocalStore(Path(root), allow_outside)


def _without_right(path: Path) -> str:
    """Why a path may not be read, and what to do: the file may lack the right, or a folder on the way to it."""
    folder = closed_folder(path)
    if folder is None:
        return f"It may not be read. Give the right with: chmod u+r {path.name!r}"
    return f"A folder on its way may not be entered. Give the right with: chmod u+rx {str(folder)!r}"


def _is_empty(folder: Path) -> bool:
    """Whether nothing lies in a folder; no, where it may not be listed."""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def _target(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return "something"
