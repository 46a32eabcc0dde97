"""Photographs at an address that fsspec knows: a bucket, a web server, an archive."""

from __future__ import annotations

import posixpath
import threading
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tarfile import TarError
from typing import Any
from zipfile import BadZipFile

import fsspec
from fsspec.archive import AbstractArchiveFileSystem

from models.errors import DataError, UsageError, UserError
from pipeline.survey.listing.addresses import below, is_address, parent
from pipeline.survey.listing.photographs import Refused

WEAK = "?"
"""Ends a stamp of the size alone: it shows a change, and proves none."""

_TELLING = ("ETag", "etag", "md5Hash", "CRC", "LastModified", "mtime", "last_modified", "created")
TRIES, PAUSE_S = 3, 1.0
_archive = threading.Lock()  # all who read one archive share one open file and its position
COME_BACK = "Bring it back, then run the same command again: it goes on where it was."


@dataclass(frozen=True)
class RemoteStore:
    """A folder at an address that fsspec knows, such as ``s3://bucket/folder``.

    Attributes:
        url: of the root.
        alone: one file of it was named, and nothing is known of the rest; a server may show no folder.
    """

    url: str
    fs: Any = field(compare=False, repr=False)
    root: str = field(compare=False, repr=False)
    alone: bool = False

    @classmethod
    def open(cls, url: str, alone: bool = False) -> RemoteStore:
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
        return cls(url, fs, root.rstrip("/"), alone)

    def address(self, name: str) -> str:
        """Address as text."""
        return name if is_address(name) else below(self.url, name)

    def path(self, name: str) -> str:
        """What the file system calls it."""
        return posixpath.join(self.root, name)

    def stamp(self, name: str) -> str:
        """Size and ETag or time of change, as far as the store tells."""
        if is_address(name):
            return stamp_alone(name)
        try:
            return stamp_of(self.fs.info(self.path(name)))
        except Exception:  # every file system has errors of its own; reading will say what is wrong
            return ""

    def read(self, name: str, most_bytes: int) -> bytes:
        """See `Store`."""
        if is_address(name):
            return read_alone(name, most_bytes)
        path = self.path(name)
        for attempt in range(TRIES):
            try:
                info = self.fs.info(path)
                if info.get("type") == "directory":
                    raise Refused("read", "a folder", "It is a folder, not a photograph.")
                if info.get("type") == "other":  # of a local file system below a chain; to open one may never end
                    raise not_a_file(Path(path))
                if (info.get("size") or 0) > most_bytes:
                    return within(b" " * (most_bytes + 1), most_bytes)
                with _archive if isinstance(self.fs, AbstractArchiveFileSystem) else nullcontext():
                    return within(bytes(self.fs.cat_file(path)), most_bytes)
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
        if self.alone:
            return
        try:
            self.fs.invalidate_cache()
            there = self.fs.exists(self.root)
        except Exception:
            there = False
        if not there:
            raise DataError(f"{self.url} cannot be reached any more.", COME_BACK)


def read_alone(address: str, most_bytes: int) -> bytes:
    """What lies at an address that a list names, wherever the rest of the list lies.

    Raises:
        Refused: it cannot be read.
    """
    try:
        store, name = _alone(address)
    except UserError as error:
        raise Refused("read", "unreadable", f"{error.problem} {error.remedy}") from None
    return store.read(name, most_bytes)


def stamp_alone(address: str) -> str:
    """Stamp of what lies at an address; empty if there is none to be had."""
    try:
        store, name = _alone(address)
    except UserError:
        return ""
    return store.stamp(name)


def _alone(address: str) -> tuple[RemoteStore, str]:
    folder, name = parent(address)
    return RemoteStore.open(folder, alone=True), name


def stamp_of(info: Mapping[str, Any]) -> str:
    """Stamp from what fsspec's ``info`` and ``ls`` say of a file."""
    told = [str(info[key]) for key in _TELLING if info.get(key) is not None]
    return "-".join([str(info.get("size", "")), *(told or [WEAK])])


def _check_innermost(url: str) -> None:
    """Of a chain that ends on this machine: its archive is there and a regular file, for to open a pipe never ends."""
    links = url.split("::")
    path = Path(links[-1])
    if len(links) < 2 or "://" in links[-1]:
        return
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there")
    if not path.is_file() and not path.is_dir():
        raise OSError(f"{path} is a pipe, socket or device, not a file")


def within(content: bytes, most_bytes: int) -> bytes:
    """The content itself, unless it is larger.

    Raises:
        Refused: it is.
    """
    if len(content) > most_bytes:
        raise Refused("read", "too large", f"The file has more than {most_bytes / 1e6:.0f} MB; see --max-pixels.")
    return content


def not_a_file(path: Path) -> Refused:
    """Why what lies at a path is not opened."""
    if path.is_dir():
        return Refused("read", "a folder", "It is a folder, not a photograph. Rename it if that is what it is.")
    return Refused("read", "not a file", "It is a pipe, socket or device, not a file.")
