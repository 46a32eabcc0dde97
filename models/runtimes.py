"""What runs the networks: PyTorch anywhere, OpenVINO on the CPU. All take uint8 pixels and give the same figures.

Tolerances, which the tests hold against the networks as trained: in f32, logits, deltas and probabilities within 1e-4;
in bf16, 99 % of the scores and probabilities within 0.05, and 99 % of the boxes' edges within 3 % of the anchor's side.
On a GPU, 99 % of the scores and probabilities within 0.05 in f16 and within 0.01 in f32, which cuDNN rounds to TF32;
nearest to where a sheet is filled up (`models.cuda`) they may differ more.
On trained networks and 20 photographs of CrackForest, bf16 left 3 of 177 boxes without a partner of IoU 0.9, turned
0.7 % of the crack pixels and moved F1 at 2 px by less than 1e-4; f32 moved nothing.
OpenVINO's output for a picture is the same, bit for bit, whatever batch the picture comes in.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
import warnings
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.cuda import KINDS, CudaRuntime, Precision
from models.detector import CrackDetector, RawDetections
from models.errors import UsageError
from models.graphs import DetectorGraph, Graph, Pixels, SegmenterGraph, check_sides, folded

RuntimeName = Literal["auto", "torch", "openvino"]

LARGEST_BATCH = 8  # pictures at once; a larger one is not faster per picture
MOST_COMPILED = 8  # shapes of detector input kept compiled; each holds some 25 MB


class Runtime(Protocol):
    """Both networks, ready to run. Safe to call from several threads at once.

    Attributes:
        name: ``torch`` or ``openvino``.
        precision: what the arithmetic is done in.
    """

    name: str
    precision: Precision

    def detector(self, images: Pixels) -> RawDetections:
        """Stage 1 on ``(B, h, w, 3)`` uint8 RGB, B ≥ 1, padded by `models.graphs.padded_pixels`.

        All float32 and on the CPU; cells are probabilities here.
        """

    def segmenter(self, images: Pixels) -> NDArray[np.float32]:
        """Stage 2 on ``(B, h, w, 3)`` uint8 RGB, B ≥ 1: probability of crack ``(B, h, w)``, 0–1."""


def choose_runtime(name: RuntimeName, device: torch.device) -> Literal["torch", "openvino"]:
    """Settle ``auto``: OpenVINO on a CPU where it is installed, which is three times as fast there, else PyTorch.

    Raises:
        UsageError: OpenVINO is asked for where it is not installed, or for another device than the CPU.
    """
    installed = importlib.util.find_spec("openvino") is not None
    if name == "auto":
        return "openvino" if installed and device.type == "cpu" else "torch"
    if name == "openvino" and not installed:
        raise UsageError(
            "OpenVINO is not installed.", "pip install 'crack-survey[openvino]', or use the runtime torch."
        )
    if name == "openvino" and device.type != "cpu":
        raise UsageError(f"OpenVINO runs on the CPU here, not on {device}.", "Use the runtime torch, or device cpu.")
    return name


def make_runtime(
    name: RuntimeName,
    detector: CrackDetector,
    segmenter: nn.Module,
    segmenter_multiple: int,
    device: torch.device,
    precision: Precision | None = None,
    streams: int = 1,
) -> Runtime:
    """Make both networks ready to run; the networks given are copied and left as they are.

    Args:
        name: see `choose_runtime`.
        detector: stage 1.
        segmenter: stage 2, pixels to logits.
        segmenter_multiple: sides of the segmenter's input are multiples of this, px.
        device: where to compute.
        precision: None for the fastest that the device computes natively.
        streams: callers at once; each gets an even share of the cores.

    Raises:
        UsageError: as `choose_runtime`.
    """
    first = folded(DetectorGraph(detector))
    second = folded(SegmenterGraph(segmenter, segmenter_multiple))
    if choose_runtime(name, device) == "openvino":
        return OpenVinoRuntime(first, second, precision, streams)
    if device.type == "cuda":
        return CudaRuntime(first, second, device, precision)
    return TorchRuntime(first, second, precision)


class TorchRuntime:
    """Eager PyTorch on the CPU: channels last, autocast below f32."""

    name = "torch"

    def __init__(self, detector: Graph, segmenter: Graph, precision: Precision | None = None) -> None:
        """Take two folded graphs."""
        self.precision: Precision = precision or _native_precision()
        self._graphs = [g.to(memory_format=torch.channels_last) for g in (detector, segmenter)]

    def detector(self, images: Pixels) -> RawDetections:
        """Stage 1 (`Runtime.detector`)."""
        return RawDetections(*self._run(0, images))

    def segmenter(self, images: Pixels) -> NDArray[np.float32]:
        """Stage 2 (`Runtime.segmenter`)."""
        found: NDArray[np.float32] = self._run(1, images).numpy()
        return found

    @torch.inference_mode()
    def _run(self, stage: int, images: Pixels) -> Any:
        graph = self._graphs[stage]
        check_sides(images, graph.multiple)
        with torch.autocast("cpu", KINDS[self.precision], enabled=self.precision != "f32"):
            return graph(torch.from_numpy(np.ascontiguousarray(images)))


class OpenVinoRuntime:
    """OpenVINO on the CPU. A call uses all cores, or with several streams its share of them.

    One stream answers a single call soonest. As many streams as cores get most done, if as many threads call: no core
    waits for another at the end of a layer, nor while a caller crops and stitches.

    The segmenter is compiled once for all shapes, 2–3 % slower than for each by itself and equal to it bit for bit.
    The detector, where that costs 4–10 %, is compiled for each shape of a picture, in a tenth of a second; a batch is
    run picture by picture, which is a tenth faster than at once: what one layer writes is still in the cache for the
    next.
    """

    name = "openvino"

    def __init__(self, detector: Graph, segmenter: Graph, precision: Precision | None = None, streams: int = 1) -> None:
        """Convert two folded graphs; takes about a second.

        Raises:
            UsageError: `precision` is f16, which OpenVINO has no use for on a CPU.
        """
        openvino = import_openvino()
        if precision == "f16":
            raise UsageError("OpenVINO does not compute in f16 on a CPU.", "Use the precision bf16 or f32.")
        self._core = openvino.Core()
        has_bf16 = "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.precision: Precision = precision or ("bf16" if has_bf16 else "f32")
        self._options = {
            "NUM_STREAMS": streams,
            "INFERENCE_PRECISION_HINT": self.precision,
            "INFERENCE_NUM_THREADS": max(streams, torch.get_num_threads()),
            # Pinned, several worker processes would all sit on the same cores.
            "ENABLE_CPU_PINNING": False,
        }
        self._multiples = [graph.multiple for graph in (detector, segmenter)]
        self._detector = to_openvino(detector)
        self._segmenter = self._compile(to_openvino(segmenter))
        self._detectors: dict[tuple[int, ...], _Compiled] = {}
        self._lock = threading.Lock()

    def detector(self, images: Pixels) -> RawDetections:
        """Stage 1 (`Runtime.detector`)."""
        check_sides(images, self._multiples[0])
        run = self._detector_for(images[:1].shape)
        found = zip(*(run(picture[None]) for picture in images), strict=True)
        return RawDetections(*(torch.from_numpy(np.concatenate(outputs)) for outputs in found))

    def segmenter(self, images: Pixels) -> NDArray[np.float32]:
        """Stage 2 (`Runtime.segmenter`)."""
        check_sides(images, self._multiples[1])
        return self._segmenter(images)[0]

    def _detector_for(self, shape: tuple[int, ...]) -> _Compiled:
        with self._lock:
            if shape not in self._detectors:
                if len(self._detectors) == MOST_COMPILED:
                    del self._detectors[next(iter(self._detectors))]
                model = self._detector.clone()
                model.reshape(shape)
                self._detectors[shape] = self._compile(model)
            return self._detectors[shape]

    def _compile(self, model: Any) -> _Compiled:
        return _Compiled(self._core.compile_model(model, "CPU", self._options))


class _Compiled:
    """A compiled model and its idle requests: a request serves one thread at a time, and is dear to make."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._idle: list[Any] = []

    def __call__(self, images: Pixels) -> list[NDArray[np.float32]]:
        """All outputs, copied: a request writes over its own the next time."""
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._model.create_infer_request()
        found = request.infer([np.ascontiguousarray(images)], share_inputs=True)
        outputs = [found[index] for index in range(len(self._model.outputs))]
        self._idle.append(request)
        return outputs


def import_openvino() -> Any:
    """Import OpenVINO without its telemetry, which otherwise reports every import to a server of its maker's.

    Raises:
        UsageError: it is not installed.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise _not_installed() from error
    return openvino


def to_openvino(graph: Graph) -> Any:
    """Convert a folded graph into an ``openvino.Model`` that takes ``(B, h, w, 3)`` uint8 of any size."""
    example = torch.zeros(1, 64, 96, 3, dtype=torch.uint8)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing is deprecated, but torch.export needs minutes for a free picture size
        traced = torch.jit.freeze(torch.jit.trace(graph.cpu(), example, check_trace=False))  # type: ignore[no-untyped-call]
    model = import_openvino().convert_model(traced, example_input=example)
    model.reshape([-1, -1, -1, 3])
    return model


def _not_installed() -> UsageError:
    return UsageError("OpenVINO is not installed.", "pip install 'crack-survey[openvino]', or use the runtime torch.")


def _native_precision() -> Precision:
    """The fastest that the CPU computes in hardware."""
    able = torch.cpu.get_capabilities()
    return "bf16" if any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16", "arm_bf16")) else "f32"
