"""Several cascades, and the U-Net of each on the full frame, on the same pictures in the same rounds."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from models.bundle import read_card
from pipeline.bench.batch import as_jpeg, cascade_batch, full_frame_batch
from pipeline.bench.measure import CPU, per_picture, quality
from pipeline.bench.timing import interleave
from pipeline.cascade.cascade import Cascade
from pipeline.datasets.base import Sample
from pipeline.training.loop import Report


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
        ``name`` (of the U-Net), ``bundle``, ``cascade_ms`` and ``full_frame_ms`` a picture (medians), ``f1_2px_mean``
        and ``full_frame_f1_2px_mean``.

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
    seconds = interleave(
        contenders, rounds, lambda done, total: report(done, total, "measured" if done == total else "")
    )
    for number, row in enumerate(rows):
        for way in ("cascade_ms", "full_frame_ms"):
            row[way] = per_picture(seconds[f"{way} {number}"], files)
    return rows


def _name(bundle: Path) -> str:
    segmenter = read_card(bundle).segmenter
    widths = "-".join(str(width) for width in segmenter.decoder_channels)
    return f"{segmenter.encoder.replace('efficientnet_lite0', 'Lite0').replace('resnet', 'ResNet-')}, {widths}"
