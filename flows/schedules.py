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

from models.errors import UsageError
from pipeline.settings import Settings

FlowName = Literal["experiment", "evaluate", "survey"]
EXAMPLE = "docs/schedules.yaml"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
# Intervals are counted from a fixed midnight: those of a server that was started anew fall on the same hours.
ANCHOR = datetime(2026, 1, 1)


def parse_interval(value: Any) -> timedelta:
    """Read seconds, or a text such as ``6h`` or ``1h 30m``, with the units s, m, h, d and w.

    Raises:
        ValueError: it is something else, or less than a second.

    >>> parse_interval("1h 30m"), parse_interval(90)
    (datetime.timedelta(seconds=5400), datetime.timedelta(seconds=90))
    """
    seconds: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value
    elif isinstance(value, str) and re.fullmatch(r"(\s*\d+(\.\d+)?\s*[smhdw])+\s*", value):
        seconds = sum(float(count) * SECONDS[unit] for count, unit in re.findall(r"([\d.]+)\s*([smhdw])", value))
    if seconds is None:
        raise ValueError("write seconds, or a text such as 30m, 6h or 1d")
    try:
        interval = timedelta(seconds=seconds)
    except (OverflowError, ValueError) as error:
        raise ValueError("no such span of time") from error
    if interval < timedelta(seconds=1):
        raise ValueError("an interval is a second at least")
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
            return Cron(self.cron, timezone=self.timezone)
        if self.interval is not None:
            anchor = ANCHOR.replace(tzinfo=ZoneInfo(self.timezone)).astimezone(UTC)
            return Interval(self.interval, timezone=self.timezone, anchor_date=anchor)
        return None if self.rrule is None else RRule(self.rrule, timezone=self.timezone)


class _File(Settings):
    deployments: list[Entry]


def read_schedules(path: Path) -> list[Entry]:
    """Entries of a file; the flows' parameters are checked where the flows are known (`flows.deployments`).

    Raises:
        UsageError: the file cannot be read or is no YAML, or naming every entry that does not fit.
    """
    remedy = f"{EXAMPLE} is an example with every key explained."
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UsageError(f"{path} cannot be read: {told}.", remedy) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        told = getattr(error, "problem", None) or error
        raise UsageError(
            f"{path}{place}: no YAML: {told}.", f"Put a text that begins with * into quotes. {remedy}"
        ) from error
    except RecursionError as error:
        raise UsageError(f"{path} is nested too deeply.", remedy) from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} does not begin with `deployments:`.", remedy)
    try:
        entries = _File.model_validate(content).deployments
    except ValidationError as error:
        lines = [_line(content, one["loc"], one["msg"]) for one in error.errors()]
        raise UsageError(f"{path} holds what does not fit:\n" + "\n".join(lines), remedy) from error
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
    """One error of pydantic's as a line that names the entry and the key."""
    given = content.get("deployments")
    text = problem.removeprefix("Value error, ")
    if len(place) < 2 or not isinstance(given, list) or not isinstance(place[1], int):
        return f"  {'.'.join(map(str, place))}: {text}"
    entry = given[place[1]]
    named = entry if isinstance(entry, dict) else {}
    where = told(place[1] + 1, named.get("flow", "?"), named.get("name", "?"))
    keys = ".".join(str(key) for key in place[2:])
    value = f" (got {named[keys]!r})" if keys in named else ""
    return f"  {where}{', ' + keys if keys else ''}: {text}{value}"
