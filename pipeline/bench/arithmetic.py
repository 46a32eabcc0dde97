"""Multiply-adds, counted and not timed: no noise of a machine moves them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from models.detector import CrackDetector, detector_multiple
from models.graphs import DetectorGraph, SegmenterGraph
from pipeline.arrays import Boxes
from pipeline.cascade.packing import pack


def multiply_adds(network: nn.Module, height: int, width: int) -> int:
    """Multiply-adds of one pass of a graph over a ``height × width`` px picture."""
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        network(torch.zeros(1, height, width, 3, dtype=torch.uint8))
    return int(counter.get_total_flops() // 2)


def cascade_multiply_adds(
    detector: CrackDetector,
    segmenter: nn.Module,
    multiple: int,
    size: tuple[int, int],
    plans: Sequence[Boxes],
) -> dict[str, float]:
    """Multiply-adds a picture of both ways through the same segmenter.

    Args:
        detector: stage 1.
        segmenter: stage 2, pixels to logits.
        multiple: sides of the segmenter's input are multiples of this, px.
        size: ``(H, W)`` of the pictures, px.
        plans: crops ``(M, 4)`` xyxy px of each picture, packed as the cascade does.

    Returns:
        ``detector``, ``segmenter``, ``cascade`` (their sum), ``full_frame`` and ``ratio`` (full frame over cascade).
    """
    height, width = size
    stage2 = SegmenterGraph(segmenter.eval(), multiple)
    grown = [-(-side // detector_multiple(detector.config)) * detector_multiple(detector.config) for side in size]
    detect = multiply_adds(DetectorGraph(detector.eval()), *grown)
    full = multiply_adds(stage2, -(-height // multiple) * multiple, -(-width // multiple) * multiple)
    segment = 0.0
    for plan in plans:
        _, canvases = pack([(int(y2 - y1), int(x2 - x1)) for x1, y1, x2, y2 in plan], multiple)
        segment += sum(multiply_adds(stage2, *canvas) for canvas in canvases) / len(plans)
    total = detect + segment
    return {
        "detector": detect,
        "segmenter": segment,
        "cascade": total,
        "full_frame": full,
        "ratio": full / total,
    }
