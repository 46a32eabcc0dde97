"""What a survey asks of each photograph, and whether a row of the record answers it: "Nothing new" rests on this."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.survey.listing.photographs import PLACE
from pipeline.survey.settings import SurveySettings

Row = Mapping[str, Any]
Need = Callable[[Row, SurveySettings], bool]


def has_mask(row: Row, settings: SurveySettings) -> bool:
    """Its mask is written, where one is asked for."""
    asked = settings.masks == "all" or (settings.masks == "cracked" and bool(row["crack_px"]))
    return not asked or _is_there(row["mask"], settings.target)


def has_overlay(row: Row, settings: SurveySettings) -> bool:
    """Its overlay is written, where one is asked for."""
    return not settings.overlays or _is_there(row["overlay"], settings.target)


NEEDS: tuple[Need, ...] = (has_mask, has_overlay)
"""All that a row of ``images`` must have. What later surveys ask for besides, such as columns measured by a certain
version with certain settings, is one more function here and its columns in `COLUMNS`."""

COLUMNS = ("mask", "overlay", "crack_px")
"""Of ``images``, that `NEEDS` look at."""


def answers(row: Row, settings: SurveySettings) -> bool:
    """Whether a row of ``images`` has all that this survey asks for; else its photograph is done again."""
    return all(need(row, settings) for need in NEEDS)


def listed_digest(listed: Row) -> str:
    """What a list tells of a photograph's time and place, as text that changes when any of it does; empty for nothing.

    >>> listed_digest({"chainage_m": 5.0}) == listed_digest({"chainage_m": 5.0, "latitude_deg": None})
    True
    >>> listed_digest({"chainage_m": None})
    ''
    """
    told = {name: _plain(listed[name]) for name in PLACE if listed.get(name) is not None}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16] if told else ""


def _is_there(path: str | None, out: Path) -> bool:
    if path is None:
        return False
    try:
        return stat.S_ISREG((told := (out / path).stat()).st_mode) and told.st_size > 0
    except OSError:
        return False


def _plain(value: Any) -> Any:
    return value.timestamp() if isinstance(value, datetime) else value
