"""Where photographs lie: a local folder, or any address that fsspec knows. Both give its bytes."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
import threading
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tarfile import TarError
from typing import Any, Protocol
from zipfile import BadZipFile

import fsspec
from fsspec.archive import AbstractArchiveFileSystem

from models.errors import DataError, UsageError
from pipeline.survey.listing.addresses import below, is_address
from pipeline.survey.listing.photographs import Refused
from pipeline.survey.marks import in_output

WEAK = "?"
"""Ends a stamp of the size alone: it shows a change, and proves none."""

_TELLING = ("ETag", "etag", "md5Hash", "CRC", "LastModified", "mtime", "last_modified", "created")
TRIES, PAUSE_S = 3, 1.0
_archive = threading.Lock()  # all who read one archive share one open file and its position
_COME_BACK = "Bring it back, then run the same command again: it goes on where it was."


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
        """Path as text."""
        return str(self.root / name)

    def stamp(self, name: str) -> str:
        """Size and times in ns; the second cannot be set by hand, so a copy that keeps the first shows as well."""
        try:
            found = (self.root / name).stat()
        except (OSError, ValueError):
            return ""
        return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}"

    def read(self, name: str, most_bytes: int) -> bytes:
        """See `Store`. Only regular files are opened: a pipe or device would wait, or never end."""
        path = self.root / name
        try:
            real = self._checked(path)
            if in_output(real.parent):
                raise Refused("read", "output of a survey", "A survey has made it: no output is surveyed.")
            if not stat.S_ISREG(path.stat().st_mode):
                raise _not_a_file(path)
            # What it is may change between looking and opening; without O_NONBLOCK a pipe would wait for its writer.
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise _not_a_file(path)
                content = file.read(most_bytes + 1)
        except ValueError as error:
            raise Refused("read", "bad name", f"No file can have this name: {error}.") from None
        except OSError as error:
            raise self._refusal(path, error) from None
        return _within(content, most_bytes)

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
                raise DataError(f"The folder {self.root} has gone.", _COME_BACK)
            return Refused("read", "vanished", "It was there when the survey began, and is no longer.")
        if error.errno == errno.ELOOP:
            return Refused("read", "link loop", "It is a link that leads back to itself. Remove it.")
        if error.errno == errno.EISDIR:
            return _not_a_file(path)
        if error.errno in (errno.EACCES, errno.EPERM):
            return Refused("read", "no permission", f"It may not be read. Give the right with: chmod u+r {path.name!r}")
        if error.errno == errno.ENAMETOOLONG:
            return Refused("read", "bad name", "No file can have a name this long.")
        return Refused("read", "unreadable", f"It cannot be read: {error.strerror or error}.")


@dataclass(frozen=True)
class RemoteStore:
    """A folder at an address that fsspec knows, such as ``s3://bucket/folder``.

    Attributes:
        url: of the root.
    """

    url: str
    fs: Any = field(compare=False, repr=False)
    root: str = field(compare=False, repr=False)

    @classmethod
    def open(cls, url: str) -> RemoteStore:
        """Connect.

        Raises:
            UsageError: fsspec does not know the protocol, or its package is not installed.
            DataError: the archive that it lies in is none, or not there.
        """
        try:
            _check_innermost(url)
            fs, root = fsspec.core.url_to_fs(url)
        except (OSError, BadZipFile, TarError) as error:
            raise DataError(f"{url} cannot be opened: {error}", "Check the address, and that it is whole.") from error
        except (ValueError, ImportError) as error:
            raise UsageError(
                f"{url} cannot be opened: {error}",
                "Install what it names (for s3:// `pip install s3fs`, for gs:// `pip install gcsfs`), "
                "or copy the photographs here.",
            ) from error
        return cls(url, fs, root.rstrip("/"))

    def address(self, name: str) -> str:
        """Address as text."""
        return name if is_address(name) else below(self.url, name)

    def path(self, name: str) -> str:
        """What the file system calls it."""
        return str(self.fs._strip_protocol(name)) if is_address(name) else posixpath.join(self.root, name)

    def stamp(self, name: str) -> str:
        """Size and ETag or time of change, as far as the store tells."""
        try:
            return stamp_of(self.fs.info(self.path(name)))
        except Exception:  # every file system has errors of its own; reading will say what is wrong
            return ""

    def read(self, name: str, most_bytes: int) -> bytes:
        """See `Store`."""
        path = self.path(name)
        for attempt in range(TRIES):
            try:
                info = self.fs.info(path)
                if info.get("type") == "directory":
                    raise Refused("read", "a folder", "It is a folder, not a photograph.")
                if info.get("type") == "other":  # of a local file system below a chain; to open one may never end
                    raise _not_a_file(Path(path))
                if (info.get("size") or 0) > most_bytes:
                    return _within(b" " * (most_bytes + 1), most_bytes)
                with _archive if isinstance(self.fs, AbstractArchiveFileSystem) else nullcontext():
                    return _within(bytes(self.fs.cat_file(path)), most_bytes)
            except FileNotFoundError:
                self._check_root()
                raise Refused("read", "vanished", "It was there when the survey began, and is no longer.") from None
            except PermissionError as error:
                raise Refused("read", "no permission", f"It may not be read: {error}.") from None
            except Refused:
                raise
            except Exception as error:  # every file system has errors of its own
                if attempt == TRIES - 1:
                    self._check_root()
                    raise Refused(
                        "read", "unreadable", f"It cannot be read: {type(error).__name__}, {error}."
                    ) from None
                time.sleep(PAUSE_S * 2**attempt)
        raise AssertionError

    def _check_root(self) -> None:
        try:
            self.fs.invalidate_cache()
            there = self.fs.exists(self.root)
        except Exception:
            there = False
        if not there:
            raise DataError(f"{self.url} cannot be reached any more.", _COME_BACK)


def open_store(root: str, allow_outside: bool) -> LocalStore | RemoteStore:
    """Store of a root: an address if it has a protocol, a folder of this machine otherwise."""
    return RemoteStore.open(root) if is_address(root) else LocalStore(Path(root), allow_outside)


def stamp_of(info: Mapping[str, Any]) -> str:
    """Stamp from what fsspec's ``info`` and ``ls`` say of a file."""
    told = [str(info[key]) for key in _TELLING if info.get(key) is not None]
    return "-".join([str(info.get("size", "")), *(told or [WEAK])])


def _check_innermost(url: str) -> None:
    """Of a chain that ends on this machine: its archive is a regular file, for to open a pipe would never end."""
    links = url.split("::")
    path = Path(links[-1])
    if len(links) > 1 and "://" not in links[-1] and path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(f"{path} is a pipe, socket or device, not a file")


def _within(content: bytes, most_bytes: int) -> bytes:
    if len(content) > most_bytes:
        raise Refused("read", "too large", f"The file has more than {most_bytes / 1e6:.0f} MB; see --max-pixels.")
    return content


def _not_a_file(path: Path) -> Refused:
    if path.is_dir():
        return Refused("read", "a folder", "It is a folder, not a photograph. Rename it if that is what it is.")
    return Refused("read", "not a file", "It is a pipe, socket or device, not a file.")


def _target(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return "something"
