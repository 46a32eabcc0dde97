"""PyTorch on a GPU: half precision, and a CUDA graph for each shape of input.

Launched kernel by kernel, networks as small as these keep a GPU waiting for the CPU most of the time; a graph launches
all kernels of a forward pass at once (https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs).
"""

from __future__ import annotations

import threading
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.detector import RawDetections
from models.graphs import Graph, Pixels, check_sides, padded_pixels

Precision = Literal["f32", "bf16", "f16"]
KINDS: dict[Precision, torch.dtype] = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}

MOST_RECORDED = 128  # shapes; those that come later run kernel by kernel
RECORDED_PX = 8_000_000  # of an input that is recorded, at most: its graph holds on to the memory of a whole pass
STEP_PX = 64  # sides of stage 2's input are rounded up to multiples of this: a new shape costs cuDNN a second


class Recorded(NamedTuple):
    """A recorded forward pass: fill `pixels`, replay, read `outputs`."""

    pixels: Tensor
    graph: torch.cuda.CUDAGraph
    outputs: tuple[Tensor, ...]


class CudaRuntime:
    """Both networks on a GPU (`models.runtimes.Runtime`). Calls from several threads take turns.

    A shape is recorded when it comes for the second time, and stays so: many a sheet of stage 2 has a shape of its own.
    """

    name = "torch"

    def __init__(
        self, detector: Graph, segmenter: Graph, device: torch.device, precision: Precision | None = None
    ) -> None:
        """Take two folded graphs; f16, unless told otherwise, is as fast as bf16 on a GPU, and nearer to f32."""
        self.precision: Precision = precision or "f16"
        self._device = device
        kind = KINDS[self.precision]
        self._graphs = [g.to(device, kind, memory_format=torch.channels_last) for g in (detector, segmenter)]  # type: ignore[call-overload]
        self._seen: set[tuple[int, ...]] = set()
        self._recorded: dict[tuple[int, ...], Recorded] = {}
        self._pool = torch.cuda.graph_pool_handle()  # one for all: no two run at once, and outputs are kept apart
        self._lock = threading.Lock()

    def detector(self, images: Pixels) -> RawDetections:
        """Stage 1 (`Runtime.detector`)."""
        return RawDetections(*self._run(0, images))

    def segmenter(self, images: Pixels) -> NDArray[np.float32]:
        """Stage 2 (`Runtime.segmenter`)."""
        height, width = images.shape[1:3]
        found: NDArray[np.float32] = self._run(1, padded_pixels(list(images), STEP_PX))[0].numpy()
        return found[:, :height, :width]

    @torch.inference_mode()
    def _run(self, stage: int, images: Pixels) -> tuple[Tensor, ...]:
        check_sides(images, self._graphs[stage].multiple)
        key = (stage, *images.shape)
        given = torch.from_numpy(np.ascontiguousarray(images))
        with self._lock:
            if key not in self._recorded:
                if key not in self._seen or len(self._recorded) == MOST_RECORDED or given.numel() > 3 * RECORDED_PX:
                    found = self._forward(stage, given.to(self._device))
                    self._seen.add(key)
                    return tuple(output.cpu() for output in found)
                self._recorded[key] = self._record(stage, given)
            recorded = self._recorded[key]
            recorded.pixels.copy_(given)
            recorded.graph.replay()
            return tuple(output.cpu() for output in recorded.outputs)

    def _forward(self, stage: int, pixels: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast("cuda", KINDS[self.precision], enabled=self.precision != "f32"):
            found: Any = self._graphs[stage](pixels)
        return (found,) if isinstance(found, Tensor) else found

    def _record(self, stage: int, given: Tensor) -> Recorded:
        pixels = given.to(self._device)
        side = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(side):  # libraries choose their kernels outside of what is recorded
            self._forward(stage, pixels)
        torch.cuda.current_stream(self._device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):  # others may use the GPU
            outputs = self._forward(stage, pixels)
        return Recorded(pixels, graph, outputs)
