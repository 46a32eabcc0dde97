"""Few enough of many rows to draw, one pass, bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

Row = TypeVar("Row")


def every_so_many(rows: Iterable[Row], most: int) -> tuple[list[Row], int]:
    """Rows at even distances, between half of `most` and `most` of them (all, where there are fewer), and their count.

    >>> every_so_many(range(10), 5)
    ([0, 2, 4, 6, 8], 10)
    """
    kept: list[Row] = []
    step, count = 1, 0
    for row in rows:
        if count % step == 0:
            kept.append(row)
        count += 1
        if len(kept) > most:
            kept, step = kept[::2], 2 * step
    return kept, count
