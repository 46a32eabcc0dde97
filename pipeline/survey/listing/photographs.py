"""What a survey knows of a photograph before it is read, and why one could not be done."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import pyarrow as pa

from models.given import readable

DUPLICATE = "duplicate"
"""Kind of the failure of a list's line that names a photograph again: of that line, not of the photograph."""


class Failure(NamedTuple):
    """Why a photograph could not be done: one row of the table ``failures``.

    Attributes:
        stage: ``list``, ``read``, ``decode`` or ``cascade``.
        kind: a few words to count by, such as ``truncated``.
        message: what is wrong and what to do, for a person.
    """

    stage: str
    kind: str
    message: str


class Refused(Exception):  # noqa: N818  # no error of the program: the photograph is refused, the batch goes on
    """Raised where one photograph cannot be done."""

    def __init__(self, stage: str, kind: str, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(stage, kind, readable(message))  # which may name a path that is no UTF-8


class Photograph(NamedTuple):
    """One line of the work list.

    Attributes:
        name: path relative to the survey's root, ``/`` between folders; the key of every table. Absolute for a
            photograph outside the root.
        stamp: changes when the file does: size and times of a local file, size and ETag of a remote one.
        taken_at: moment in UTC.
        taken_local: time of day where it was taken, ISO 8601 without a zone, where only that is known.
        heading_deg: where the camera looked, clockwise from `heading_reference`: ``true`` or ``magnetic`` north.
        chainage_m: along `route_id`, in `direction`, on `lane`, as the road's owner names them.
        failure: set where the listing already says that it cannot be done.
    """

    name: str
    stamp: str = ""
    taken_at: datetime | None = None
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    chainage_m: float | None = None
    gsd_mm_per_px: float | None = None
    taken_local: str | None = None
    heading_deg: float | None = None
    heading_reference: str | None = None
    route_id: str | None = None
    direction: str | None = None
    lane: str | None = None
    failure: Failure | None = None


PLACE_TYPES = {
    "taken_at": pa.timestamp("us", tz="UTC"),
    "taken_local": pa.string(),
    **dict.fromkeys(("latitude_deg", "longitude_deg", "heading_deg"), pa.float64()),
    "heading_reference": pa.string(),
    **dict.fromkeys(("chainage_m", "gsd_mm_per_px"), pa.float64()),
    **dict.fromkeys(("route_id", "direction", "lane"), pa.string()),
}
PLACE = tuple(PLACE_TYPES)
"""What is told of a photograph's time and place; the same names in `Photograph` and in the table ``images``."""

WORK_LIST = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("stamp", pa.string(), nullable=False),
        *(pa.field(name, kind) for name, kind in PLACE_TYPES.items()),
        *(pa.field(f"failure_{name}", pa.string()) for name in Failure._fields),
    ]
)


def to_rows(photographs: list[Photograph]) -> pa.Table:
    """Photographs as a table of `WORK_LIST`."""
    plain = [
        {name: getattr(photograph, name) for name in ("name", "stamp", *PLACE)}
        | {f"failure_{name}": value for name, value in (photograph.failure or _NONE)._asdict().items()}
        for photograph in photographs
    ]
    return pa.Table.from_pylist(plain, schema=WORK_LIST)


def from_rows(table: pa.Table) -> list[Photograph]:
    """Photographs of a table of `WORK_LIST`."""
    found = []
    for row in table.to_pylist():
        failure = Failure(*(row[f"failure_{name}"] for name in Failure._fields)) if row["failure_kind"] else None
        found.append(Photograph(**{name: row[name] for name in ("name", "stamp", *PLACE)}, failure=failure))
    return found


_NONE = Failure(*[None] * 3)  # type: ignore[arg-type]
