"""What every HTML page has in common: how it is rendered, and how figures read on a screen."""

from __future__ import annotations

import base64
import hashlib
import math
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

MISSING = "–"


def page_environment(*folders: Path) -> Environment:
    """Templates of this folder and of `folders`, with ``page_frame.html`` around each; what they put out is escaped."""
    environment = Environment(
        loader=FileSystemLoader([Path(__file__).parent, *folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "ms": milliseconds, "whole": whole, "seconds": seconds, "text": text}
    environment.filters |= {"number": finite, "csp_hash": csp_hash}
    return environment


def csp_hash(script: str) -> str:
    """What a content security policy calls the one script that may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def data_uri(kind: str, content: bytes) -> str:
    """A picture inside a page that loads nothing; `kind` is that of its MIME type, such as ``png`` or ``svg+xml``."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def finite(value: Any) -> float | None:
    """A number as float; None for None, nan, NA, infinity and whatever is no number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def percent(share: Any, digits: int = 1) -> str:
    """A share as it stands on a screen.

    >>> percent(0.98921, 2).split(), percent(float("nan"))
    (['98.92', '%'], '–')
    """
    number = finite(share)
    return MISSING if number is None else f"{100 * number:.{digits}f}\u202f%"


def whole(value: Any) -> str:
    """A count, thousands apart by a thin space."""
    number = finite(value)
    return MISSING if number is None else f"{number:,.0f}".replace(",", "\u202f")


def milliseconds(value: Any) -> str:
    """Milliseconds to about three digits: ``4.21``, ``53.1``, ``1 204``."""
    number = finite(value)
    return MISSING if number is None else whole(number) if number >= 100 else f"{number:.{1 if number >= 10 else 2}f}"


def seconds(value: Any) -> str:
    """A duration.

    >>> seconds(7327), seconds(42.3)
    ('2 h 02 min', '42 s')
    """
    number = finite(value)
    if number is None:
        return MISSING
    minutes = round(number / 60)
    if minutes >= 90:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{number:.0f} s" if number < 90 else f"{minutes} min"


def text(value: Any) -> str:
    """Any value as text, times to the minute; "–" for what is missing."""
    if value is None or value is pd.NaT or value is pd.NA or value == "" or value != value:
        return MISSING
    return f"{value:%Y-%m-%d %H:%M} UTC" if hasattr(value, "strftime") else str(value)
