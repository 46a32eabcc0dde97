"""PyTorch on a GPU: half precision, and a CUDA graph for each shape of input.

Launched kernel by kernel, networks as small as these keep a GPU waiting for the CPU most of the time; a graph launches
all kernels of a forward pass at once (https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.graphs import Graph, Pixels, SegmenterGraph, check_sides, padded_pixels

Network = Callable[[Pixels], tuple[Tensor, ...]]  # of `models.runtimes.Runtime.prepare`
Precision = Literal["f32", "bf16", "f16"]
KINDS: dict[Precision, torch.dtype] = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}

MOST_CAPTURED = 128  # shapes; those that come later run kernel by kernel
CAPTURED_PX = 8_000_000  # of an input that is captured, at most: its graph holds on to the memory of a whole pass
STEP_PX = 64  # sides of stage 2's input are rounded up to multiples of this: a new shape costs cuDNN a second


class CapturedGraph(NamedTuple):
    """A captured forward pass: fill `pixels`, replay, read `outputs`."""

    pixels: Tensor
    graph: torch.cuda.CUDAGraph
    outputs: tuple[Tensor, ...]


class CudaRuntime:
    """Networks on a GPU (`models.runtimes.Runtime`). Calls from several threads take turns.

    A shape is captured when it comes for the second time, and stays so: many a canvas of stage 2 has one of its own.
    """

    name = "torch"

    def __init__(self, device: torch.device, precision: Precision | None = None) -> None:
        """F16, unless told otherwise, is as fast as bf16 on a GPU, and nearer to f32."""
        self.precision: Precision = precision or "f16"
        self.device = device
        self._graphs: list[Graph] = []
        self._shapes_run: set[tuple[int, ...]] = set()
        self._captured: dict[tuple[int, ...], CapturedGraph] = {}
        self._pool = torch.cuda.graph_pool_handle()  # one for all: no two run at once, and outputs are kept apart
        self._lock = threading.Lock()

    def prepare(self, graph: Graph) -> Network:
        """See `models.runtimes.Runtime.prepare`."""
        kind = KINDS[self.precision]
        self._graphs.append(graph.to(self.device, kind, memory_format=torch.channels_last))  # type: ignore[call-overload]
        number = len(self._graphs) - 1
        return partial(self._run_filled_up if isinstance(graph, SegmenterGraph) else self._run, number)

    def _run_filled_up(self, number: int, images: Pixels) -> tuple[Tensor, ...]:
        height, width = images.shape[1:3]
        outputs = self._run(number, padded_pixels(list(images), STEP_PX))
        return tuple(output[:, :height, :width] for output in outputs)

    @torch.inference_mode()
    def _run(self, number: int, images: Pixels) -> tuple[Tensor, ...]:
        check_sides(images, self._graphs[number].multiple)
        key = (number, *images.shape)
        given = torch.from_numpy(np.ascontiguousarray(images))
        with self._lock:
            if key not in self._captured:
                full = len(self._captured) == MOST_CAPTURED
                if key not in self._shapes_run or full or given.numel() > 3 * CAPTURED_PX:
                    outputs = self._forward(number, given.to(self.device))
                    self._shapes_run.add(key)
                    return tuple(output.cpu() for output in outputs)
                self._captured[key] = self._capture(number, given)
            captured = self._captured[key]
            captured.pixels.copy_(given)
            captured.graph.replay()
            return tuple(output.cpu() for output in captured.outputs)

    def _forward(self, number: int, pixels: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast("cuda", KINDS[self.precision], enabled=self.precision != "f32"):
            outputs: tuple[Tensor, ...] = self._graphs[number](pixels)
        return outputs

    def _capture(self, number: int, given: Tensor) -> CapturedGraph:
        pixels = given.to(self.device)
        side = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(side):  # libraries choose their kernels outside of what is captured
            self._forward(number, pixels)
        torch.cuda.current_stream(self.device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):  # others may use the GPU
            outputs = self._forward(number, pixels)
        return CapturedGraph(pixels, graph, outputs)
