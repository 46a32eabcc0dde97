"""F1 over time of several cascades and of their U-Nets on the full frame: which of them would one pick?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib.figure import Figure

from pipeline.storage.atomic import write_whole

CASCADE, FULL_FRAME = "#0068a8", "#c44f06"
SUFFIXES = (".svg", ".png", ".pdf")
"""Of pictures that `plot_speed` draws."""


def plot_speed(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw F1 at 2 px, mean over pictures, over ms a picture: one line a bundle, from full frame to cascade.

    Args:
        rows: of `pipeline.bench.rounds.side_by_side`.
        path: ``.svg``, ``.png`` or ``.pdf``.
    """
    figure = Figure(figsize=(7.2, 4.8), layout="constrained")
    axes = figure.subplots()
    for row in rows:
        times = [row["full_frame_ms"], row["cascade_ms"]]
        f1 = [100 * row["full_frame_f1_2px_mean"], 100 * row["f1_2px_mean"]]
        axes.plot(times, f1, color="#98a2ab", linewidth=0.9, zorder=1)
        axes.plot(times[:1], f1[:1], "s", color=FULL_FRAME, markersize=7)
        axes.plot(times[1:], f1[1:], "o", color=CASCADE, markersize=8)
        axes.annotate(
            row["name"], (times[0], f1[0]), textcoords="offset points", xytext=(7, -3), fontsize=8, color="#4a535b"
        )
    axes.plot([], [], "o", color=CASCADE, label="cascade")
    axes.plot([], [], "s", color=FULL_FRAME, label="the same U-Net on the full frame")
    axes.set(xlabel="ms a picture, JPEG to mask", ylabel="F1 at 2 px, mean over pictures, %")
    axes.margins(y=0.12)
    slowest = max(max(row["cascade_ms"], row["full_frame_ms"]) for row in rows)
    axes.set_xlim(0, 1.3 * slowest)  # room for the names
    axes.grid(color="#dcdad4", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside upper left", ncols=2)
    write_whole(path, lambda temporary: figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=150))
