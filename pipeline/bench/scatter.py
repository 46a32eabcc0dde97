"""F1 over time of several cascades and of their U-Nets on the full frame: which of them would one pick?"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
import torch

matplotlib.use("Agg")

from matplotlib.figure import Figure

from models.bundle import read_card
from pipeline.atomic import write_whole
from pipeline.bench.batch import as_jpeg, cascade_batch, full_frame_batch
from pipeline.bench.measure import CPU, quality
from pipeline.bench.timing import interleave
from pipeline.cascade import Cascade
from pipeline.datasets.base import Sample
from pipeline.training import Report

CASCADE, FULL_FRAME = "#0068a8", "#c44f06"


def side_by_side(
    bundles: Sequence[Path], samples: Sequence[Sample], rounds: int, report: Report, device: torch.device = CPU
) -> list[dict[str, Any]]:
    """Both ways of every bundle on the same pictures, in turn, JPEG to mask: one row a bundle.

    Args:
        bundles: folders of trained cascades.
        samples: pictures with truth.
        rounds: in which each way of each bundle has its turn.
        report: told of progress.
        device: what the networks run on.

    Returns:
        ``name``, ``bundle``, ``cascade_ms`` and ``full_frame_ms`` a picture (medians), ``f1_2px_mean`` and
        ``full_frame_f1_2px_mean``.

    Raises:
        models.errors.BundleError: a bundle cannot be loaded.
    """
    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(cores)
    files = [as_jpeg(sample.image) for sample in samples]
    contenders: dict[str, Callable[[], int]] = {}
    rows = []
    for number, bundle in enumerate(bundles):
        cascade = Cascade.load(bundle, device, streams=cores)
        contenders[f"cascade_ms {number}"] = partial(cascade_batch, cascade, files, cores)
        contenders[f"full_frame_ms {number}"] = partial(full_frame_batch, cascade, files, cores)
        rows.append({"name": _name(bundle), "bundle": str(bundle), **quality(cascade, samples)})
        report(number + 1, len(bundles), f"loaded {bundle}")
    seconds = interleave(contenders, rounds, lambda done, total: report(done, total, f"round {done} of {total}"))
    for number, row in enumerate(rows):
        for way in ("cascade_ms", "full_frame_ms"):
            row[way] = sorted(seconds[f"{way} {number}"])[rounds // 2] * 1e3 / len(files)
    return rows


def plot_speed(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw F1 at 2 px, mean over pictures, over ms a picture: one line a bundle, from full frame to cascade.

    Args:
        rows: of `side_by_side`.
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
    write_whole(path, lambda temporary: figure.savefig(temporary, format=path.suffix[1:] or "png", dpi=150))


def _name(bundle: Path) -> str:
    segmenter = read_card(bundle).segmenter
    widths = "-".join(str(width) for width in segmenter.decoder_channels)
    return f"{segmenter.encoder.replace('efficientnet_lite0', 'Lite0').replace('resnet', 'ResNet-')}, {widths}"
