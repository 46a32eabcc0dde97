"""Manifest → photographs, with what it tells of time and place. A bad line is a failure of its own."""

from __future__ import annotations

import posixpath
from array import array
from collections.abc import Iterator
from hashlib import blake2b

import numpy as np

from models.errors import DataError
from models.given import readable
from pipeline.survey.listing.addresses import is_address, plain_place
from pipeline.survey.listing.bad_line import BadLineError
from pipeline.survey.listing.columns import Column
from pipeline.survey.listing.credentials import REMEDY, carries_credentials, without_credentials
from pipeline.survey.listing.lists import Listed, read_lines
from pipeline.survey.listing.photographs import DUPLICATE, Failure, Photograph
from pipeline.survey.listing.stores import LocalStore, Store
from pipeline.survey.listing.values import is_empty, read_place

PATH = Column("path")


def read_manifest(
    address: str, root: str, store: Store, allow_outside: bool, passed_over: dict[str, int] | None = None
) -> Iterator[Photograph]:
    """Photographs in the manifest's order; of lines that name one file again, the first counts.

    Args:
        address: of the manifest (`pipeline.survey.listing.lists`).
        root: that relative paths start from, absolute or an address.
        store: of that root.
        allow_outside: paths may leave the root.
        passed_over: told of columns that are not known, and of comments.

    Raises:
        DataError: it cannot be read, holds no line, or has no column ``path``.
    """
    told = {} if passed_over is None else passed_over
    # Twice through the file instead of all names in memory: eight bytes a line find those that may be doubled.
    hashes = array("Q", (_hash(_name(line, root, store)) for line in _lines(address, root, store, told)))
    if not hashes:
        raise DataError(f"{address} lists no photograph.", "Give a manifest with a line for each.")
    values, counts = np.unique(np.frombuffer(hashes, np.uint64), return_counts=True)
    doubled = set(values[counts > 1].tolist())
    first: dict[str, int] = {}
    for line in _lines(address, root, store, told):
        photograph = _photograph(line, root, store, allow_outside)
        if photograph.failure is None and _hash(photograph.name) in doubled:
            earlier = first.setdefault(photograph.name, line.number)
            if earlier != line.number:
                again = f"Line {line.number} of the manifest names it again, after line {earlier}. Remove one of them."
                photograph = photograph._replace(failure=Failure("list", DUPLICATE, again))
        yield photograph


def _lines(address: str, root: str, store: Store, passed_over: dict[str, int]) -> Iterator[Listed]:
    """The lines that name a photograph, or should."""
    comments = 0
    for line in read_lines(address, passed_over):
        if line.hash_sign and not _is_there(_name(line, root, store), store):
            comments += 1
            passed_over["comments (#)"] = comments  # the file is read twice: no sum
        else:
            yield line


def _photograph(line: Listed, root: str, store: Store, allow_outside: bool) -> Photograph:
    name = _name(line, root, store)
    where = f"Line {line.number} of the manifest"
    if not name:
        told = f"{where} names no photograph. Fill the column 'path'."
        return Photograph(f"line {line.number}", failure=Failure("list", "bad line", told))
    if carries_credentials(name):
        told = f"{where} is an address with a password, key or signature in it. {REMEDY}"
        shown = f"line {line.number}: {without_credentials(name)}"
        return Photograph(shown, failure=Failure("list", "credentials", told))
    shown = readable(name)
    if shown != name:
        told = f"{where} is not UTF-8. Save it as UTF-8, and rename the file if its name is not."
        return Photograph(shown, failure=Failure("list", "name not UTF-8", told))
    if not allow_outside and (name.startswith(("/", "../")) or name == ".." or is_address(name)):
        told = f"{where} leads to {name}, outside the survey's root {root}. Allow it with --allow-outside."
        return Photograph(name, failure=Failure("list", "outside", told))
    if line.surplus:
        told = f"{where} has more cells than the header has names. Put values with a comma in them into quotes."
        return Photograph(name, failure=Failure("list", "bad line", told))
    try:
        place = read_place(line.values, line.decimal_comma)
    except BadLineError as error:
        return Photograph(name, failure=Failure("list", "bad line", f"{where}: {error}."))
    return Photograph(name, store.stamp(name), **place)


def _name(line: Listed, root: str, store: Store) -> str:
    """Name relative to the root where the path lies below it; else absolute, or beginning with ``../``."""
    given = line.values.get(PATH)
    if is_empty(given):
        return ""
    told = given.decode("utf-8", "surrogateescape") if isinstance(given, bytes) else str(given)
    path = told.strip()
    if path != told and not _is_there(_below(path, root), store) and _is_there(_below(told, root), store):
        path = told  # a blank at its end is part of the file's name
    if path.startswith(("file://", "local://", "~/")):
        path = plain_place(path)
    name = _below(path, root)
    if "\\" not in path or is_address(path) or _is_there(name, store):
        return name
    # Windows writes roads\1.jpg; where that is no file's name, but roads/1.jpg is, it is the one that is meant.
    turned = _below(path.replace("\\", "/"), root)
    return turned if _is_there(turned, store) else name


def _is_there(name: str, store: Store) -> bool:
    if isinstance(store, LocalStore) and is_address(name):
        return False
    return bool(store.stamp(name))


def _below(path: str, root: str) -> str:
    base = root.rstrip("/") + "/"
    if is_address(path) or is_address(root):
        if path.startswith(base):
            path = path.removeprefix(base)
        return path if is_address(path) else posixpath.normpath(path)
    whole = posixpath.normpath(posixpath.join(base, path))
    return whole.removeprefix(base) if whole.startswith(base) else whole


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
