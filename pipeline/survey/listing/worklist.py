"""The work list: every photograph of a survey, fixed at its start, in files that each hold a few hundred chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from models.errors import DataError
from pipeline.storage.atomic import write_whole
from pipeline.survey.listing.photographs import WORK_LIST, Photograph, from_rows, to_rows

PART_PHOTOGRAPHS = 16_384


class Part(BaseModel):
    """One file of the work list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    photographs: int
    sha256: str


def write_work_list(photographs: Iterable[Photograph], chunk: int, folder: Path) -> tuple[Part, ...]:
    """Write the list, one row group a chunk, one file at a time in memory.

    Args:
        photographs: in the order they are to be done.
        chunk: photographs a chunk.
        folder: to make files in.
    """
    source = iter(photographs)
    parts: list[Part] = []
    while listed := list(islice(source, chunks_a_part(chunk) * chunk)):
        path = folder / f"part-{len(parts):05d}.parquet"
        rows = to_rows(listed)
        write_whole(path, lambda temporary, rows=rows: pq.write_table(rows, temporary, row_group_size=chunk))  # type: ignore[misc]
        parts.append(Part(file=path.name, photographs=len(listed), sha256=_sha256(path)))
    return tuple(parts)


def read_chunk(folder: Path, parts: tuple[Part, ...], chunk: int, number: int) -> list[Photograph]:
    """Photographs of chunk `number`.

    Raises:
        DataError: the work list is gone or damaged.
    """
    part, group = divmod(number, chunks_a_part(chunk))
    path = folder / parts[part].file
    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(WORK_LIST):
                raise damaged(path)
            return from_rows(file.read_row_group(group))
    except OSError as error:
        raise damaged(path) from error


def check_work_list(folder: Path, parts: tuple[Part, ...]) -> None:
    """Compare every file with its hash.

    Raises:
        DataError: one is gone or altered.
    """
    for part in parts:
        path = folder / part.file
        if not path.is_file() or _sha256(path) != part.sha256:
            raise damaged(path)


def fingerprint(parts: tuple[Part, ...]) -> str:
    """SHA-256 over the whole list."""
    return hashlib.sha256("".join(part.sha256 for part in parts).encode()).hexdigest()


def count_chunks(parts: tuple[Part, ...], chunk: int) -> int:
    """Chunks of the whole list; the last may be smaller."""
    return -(-sum(part.photographs for part in parts) // chunk)


def chunks_a_part(chunk: int) -> int:
    """Chunks that one file holds."""
    return max(1, PART_PHOTOGRAPHS // chunk)


def damaged(path: Path) -> DataError:
    """The error of a work list that is not as it was written."""
    return DataError(
        f"{path} is gone or not as it was written.", "Drop the unfinished survey with --abandon; it begins anew."
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
