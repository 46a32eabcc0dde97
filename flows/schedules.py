"""The file in which a user says what runs when: read, checked, and told entry by entry where it does not fit."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

import yaml
from prefect.schedules import Cron, Interval, RRule, Schedule
from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from flows.rules import TEN_YEARS, check_cron, check_rule
from models.errors import UsageError
from models.given_yaml import Loader, read_yaml
from models.misspelt import plainly
from pipeline.settings import Settings

FlowName = Literal["experiment", "evaluate", "survey"]
EXAMPLE = "docs/schedules.yaml"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
ISO_8601 = re.compile(
    r"P(?=.)(?:(?P<w>\d+)W)?(?:(?P<d>\d+)D)?(?:T(?=.)(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+)S)?)?"
)
MOST_TOLD = 12
# Intervals are counted from a fixed midnight: those of a server that was started anew fall on the same hours.
ANCHOR = datetime(2026, 1, 1)


def parse_interval(value: Any) -> timedelta:
    """Read a text such as ``6h`` or ``1h 30m``, with the units s, m, h, d and w, or an ISO 8601 duration.

    Raises:
        ValueError: it is something else, a number without a unit or a clock time above all, or less than a minute.

    >>> parse_interval("1h 30m"), parse_interval("PT22M30S")
    (datetime.timedelta(seconds=5400), datetime.timedelta(seconds=1350))
    """
    wanted = (
        "write minutes, as 30m, hours or days, as 6h or 1d, or an ISO 8601 duration, as PT30M; for clock times: cron"
    )
    if not isinstance(value, str) or len(value) > 40:
        raise ValueError(wanted)
    if re.fullmatch(r"(\s*\d+(\.\d+)?\s*[smhdw])+\s*", value):
        seconds = sum(float(count) * SECONDS[unit] for count, unit in re.findall(r"([\d.]+)\s*([smhdw])", value))
    elif iso := ISO_8601.fullmatch(value.strip()):
        seconds = sum(float(iso[unit] or 0) * count for unit, count in SECONDS.items())
    else:
        raise ValueError(wanted)
    try:
        interval = timedelta(seconds=seconds)
    except (OverflowError, ValueError) as error:
        raise ValueError("no such span of time") from error
    if interval < timedelta(minutes=1):
        raise ValueError("an interval is a minute at least")
    if interval > TEN_YEARS:
        raise ValueError("an interval is ten years at most")
    return interval


class Entry(Settings):
    """One deployment: a flow under a name, with its parameters and at most one schedule."""

    flow: FlowName
    name: str = Field(min_length=1, max_length=100, pattern=r"^[^/%&<>\x00-\x1f]+$")
    cron: str | None = None
    interval: Annotated[timedelta, BeforeValidator(parse_interval)] | None = None
    rrule: str | None = None
    timezone: str = "UTC"
    parameters: dict[str, Any] = Field(default_factory=dict)
    paused: bool = False

    @field_validator("timezone")
    @classmethod
    def _is_a_timezone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (LookupError, OSError, ValueError) as error:
            raise ValueError("no such time zone; names are those of the IANA, such as Europe/Lisbon") from error
        return name

    @model_validator(mode="after")
    def _has_one_schedule(self) -> Self:
        if sum(value is not None for value in (self.cron, self.interval, self.rrule)) > 1:
            raise ValueError("give one of cron, interval and rrule; for two schedules write two entries")
        self.schedule()
        return self

    def schedule(self) -> Schedule | None:
        """When it runs; None where it is only started by hand."""
        if self.cron is not None:
            if len(self.cron) > 200 or len(self.cron.split()) > 5:
                raise ValueError("a cron has five parts: minute hour day month weekday; each second is too often")
            schedule = Cron(self.cron, timezone=self.timezone)
            check_cron(self.cron)
            return schedule
        if self.interval is not None:
            anchor = ANCHOR.replace(tzinfo=ZoneInfo(self.timezone)).astimezone(UTC)
            return Interval(self.interval, timezone=self.timezone, anchor_date=anchor)
        if self.rrule is None:
            return None
        check_rule(self.rrule)
        return RRule(self.rrule, timezone=self.timezone)


class _AsWritten(Loader):
    """Reads YAML without its two surprises: ``22:30`` is no number of seconds here, and a date stays a text."""


def _sixties(loader: yaml.SafeLoader, node: Any) -> Any:
    if ":" in node.value:
        return node.value
    kind = yaml.SafeLoader.construct_yaml_int if node.tag.endswith("int") else yaml.SafeLoader.construct_yaml_float
    return kind(loader, node)


for _kind in ("int", "float"):
    _AsWritten.add_constructor(f"tag:yaml.org,2002:{_kind}", _sixties)
_NOT_OURS = {"tag:yaml.org,2002:timestamp"}
_AsWritten.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag not in _NOT_OURS]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _File(Settings):
    deployments: list[Entry]


def read_schedules(path: Path) -> list[Entry]:
    """Entries of a file; the flows' parameters are checked where the flows are known (`flows.deployments`).

    Raises:
        UsageError: the file cannot be read or is no YAML, or naming every entry that does not fit.
    """
    remedy = f"{EXAMPLE} is an example with every key explained."
    content = read_yaml(path, str(path), remedy, _AsWritten)
    if not isinstance(content, dict):
        raise UsageError(f"{path} does not begin with `deployments:`.", remedy)
    try:
        entries = _File.model_validate(content).deployments
    except ValidationError as error:
        lines = [_line(content, one["loc"], plainly(one, _File)) for one in error.errors()]
        more = [f"  and {len(lines) - MOST_TOLD} more"] if len(lines) > MOST_TOLD else []
        raise UsageError(f"{path} holds what does not fit:\n" + "\n".join(lines[:MOST_TOLD] + more), remedy) from error
    seen: dict[tuple[str, str], int] = {}
    for number, entry in enumerate(entries, 1):
        first = seen.setdefault((entry.flow, entry.name), number)
        if first != number:
            raise UsageError(
                f"{path}: entries {first} and {number} are both {entry.flow}/{entry.name}.", "Name one of them anew."
            )
    return entries


def told(number: int, flow: Any, name: Any) -> str:
    """What an entry is called in a message, its number counted from 1."""
    return f"entry {number} ({flow}/{name})"


def _line(content: dict[str, Any], place: tuple[int | str, ...], problem: str) -> str:
    """One error of pydantic's, told plainly, as a line that names the entry and the key."""
    given = content.get("deployments")
    if len(place) < 2 or not isinstance(given, list) or not isinstance(place[1], int):
        return f"  {'.'.join(map(str, place))}: {problem}"
    entry = given[place[1]]
    named = entry if isinstance(entry, dict) else {}
    where = told(place[1] + 1, named.get("flow", "?"), named.get("name", "?"))
    keys = ".".join(str(key) for key in place[2:])
    value = f" (got {_short(repr(named[keys]))})" if keys in named else ""
    return f"  {_short(where)}{', ' + _short(keys) if keys else ''}: {_short(problem, 300)}{value}"


def _short(text: str, most: int = 100) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
