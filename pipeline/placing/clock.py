"""How far a camera's clock is off, as people tell it."""

from __future__ import annotations

import re

from models.errors import UsageError

MOST_S = 2 * 86400.0


def clock_offset(text: str) -> float:
    """Seconds to add to the camera's clock, told as seconds or as ``+HH:MM[:SS]``.

    A camera that shows local time, two hours before UTC, needs ``-02:00``.

    Raises:
        UsageError: it is neither, or more than two days.

    >>> clock_offset("-3.5"), clock_offset("-02:00"), clock_offset("+00:00:12.5")
    (-3.5, -7200.0, 12.5)
    """
    number = re.fullmatch(r"\s*[+-]?\d+(\.\d+)?\s*", text)
    clock = re.fullmatch(r"\s*([+-]?)(\d{1,2}):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?\s*", text)
    seconds = float(text) if number else None
    if clock:
        seconds = int(clock[2]) * 3600 + int(clock[3]) * 60 + float(clock[4] or 0)
        seconds = -seconds if clock[1] == "-" else seconds
    if seconds is None or abs(seconds) > MOST_S:
        raise UsageError(
            f"--clock-offset {text} is no time to add to the camera's clock.", "Write seconds, or -02:00 or +00:00:12."
        )
    return seconds
