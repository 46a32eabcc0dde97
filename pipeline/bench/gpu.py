"""What a GPU makes of the networks: its own ceilings, forward passes at each batch size, and what it does meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from models.cuda import Network
from models.graphs import DetectorGraph, Graph, SegmenterGraph, padded_pixels
from pipeline.arrays import Image
from pipeline.bench.arithmetic import multiply_adds
from pipeline.cascade.cascade import Cascade

BATCHES = (1, 8, 32, 128)
RUNS = 20
SHOWN = 10  # kernels that the profile names


def gpu_figures(cascade: Cascade, images: Sequence[Image]) -> dict[str, Any]:
    """How far a GPU is used.

    Args:
        cascade: on a GPU.
        images: ``(H, W, 3)`` uint8 RGB, all of one size.

    Returns:
        ``name``; ``matrix_tflops``, of a product of two 8192 × 8192 matrices in float16, and
        ``copy_tb_s``, read and written, both measured; ``forward``, a row a network and batch size: pictures a second,
        pixels in and answers out included, and the share of the matrix rate; ``cascade``, a row a batch size: pictures
        a second, one caller; ``busy``, the share of the cascade's time in which the GPU computes; ``kernels``, what on,
        as shares.
    """
    matrix = matrix_rate(cascade.device)
    return {
        "name": torch.cuda.get_device_name(cascade.device),
        "matrix_tflops": matrix / 1e12,
        "copy_tb_s": copy_rate(cascade.device) / 1e12,
        "forward": forward_rows(cascade, images, matrix),
        "cascade": [_cascade_row(cascade, images, batch) for batch in BATCHES[:2]],
        **profile(cascade, images),
    }


def matrix_rate(device: torch.device, side: int = 8192) -> float:
    """Floating-point operations a second of a product of two square matrices of random half-precision numbers."""
    a, b = (torch.randn(side, side, device=device, dtype=torch.float16) for _ in range(2))
    return 2 * side**3 / _median_seconds(lambda: torch.mm(a, b))


def copy_rate(device: torch.device, count: int = 1 << 31) -> float:
    """Bytes a second that a copy within the device's memory reads and writes."""
    source = torch.empty(count, device=device, dtype=torch.uint8).random_()
    target = torch.empty_like(source)
    return 2 * count / _median_seconds(lambda: target.copy_(source))


def forward_rows(cascade: Cascade, images: Sequence[Image], matrix: float) -> list[dict[str, Any]]:
    """Both networks over whole pictures: `matrix` operations a second would be all that the device can do.

    Operations on what is added to fill a shape up do not count.
    """
    stage1, stage2 = cascade.stage1, cascade.stage2
    networks: list[tuple[str, Graph, Network]] = [
        ("detector", DetectorGraph(stage1.detector), stage1.network),
        ("segmenter", SegmenterGraph(stage2.segmenter, stage2.config.multiple), stage2.network),
    ]
    rows = []
    for name, graph, run in networks:
        height, width = padded_pixels(images[:1], graph.multiple).shape[1:3]
        operations = 2 * multiply_adds(graph, height, width)
        for batch in BATCHES:
            pixels = padded_pixels([images[index % len(images)] for index in range(batch)], graph.multiple)
            per_second = batch / _median_seconds(lambda run=run, pixels=pixels: run(pixels))  # type: ignore[misc]
            share = per_second * operations / matrix
            rows.append({"network": name, "batch": batch, "pictures_per_s": per_second, "matrix_share": share})
    return rows


def profile(cascade: Cascade, images: Sequence[Image]) -> dict[str, Any]:
    """What the device computes while the cascade looks at `images`, once their shapes are known."""
    for _ in range(3):
        cascade.look(images)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as watched:
        began = time.perf_counter()
        cascade.look(images)
        wall = time.perf_counter() - began
    spent = {event.key: event.self_device_time_total / 1e6 for event in watched.key_averages()}
    total = sum(spent.values())
    longest = sorted(spent, key=lambda name: -spent[name])[:SHOWN]
    kernels = [{"kernel": name, "share": spent[name] / total} for name in longest] if total else []
    return {"busy": total / wall, "kernels": kernels}


def _cascade_row(cascade: Cascade, images: Sequence[Image], batch: int) -> dict[str, Any]:
    groups = [[images[(first + more) % len(images)] for more in range(batch)] for first in range(len(images))]
    for group in groups * 2:  # a shape is captured when it comes for the second time
        cascade.look(group)
    began = time.perf_counter()
    for group in groups:
        cascade.look(group)
    return {"batch": batch, "pictures_per_s": batch * len(groups) / (time.perf_counter() - began)}


def _median_seconds(run: Callable[[], object]) -> float:
    for _ in range(3):
        run()
    spent = []
    for _ in range(RUNS):
        _wait()
        began = time.perf_counter()
        run()
        _wait()
        spent.append(time.perf_counter() - began)
    return float(np.median(spent))


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
