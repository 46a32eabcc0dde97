"""When a schedule runs, as a cron or a rule of RFC 5545: some day, and not more often than each minute."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from dateutil.rrule import rrulestr
from prefect.utilities.asyncutils import run_coro_as_sync

LONGEST_RULE = 500
TEN_YEARS = timedelta(days=3653)
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
        runs = _runs(rule, parts)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"{rule!r} is no rule of RFC 5545: {error}") from error
    if not runs:
        raise ValueError("it never runs in the next ten years")


def _runs(rule: str, parts: dict[str, str]) -> bool:
    """Whether there is a day on which it runs. Day by day: a rule for hours or minutes may look for one for ever."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    # Told of what is written, not of what is made of it here. The standard wants a zone in both ends or in none.
    rrulestr(rule, dtstart=now.replace(tzinfo=UTC) if parts.get("UNTIL", "").endswith("Z") else now)
    if parts.get("COUNT", "1") == "0":
        return False
    if "UNTIL" in parts and re.sub(r"\D", "", parts["UNTIL"])[:8] < now.strftime("%Y%m%d"):
        return False
    daily = parts.get("FREQ") in ("HOURLY", "MINUTELY")
    kept = {key: value for key, value in parts.items() if key not in ("COUNT", "UNTIL", "INTERVAL", "FREQ")}
    text = ";".join(f"{key}={value}" for key, value in {"FREQ": "DAILY" if daily else parts["FREQ"], **kept}.items())
    end = (now + TEN_YEARS).strftime("%Y%m%dT%H%M%S")
    return next(iter(rrulestr(f"{text};UNTIL={end}", dtstart=now)), None) is not None
