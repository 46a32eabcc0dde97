"""What the user points a survey at → where its photographs lie, and which they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from models.errors import DataError, UsageError
from models.given import CHECK_RIGHTS, require_utf8
from pipeline.survey.listing.addresses import is_address, parent
from pipeline.survey.listing.folders import (
    Wanted,
    by_pattern,
    by_suffix,
    everywhere,
    is_glob,
    leads_to,
    split_glob,
    walk_local,
    walk_remote,
)
from pipeline.survey.listing.lists import SUFFIXES, check_list
from pipeline.survey.listing.manifest import read_manifest
from pipeline.survey.listing.photographs import Photograph
from pipeline.survey.listing.remote import RemoteStore
from pipeline.survey.listing.stores import LocalStore, open_store
from pipeline.survey.settings import SurveySettings


@dataclass
class Source:
    """A survey's photographs before they are listed.

    Attributes:
        root: absolute folder or address that names start from.
        store: of that root.
        passed_over: counts what a listing did not look at.
    """

    root: str
    store: LocalStore | RemoteStore
    allow_outside: bool
    manifest: str | None = None
    wanted: Wanted = by_suffix
    leads: Wanted = everywhere
    single: str | None = None
    passed_over: Counter[str] = field(default_factory=Counter)

    def photographs(self) -> Iterator[Photograph]:
        """Every photograph, in an order that depends on their names alone, or on the manifest's lines.

        Raises:
            DataError: the root or the manifest cannot be read.
        """
        if self.manifest is not None:
            yield from read_manifest(self.manifest, self.root, self.store, self.allow_outside, self.passed_over)
        elif self.single is not None:
            yield Photograph(self.single, self.store.stamp(self.single))
        elif isinstance(self.store, LocalStore):
            yield from walk_local(self.store, self.wanted, self.passed_over, self.leads)
        else:
            yield from walk_remote(self.store, self.wanted, self.passed_over)


def open_source(settings: SurveySettings) -> Source:
    """Tell folder, glob, manifest, single file and address apart.

    Raises:
        DataError: there is nothing of that name, or it may not be looked at.
        UsageError: the address or the glob cannot be understood, or a root is given for what is no list.
    """
    try:
        source = _open(settings)
    except OSError as error:  # of a folder on the way: without its right, not even what is there may be asked
        raise DataError(f"{error.filename} cannot be read: {error.strerror}.", CHECK_RIGHTS) from error
    if settings.root is not None and source.manifest is None:
        raise UsageError(
            f"--root {settings.root} does nothing: it is where a list's paths start from, and {settings.photos} is no "
            "list of photographs.",
            f"Leave --root out, or give a list ({', '.join(SUFFIXES)}).",
        )
    return source


def _open(settings: SurveySettings) -> Source:
    photos, outside = settings.photos, settings.allow_outside
    remote = is_address(photos)
    if not remote and Path(photos).is_dir():
        return _source(photos, outside)
    there = not is_glob(photos) if remote else Path(photos).exists()
    if there:
        check_list(photos)
    if there and photos.lower().endswith(SUFFIXES):
        return _source(settings.root or _parent(photos), outside, manifest=photos)
    if is_glob(photos) and (remote or not Path(photos).exists()):
        root, pattern = split_glob(photos)
        return _source(root, outside, wanted=by_pattern(pattern), leads=leads_to(pattern))
    if not remote and not Path(photos).exists():
        raise DataError(
            f"{photos} does not exist.",
            f"Give a folder, a quoted glob, a manifest ({', '.join(SUFFIXES)}) or an s3:// address.",
        )
    if not remote or by_suffix(parent(photos)[1]):  # a web server calls its folders files, so the name decides
        folder, name = parent(photos) if remote else (_parent(photos), Path(photos).name)
        return _source(folder, outside, single=name)
    return _source(photos, outside)


def _source(root: str, allow_outside: bool, **rest: object) -> Source:
    place = root if root.endswith("://") else root.rstrip("/") if is_address(root) else str(Path(root).resolve())
    require_utf8(place)
    store = open_store(place, allow_outside)
    if isinstance(store, LocalStore) and not store.root.is_dir():
        raise DataError(f"{place} is no folder.", "Give the folder that the photographs lie in.")
    return Source(place, store, allow_outside, **rest)  # type: ignore[arg-type]


def _parent(address: str) -> str:
    return parent(address)[0] if is_address(address) else str(Path(address).resolve().parent)
