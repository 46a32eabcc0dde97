from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.schedules import parse_interval, read_schedules
from tests.flows.schedule_files import entry


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("6h", 21_600),
        ("1h30m", 5_400),
        ("90s", 90),
        ("1.5d", 129_600),
        ("2 w", 1_209_600),
        ("PT6H", 21_600),
        ("P1DT30M", 88_200),
    ],
)
def test_intervals(given: Any, seconds: float) -> None:
    assert parse_interval(given) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "6 hours",
        "h",
        "22:30",
        "PT",
        "P",
        "P1M",
        "5s",
        1350,
        90,
        1.5,
        0,
        -5,
        True,
        None,
        float("nan"),
        float("inf"),
        1e30,
        [6],
        "-6h",
    ],
)
def test_no_interval(given: Any) -> None:
    with pytest.raises(ValueError, match=r"write minutes|a minute at least|no such span"):
        parse_interval(given)


def test_an_interval_falls_on_the_same_hours_whenever_it_is_served(tmp_path: Path) -> None:
    schedule = read_schedules(entry(tmp_path, "interval: 6h, timezone: Europe/Lisbon"))[0].schedule()
    assert schedule is not None
    assert schedule.anchor_date.isoformat() == "2026-01-01T00:00:00+00:00"
