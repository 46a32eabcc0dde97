"""What is wrong with one line of a manifest."""

from __future__ import annotations

from typing import Any


class BadLineError(Exception):
    """What is wrong with one line."""


def shortened(value: Any) -> str:
    """A value as it is shown in a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
