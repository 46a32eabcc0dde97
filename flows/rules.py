"""Whether a schedule, a cron or a rule of RFC 5545, ever runs, and no more often than once a minute."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from dateutil.rrule import rrulestr
from prefect.utilities.asyncutils import run_coro_as_sync

LONGEST_RULE = 500
TEN_YEARS = timedelta(days=3653)
BEGIN = datetime(2020, 1, 1)  # Prefect counts from here (DEFAULT_ANCHOR_DATE)
DAYS = {"YEARLY": 365, "MONTHLY": 30, "WEEKLY": 7, "DAILY": 1, "HOURLY": 1 / 24, "MINUTELY": 1 / 1440}
TIMES = {"DAILY": ("BYHOUR", "BYMINUTE", "BYSECOND"), "HOURLY": ("BYMINUTE", "BYSECOND"), "MINUTELY": ("BYSECOND",)}
_LISTS_OF_SECONDS = re.compile(r"BYSECOND=[^;]*,", re.IGNORECASE)


def check_cron(cron: str) -> None:
    """Refuse what never runs, such as on 30 February.

    Raises:
        ValueError: it does not.

    >>> check_cron("0 1 29 2 *")
    """
    from prefect.server.schemas.schedules import CronSchedule  # here: it takes a second

    try:
        run_coro_as_sync(CronSchedule(cron=cron).get_dates(1))
    except ValueError as error:
        raise ValueError(f"{cron!r} never runs: it names a day that no month has") from error


def check_rule(rule: str) -> None:
    """Refuse what runs more than once a minute, or never in ten years.

    Raises:
        ValueError: it does, or is no rule.

    >>> check_rule("FREQ=WEEKLY;BYDAY=SU")
    """
    if len(rule) > LONGEST_RULE or "\n" in rule.strip():
        raise ValueError("write one rule, such as FREQ=WEEKLY;BYDAY=SU")
    parts = dict(re.findall(r"(\w+)=([^;]*)", rule.upper()))
    if parts.get("FREQ") == "SECONDLY" or _LISTS_OF_SECONDS.search(rule):
        raise ValueError("each second is too often; FREQ=MINUTELY and one BYSECOND are as often as it goes")
    try:
        # Parsed as written first, so that errors speak of that. The standard wants a zone in both ends or in none.
        rrulestr(rule, dtstart=BEGIN.replace(tzinfo=UTC) if parts.get("UNTIL", "").endswith("Z") else BEGIN)
        every = int(parts.get("INTERVAL", "1"))
        if every < 1:
            raise ValueError("INTERVAL is 1 or more")
        if "COUNT" in parts:
            raise ValueError(f"COUNT counts from the beginning of {BEGIN.year}, and has run out since; write UNTIL")
        runs = every * DAYS[parts["FREQ"]] <= TEN_YEARS.days and _runs(parts)
    except (ValueError, TypeError, AttributeError, OverflowError, LookupError) as error:
        raise ValueError(f"{rule!r} is no rule of RFC 5545 that can be kept: {error}") from error
    if not runs:
        raise ValueError("it never runs in the next ten years")


def _runs(parts: dict[str, str]) -> bool:
    """Whether there is a day on which it runs."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    if "UNTIL" in parts and re.sub(r"\D", "", parts["UNTIL"])[:8] < now.strftime("%Y%m%d"):
        return False
    kept = {name: value for name, value in parts.items() if name not in ("UNTIL", "INTERVAL", "FREQ")}
    asked = {"FREQ": parts["FREQ"], "INTERVAL": parts.get("INTERVAL", "1")}
    if parts["FREQ"] in ("DAILY", "HOURLY", "MINUTELY"):
        times = 1  # in a day, an hour or a minute
        for name in TIMES[parts["FREQ"]]:
            times *= len(kept.get(name, "").split(","))
        if all(abs(int(place)) > times for place in kept.pop("BYSETPOS", "1").split(",")):
            return False
        asked = {"FREQ": "YEARLY"}  # to search day by day would take a minute
    end = (now + TEN_YEARS).strftime("%Y%m%dT%H%M%S")
    text = ";".join(f"{name}={value}" for name, value in {**asked, **kept, "UNTIL": end}.items())
    return rrulestr(text, dtstart=BEGIN).after(now) is not None
