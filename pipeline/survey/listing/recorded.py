"""What the record of an output knows already: only new and changed photographs are looked at again."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from models.errors import DataError
from pipeline.storage.records import MOVE_AWAY, read_table, unreadable
from pipeline.survey.layout import part_files
from pipeline.survey.listing.photographs import DUPLICATE, PLACE, Photograph, Refused
from pipeline.survey.listing.question import COLUMNS, answers, listed_digest
from pipeline.survey.listing.remote import WEAK
from pipeline.survey.listing.stores import Store
from pipeline.survey.lost import Lost, lost_of
from pipeline.survey.road_check import road_digest
from pipeline.survey.settings import SurveySettings

ANYWHERE = "*"
"""Stands for what was listed of a failed photograph: other places do not mend it."""

NUMBER = "survey_number"
"""Beside a survey's settings in ``runs``: which of its output's surveys it is, counted from 1."""

State = tuple[str, str, str, str, str]
"""Name (or `_key`), stamp, content, what was listed of its place, and the run that says so."""

LASTING = frozenset(
    {"empty", "not a picture", "damaged", "truncated", "animated", "no pixels", "unsupported", "a folder"}
)
LISTED = "list"
"""Failures of these kinds, and those of the listing, stay what they are until the file or its line changes. All others
are tried again: rights are given back, limits are raised, memory grows."""


class Recorded:
    """The last known state of every photograph, as hashes of a `State`: 40 bytes each.

    Hashes have 64 bits: with ten million photographs recorded and ten million new ones, the chance that any of the new
    is taken for known is below 1 in 100,000.

    Args:
        rows: the oldest first.
    """

    def __init__(self, rows: Iterable[State]) -> None:
        flat = array("Q", (_hash(text) for row in rows for text in row))
        table = np.frombuffer(flat, np.uint64).reshape(-1, 5)[::-1]  # the youngest first: unique keeps the first
        self._names, index = np.unique(table[:, 0], return_index=True)
        self._states = table[index, 1:4]
        self._runs = table[index, 4]
        self._answering: set[int] = set()

    def __len__(self) -> int:
        return len(self._names)

    def holds(self, photograph: Photograph, store: Store, most_bytes: int) -> bool:
        """Whether the record has it as it is now. A file whose stamp has changed is read, and its content decides."""
        failure = photograph.failure
        key = photograph.name if failure is None else _key(photograph.name, failure.kind, failure.message)
        name = np.uint64(_hash(key))
        at = int(np.searchsorted(self._names, name))
        if at == len(self._names) or self._names[at] != name:
            return False
        if self._is_as_recorded(photograph, [int(value) for value in self._states[at]], store, most_bytes):
            self._answering.add(int(self._runs[at]))
            return True
        return False

    def answering(self, runs: Iterable[str]) -> set[str]:
        """Those of `runs` by which it has said of a photograph so far that it is known."""
        return {run_id for run_id in runs if _hash(run_id) in self._answering}

    def _is_as_recorded(self, photograph: Photograph, state: list[int], store: Store, most_bytes: int) -> bool:
        stamp, content, listed = state
        if listed not in (_hash(ANYWHERE), _hash(listed_digest(photograph._asdict()))):
            return False
        now = _state_of(photograph)
        if now and not now.endswith(WEAK) and stamp == _hash(now):
            return True
        if photograph.failure is not None or content == NOTHING:
            return False
        try:
            return content == _hash(hashlib.sha256(store.read(photograph.name, most_bytes)).hexdigest())
        except Refused:
            return False


def read_recorded(settings: SurveySettings, bundle_sha256: str) -> tuple[Recorded, list[str]]:
    """What earlier surveys of this output recorded with this bundle; another bundle looks at everything again.

    Returns:
        What is known, and the runs that it is known from.

    Raises:
        DataError: a part of the record is damaged; names it.
    """
    out = settings.target
    road = road_digest(settings.road)
    same: list[str] = []
    states: list[Iterator[State]] = []
    for run, told in recorded_surveys(out):
        run_id = str(run["run_id"])
        if told.get("bundle_sha256") == bundle_sha256:
            same.append(run_id)
            states.append(_states(settings, run_id, told.get("road_sha256", "") == road, run["images"]))
    try:
        return Recorded(chain.from_iterable(states)), same
    except (OSError, pa.ArrowException) as error:
        parts = (out / "records").glob("*/*/part-*.parquet")
        raise DataError(
            f"The record of {out} cannot be read: {unreadable(sorted(parts)) or error}", MOVE_AWAY
        ) from error


def recorded_surveys(out: Path) -> list[tuple[Mapping[Any, Any], dict[str, Any]]]:
    """Rows of ``runs`` of this output's surveys, each with what its settings tell, in the order they were recorded.

    Each is numbered when it is recorded: the clock may be set back between two. Those of earlier versions have no
    number, and come first, by the clock.

    Raises:
        DataError: a part of the record is damaged; names it.
    """
    runs = read_table("runs", out).sort_values(["started_at", "run_id"], kind="stable")
    surveys = runs[runs["kind"] == "survey"].to_dict("records")
    told = ((run, json.loads(run["settings"])) for run in surveys)
    return sorted(told, key=lambda one: int(one[1].get(NUMBER, 0)))


def next_number(out: Path) -> int:
    """The `NUMBER` of the survey that is recorded next."""
    return 1 + max((int(told.get(NUMBER, 0)) for _, told in recorded_surveys(out)), default=0)


def _states(settings: SurveySettings, run_id: str, same_road: bool, images: int) -> Iterator[State]:
    lost = lost_of(settings.target, run_id, images) if same_road else Lost()
    columns = ["name", "stamp", "content_sha256", "listed", *PLACE, *COLUMNS]
    for part, row in _rows(settings.target, "images", run_id, columns):
        # A row that does not answer is kept without a stamp, which fits nothing: no older row may answer in its place.
        open_ = not (same_road and part not in lost.parts and answers(row, settings))
        listed = listed_digest(row) if row["listed"] is None else row["listed"]
        stamp, content = ("", "") if open_ else (row["stamp"] or "", row["content_sha256"] or "")
        yield row["name"], stamp, content, listed, run_id
    for _, row in _rows(settings.target, "failures", run_id, ["name", "stamp", "stage", "kind", "message"]):
        if row["name"] is not None and (row["stage"] == LISTED or row["kind"] in LASTING):
            stamp = row["message"] if row["stage"] == LISTED else row["stamp"] or ""
            yield _key(row["name"], row["kind"], row["message"]), stamp, "", ANYWHERE, run_id


def _rows(out: Path, table: str, run_id: str, columns: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of a table, each with the name of the part that it stands in."""
    for path in part_files(out, table, run_id):
        with pq.ParquetFile(path) as file:
            there = [name for name in columns if name in file.schema_arrow.names]
            for batch in file.iter_batches(8192, columns=there):
                yield from ((path.name, dict.fromkeys(columns) | row) for row in pa.RecordBatch.to_pylist(batch))


def _key(name: str, kind: str, message: str) -> str:
    """What a failure is of: its photograph, or where a list names that again, the line alone."""
    return f"{name}\n{message}" if kind == DUPLICATE else name


def _state_of(photograph: Photograph) -> str:
    return photograph.failure.message if photograph.failure is not None else photograph.stamp


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


NOTHING = _hash("")
