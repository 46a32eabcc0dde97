"""How long a section is, and how much cracking is good, fair or poor."""

from __future__ import annotations

import math
import re

from models.errors import UsageError

MILE_M = 1609.344
SHORTEST_M = 1.0


def section_metres(text: str) -> float:
    """Length of a section, told as ``100m``, ``0.1mi``, ``1km`` or plain metres.

    Raises:
        UsageError: it is none of these, or shorter than a metre.

    >>> section_metres("100m"), section_metres("0.1mi"), section_metres("20")
    (100.0, 160.9344, 20.0)
    """
    found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*(m|km|mi)?\s*", text)
    metres = float(found[1]) * {"km": 1000.0, "mi": MILE_M}.get(found[2] or "m", 1.0) if found else math.nan
    if not metres >= SHORTEST_M or not math.isfinite(metres):
        raise UsageError(f"--section {text} is no length of a section.", "Write for example 100m, 0.1mi or 20.")
    return metres


def whole_percent(share: float) -> int:
    """To the nearest whole per cent, 23 CFR 490.311(b)(2)(i); halves go up.

    >>> whole_percent(0.045), whole_percent(0.0449)
    (5, 4)
    """
    return math.floor(round(100 * share, 9) + 0.5)


def cracking_class(percent: int) -> str:
    """Good, Fair or Poor of asphalt, 23 CFR 490.313(b)(2)(i): below 5, 5 to 20, above 20 per cent.

    >>> cracking_class(4), cracking_class(5), cracking_class(20), cracking_class(21)
    ('Good', 'Fair', 'Fair', 'Poor')
    """
    return "Good" if percent < 5 else "Fair" if percent <= 20 else "Poor"
