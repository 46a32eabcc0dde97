"""What runs the networks: PyTorch anywhere, OpenVINO on the CPU. All take uint8 pixels and give the same figures.

Tolerances, which the tests hold against the networks as trained: in f32, logits, deltas and probabilities within 1e-4;
in bf16, 99 % of the scores and probabilities within 0.05, and 99 % of the boxes' edges within 3 % of the anchor's side.
On a GPU, 99 % of the scores and probabilities within 0.05 in f16 and within 0.01 in f32, which cuDNN rounds to TF32;
nearest to where a canvas is filled up (`models.cuda`) they may differ more.
On a CPU f32 is the default, also where bf16 would be twice as fast: bf16 costs 0.4 points of F1 and makes measured
cracks shorter (docs/ablations/runtime.md), and a bundle is to say the same on every machine.
OpenVINO's output for a picture is the same, bit for bit, whatever batch the picture comes in.
"""

from __future__ import annotations

import importlib.util
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from models.cuda import KINDS, CudaRuntime, Network, Precision
from models.errors import UsageError
from models.graphs import Graph, Pixels, check_sides
from models.openvino_runtime import OpenVinoRuntime, openvino_is_missing

RuntimeName = Literal["auto", "torch", "openvino"]

LARGEST_BATCH = 8  # pictures at once; a larger one is not faster per picture


class Runtime(Protocol):
    """Makes networks ready to run.

    Attributes:
        name: ``torch`` or ``openvino``.
        precision: what the arithmetic is done in.
        device: where.
    """

    name: str
    precision: Precision
    device: torch.device

    def prepare(self, graph: Graph) -> Network:
        """Make a graph of `models.graphs.fuse_batch_norm` ready, which may move or change it.

        The result takes ``(B, h, w, 3)`` uint8 RGB, B ≥ 1, padded by `models.graphs.padded_pixels`, and gives the
        graph's outputs as float32 on the CPU. It is safe to call from several threads at once.
        """


def choose_runtime(name: RuntimeName, device: torch.device) -> Literal["torch", "openvino"]:
    """Settle ``auto``: OpenVINO on a CPU where it is installed, which is three times as fast there, else PyTorch.

    Raises:
        UsageError: OpenVINO is asked for where it is not installed, or for another device than the CPU.
    """
    installed = importlib.util.find_spec("openvino") is not None
    if name == "auto":
        return "openvino" if installed and device.type == "cpu" else "torch"
    if name == "openvino" and not installed:
        raise openvino_is_missing()
    if name == "openvino" and device.type != "cpu":
        raise UsageError(f"OpenVINO runs on the CPU here, not on {device}.", "Use the runtime torch, or device cpu.")
    return name


def make_runtime(
    name: RuntimeName,
    device: torch.device,
    precision: Precision | None = None,
    streams: int = 1,
    threads: int | None = None,
) -> Runtime:
    """What both networks of a cascade run on.

    Args:
        name: see `choose_runtime`.
        device: where to compute.
        precision: None for f32 on a CPU, f16 on a GPU.
        streams: callers at once; each gets an even share of the threads.
        threads: of all streams together, at least one each; none: `torch.get_num_threads`. PyTorch's own runtime has
            that many for each caller.

    Raises:
        UsageError: as `choose_runtime`.
    """
    if choose_runtime(name, device) == "openvino":
        return OpenVinoRuntime(precision, streams, threads)
    if device.type == "cuda":
        return CudaRuntime(device, precision)
    return TorchRuntime(precision)


class TorchRuntime:
    """Eager PyTorch on the CPU: channels last, autocast below f32."""

    name = "torch"
    device = torch.device("cpu")

    def __init__(self, precision: Precision | None = None) -> None:
        self.precision: Precision = precision or "f32"

    def prepare(self, graph: Graph) -> Network:
        """See `Runtime.prepare`."""
        return Eager(graph.to(memory_format=torch.channels_last), self.precision)


class Eager:
    """A graph as PyTorch runs it, on the device where its weights lie: slow to answer, ready at once."""

    def __init__(self, graph: Graph, precision: Precision = "f32") -> None:
        self._graph = graph
        self._precision = precision

    @torch.inference_mode()
    def __call__(self, images: Pixels) -> tuple[Tensor, ...]:
        """See `Runtime.prepare`."""
        check_sides(images, self._graph.multiple)
        device = next(self._graph.parameters()).device
        with torch.autocast(device.type, KINDS[self._precision], enabled=self._precision != "f32"):
            outputs: Any = self._graph(torch.from_numpy(np.ascontiguousarray(images)).to(device))
        return tuple(output.cpu() for output in outputs)
