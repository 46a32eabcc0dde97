"""F1 over time of every run's cascade and of its U-Net on the full frame: which of them would one pick?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib.figure import Figure

from models.errors import UsageError
from pipeline.atomic import write_whole

CASCADE, FULL_FRAME = "#0068a8", "#c44f06"


def plot_speed(runs: Sequence[dict[str, Any]], path: Path) -> int:
    """Draw F1 at 2 px, mean over pictures, over ms a picture: one line a run, from full frame to cascade.

    Args:
        runs: of `pipeline.records.runs_json`; experiments alone are drawn, and the last of those with equal settings.
        path: ``.svg``, ``.png`` or ``.pdf``.

    Returns:
        Runs drawn.

    Raises:
        UsageError: there is none, or they are of different data or splits.
    """
    drawn = [run for run in runs if run["kind"] == "experiment" and run["f1_2px_mean"] is not None]
    latest = {json.dumps(run["settings"], sort_keys=True): run for run in drawn}
    if not latest:
        raise UsageError("There are no runs to draw.", "Make some with `crack-survey run`.")
    if len({(run["dataset_fingerprint"], run["split_fingerprint"]) for run in latest.values()}) > 1:
        raise UsageError(
            "These runs are of different data or splits: their F1 cannot be compared.",
            "Name one with --dataset and --split.",
        )
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.subplots()
    for run in latest.values():
        times = [run["full_frame_ms"], run["cascade_ms"]]
        quality = [100 * run["full_frame_f1_2px_mean"], 100 * run["f1_2px_mean"]]
        axes.plot(times, quality, color="#98a2ab", linewidth=0.9, zorder=1)
        axes.plot(times[:1], quality[:1], "s", color=FULL_FRAME, markersize=7)
        axes.plot(times[1:], quality[1:], "o", color=CASCADE, markersize=8)
        axes.annotate(
            _name(run), (times[0], quality[0]), textcoords="offset points", xytext=(6, -10), fontsize=8, color="#4a535b"
        )
    axes.plot([], [], "o", color=CASCADE, label="cascade")
    axes.plot([], [], "s", color=FULL_FRAME, label="the same U-Net on the full frame")
    axes.set(xlabel="ms a picture, both stages", ylabel="F1 at 2 px, mean over pictures, %")
    axes.margins(y=0.12)
    slowest = max(max(run["cascade_ms"], run["full_frame_ms"]) for run in latest.values())
    axes.set_xlim(0, 1.35 * slowest)  # room for the names
    axes.grid(color="#dcdad4", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside upper left", ncols=2)
    write_whole(path, lambda temporary: figure.savefig(temporary, format=path.suffix[1:] or "png", dpi=150))
    return len(latest)


def _name(run: dict[str, Any]) -> str:
    segmenter = run["settings"]["segmenter"]
    widths = "-".join(str(width) for width in segmenter["decoder_channels"])
    return f"{segmenter['encoder'].replace('efficientnet_lite0', 'Lite0').replace('resnet', 'ResNet-')}, {widths}"
