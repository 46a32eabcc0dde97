"""Folders, globs and addresses → photographs in a fixed order, one folder at a time in memory."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from models.errors import DataError, UsageError
from models.given import CHECK_RIGHTS, list_given, readable
from pipeline.datasets.pictures import OTHER_PICTURES, PICTURE_SUFFIXES
from pipeline.survey.listing.addresses import chain
from pipeline.survey.listing.photographs import Failure, Photograph
from pipeline.survey.listing.remote import RemoteStore, stamp_of
from pipeline.survey.listing.stores import LocalStore
from pipeline.survey.marks import MARK, in_output, is_output

LOOKED_AT = PICTURE_SUFFIXES | OTHER_PICTURES
"""Files with other suffixes are passed over, as are hidden ones: copies under way and what systems leave behind.
Of those listed, some no survey can read; a photograph must be done or told of."""

OUTPUT = "output folder of a survey"
"""What `passed_over` calls what carries a survey's mark: no output is ever an input."""

_MAGIC = re.compile(r"[*?\[]")
Wanted = Callable[[str], bool]


def by_suffix(name: str) -> bool:
    """Whether a file name is that of a picture."""
    return os.path.splitext(name)[1].lower() in LOOKED_AT  # noqa: PTH122  # names of remote files are no paths


def by_pattern(pattern: str) -> Wanted:
    """Whether a name relative to the root matches a glob, ``**`` for any number of folders.

    >>> wanted = by_pattern("a/**/*.jpg")
    >>> [name for name in ("a/1.jpg", "a/b/c/2.jpg", "b/3.jpg", "a/4.png") if wanted(name)]
    ['a/1.jpg', 'a/b/c/2.jpg']
    """
    compiled = _compiled(pattern)
    return lambda name: compiled.fullmatch(name) is not None


def leads_to(pattern: str) -> Wanted:
    """Whether what a glob matches may lie in a folder, or below it; told of the folder's name relative to the root.

    >>> leads = leads_to("2026-*/card/**/*.jpg")
    >>> [name for name in ("2026-05", "2026-05/card/DCIM/1", "2026-05/other", "2025-01") if leads(name)]
    ['2026-05', '2026-05/card/DCIM/1']
    """
    parts = pattern.split("/")[:-1]
    open_from = next((number for number, part in enumerate(parts) if "**" in part), len(parts))
    closed = [_compiled(part) for part in parts[:open_from]]

    def leads(folder: str) -> bool:
        names = folder.split("/")
        fits = all(part.fullmatch(name) for part, name in zip(closed, names, strict=False))
        return fits and (len(names) <= len(closed) or open_from < len(parts))

    return leads


def everywhere(_: str) -> bool:
    """Every folder may hold what is wanted."""
    return True


def _compiled(pattern: str) -> re.Pattern[str]:
    text = ""
    for token in re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|.", pattern, re.DOTALL):
        if token == "**/":
            text += r"(?:[^/]+/)*"
        elif token == "**":
            text += r".*"
        elif token in ("*", "?"):
            text += r"[^/]*" if token == "*" else r"[^/]"
        elif len(token) > 1:
            text += _one_of(token[1:-1])
        else:
            text += re.escape(token)
    try:
        return re.compile(text, re.DOTALL)
    except re.error as error:
        raise UsageError(
            f"The glob {pattern!r} cannot be read: {error}.", "Write it like 'photos/**/*.jpg'."
        ) from error


def _one_of(signs: str) -> str:
    """What stands in the brackets of a glob, as a regular expression; only ``!`` at its head and ``-`` mean more."""
    head, signs = ("^", signs[1:]) if signs.startswith("!") and len(signs) > 1 else ("", signs)
    plain = re.sub(r"[\\\[&~|^]", r"\\\g<0>", signs)
    return f"[{head}{plain}]"


def is_glob(place: str) -> bool:
    """Whether a path or address has the signs of a glob where its path stands; the archive it lies in is one file.

    >>> is_glob("photos/*.jpg"), is_glob("zip://*.jpg::card.zip"), is_glob("zip://DCIM::card [1].zip")
    (True, True, False)
    """
    links, at = chain(place)
    return _MAGIC.search(links[at]) is not None


def split_glob(address: str) -> tuple[str, str]:
    """The folder that a glob starts from, and the pattern below it. What is there under that very name is no glob.

    >>> split_glob("photos/2026/**/*.jpg"), split_glob("*.png"), split_glob("s3://roads/A7/*.jpg")
    (('photos/2026', '**/*.jpg'), ('.', '*.png'), ('s3://roads/A7', '*.jpg'))
    >>> split_glob("zip://DCIM/*.jpg::card.zip")
    ('zip://DCIM::card.zip', '*.jpg')
    """
    links, at = chain(address)
    parts = links[at].split("/")
    local = "://" not in address
    first = next(
        number
        for number, part in enumerate(parts)
        if _MAGIC.search(part) and not (local and os.path.lexists("/".join(parts[: number + 1])))
    )
    root = "/".join(parts[:first]) or ("/" if address.startswith("/") else "." if local else "")
    if root.endswith(":/"):  # nothing but the protocol: the root of an archive
        root += "/"
    return "::".join([*links[:at], root, *links[at + 1 :]]), "/".join(parts[first:])


def walk_local(
    store: LocalStore, wanted: Wanted, passed_over: Counter[str], leads: Wanted = everywhere
) -> Iterator[Photograph]:
    """Photographs below a folder, files of a folder before its subfolders, by name.

    Args:
        store: its root is walked. Linked folders are followed only where links may lead outside, and do.
        wanted: told of a file's name relative to the root.
        passed_over: counts what is not looked at.
        leads: told of a folder's name, whether any that is wanted may lie in it.
    """
    root = store.root.resolve()
    seen = {root}
    waiting = [""]
    if in_output(root):
        passed_over[OUTPUT] += 1
        return
    while waiting:
        folder = waiting.pop()
        try:
            found = list_given(root / folder)
        except OSError as error:
            if not folder:
                raise DataError(f"{root} cannot be read: {error.strerror}.", CHECK_RIGHTS) from None
            told = f"The folder cannot be read: {error.strerror}. What lies in it was not surveyed."
            yield Photograph(readable(folder), failure=Failure("list", "unreadable folder", told))
            continue
        if any(entry.name == MARK for entry in found) or is_output(root / folder):
            passed_over[OUTPUT] += 1
            continue
        below = []
        for entry in found:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name.startswith("."):
                passed_over[OUTPUT if _is_folder(entry) and is_output(Path(entry.path)) else "hidden"] += 1
                continue
            if _is_folder(entry):
                if not leads(name) and not wanted(name):
                    continue
                failure = _linked(entry, store, root, seen) if entry.is_symlink() else None
                if failure:
                    yield Photograph(readable(name), failure=failure)
                    continue
                below.append(name)
                if not by_suffix(entry.name):
                    continue  # else it is told of as well: somebody may miss a photograph of this name
            elif not wanted(name):
                passed_over["not named as a picture"] += 1
                continue
            yield _local(store, name)
        waiting += reversed(below)


def walk_remote(store: RemoteStore, wanted: Wanted, passed_over: Counter[str]) -> Iterator[Photograph]:
    """Photographs below an address, folder by folder, by name."""
    try:
        for folder, subfolders, files in store.fs.walk(store.root, detail=True, on_error="raise"):
            if MARK in files:
                passed_over[OUTPUT] += 1
                subfolders.clear()
                continue
            ordered = sorted(subfolders)
            renewed = {name: subfolders[name] for name in ordered}
            subfolders.clear()
            subfolders.update(renewed)
            for file in sorted(files):
                name = f"{folder}/{file}"[len(store.root) :].lstrip("/")
                if file.startswith(".") or not wanted(name):
                    passed_over["hidden" if file.startswith(".") else "not named as a picture"] += 1
                    continue
                yield Photograph(name, stamp_of(files[file]))
    except FileNotFoundError:
        raise DataError(f"{store.url} does not exist.", "Check the address.") from None
    except Exception as error:  # every file system has errors of its own
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{store.url} cannot be listed: {type(error).__name__}, {error}.",
            "Check the address and your rights.",
        ) from error


def _local(store: LocalStore, name: str) -> Photograph:
    shown = readable(name)
    if shown != name:
        told = "Its name is not UTF-8, so no table can hold it. Rename it, for example with convmv."
        return Photograph(shown, failure=Failure("list", "name not UTF-8", told))
    return Photograph(name, store.stamp(name))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a loop of links; reading will say so


def _linked(entry: os.DirEntry[str], store: LocalStore, root: Path, seen: set[Path]) -> Failure | None:
    """Why a linked folder is not followed; None where it is."""
    target = Path(entry.path).resolve()
    shown = readable(str(target))
    if in_output(target):
        return Failure("list", "output of a survey", f"It is a link to {shown}, which a survey has filled.")
    if target in seen or Path(entry.path).parent.is_relative_to(target):
        return Failure("list", "link loop", f"It is a link to {shown}, where the survey has been: not followed.")
    if target.is_relative_to(root):
        return Failure("list", "linked folder", f"It is a link to {shown}, which is surveyed under its own name.")
    if not store.allow_outside:
        told = f"It is a link to {shown}, outside the survey's root. Allow it with --allow-outside."
        return Failure("list", "outside", told)
    seen.add(target)
    return None
