"""OpenVINO on the CPU, the fastest of the runtimes there."""

from __future__ import annotations

import sys
import threading
import warnings
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.cuda import Network, Precision
from models.errors import UsageError
from models.graphs import DetectorGraph, Graph, Pixels, check_sides

MOST_COMPILED = 8  # shapes of detector input kept compiled; each holds some 25 MB


class OpenVinoRuntime:
    """OpenVINO on the CPU. A call uses all cores, or with several streams its share of them.

    One stream answers a single call soonest. As many streams as cores get most done, if as many threads call: no core
    waits for another at the end of a layer, nor while a caller crops and stitches.

    The segmenter is compiled once for all shapes, 2–3 % slower than for each by itself and equal to it bit for bit.
    The detector, where that costs 4–10 %, is compiled for each shape of a picture, in a tenth of a second.
    """

    name = "openvino"
    device = torch.device("cpu")

    def __init__(self, precision: Precision | None = None, streams: int = 1, threads: int | None = None) -> None:
        """Start OpenVINO.

        Raises:
            UsageError: `precision` is f16, which OpenVINO has no use for on a CPU.
        """
        openvino = import_openvino()
        if precision == "f16":
            raise UsageError("OpenVINO does not compute in f16 on a CPU.", "Use the precision bf16 or f32.")
        self._core = openvino.Core()
        self.precision: Precision = precision or "f32"
        self.threads = max(streams, threads or torch.get_num_threads())
        self._options = {
            "NUM_STREAMS": streams,
            "INFERENCE_PRECISION_HINT": self.precision,
            "INFERENCE_NUM_THREADS": self.threads,
            # Pinned, several worker processes would all sit on the same cores.
            "ENABLE_CPU_PINNING": False,
        }

    def prepare(self, graph: Graph) -> Network:
        """See `models.runtimes.Runtime.prepare`; takes about a second."""
        model = to_openvino(graph)
        if isinstance(graph, DetectorGraph):
            return _CompiledByShape(model, graph.multiple, self._compile)
        return _CompiledOnce(self._compile(model), graph.multiple)

    def _compile(self, model: Any) -> _Compiled:
        return _Compiled(self._core.compile_model(model, "CPU", self._options))


class _Compiled:
    """A compiled model and its idle requests: a request serves one thread at a time, and takes long to make."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._idle: list[Any] = []

    def __call__(self, images: Pixels) -> list[Tensor]:
        """All outputs, copied: a request writes over them the next time."""
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._model.create_infer_request()
        answer = request.infer([np.ascontiguousarray(images)], share_inputs=True)
        outputs = [torch.from_numpy(answer[index]) for index in range(len(self._model.outputs))]
        self._idle.append(request)
        return outputs


class _CompiledOnce:
    """A network compiled for all shapes."""

    def __init__(self, run: _Compiled, multiple: int) -> None:
        self._run = run
        self._multiple = multiple

    def __call__(self, images: Pixels) -> tuple[Tensor, ...]:
        check_sides(images, self._multiple)
        return tuple(self._run(images))


class _CompiledByShape:
    """A network compiled for each shape of a picture; the `MOST_COMPILED` used last are kept.

    A batch is run picture by picture, which is a tenth faster than at once: what one layer writes is still in the cache
    for the next.
    """

    def __init__(self, model: Any, multiple: int, compile_model: Any) -> None:
        self._multiple = multiple

        @lru_cache(MOST_COMPILED)
        def for_shape(shape: tuple[int, ...]) -> _OnFirstUse:
            return _OnFirstUse(model, shape, compile_model)

        self._for_shape = for_shape

    def __call__(self, images: Pixels) -> tuple[Tensor, ...]:
        check_sides(images, self._multiple)
        run = self._for_shape(images[:1].shape).get()
        by_output = zip(*(run(picture[None]) for picture in images), strict=True)
        return tuple(torch.cat(parts) for parts in by_output)


class _OnFirstUse:
    """Compiles a model for one shape when it is first asked for; who asks for another shape does not wait for that."""

    def __init__(self, model: Any, shape: tuple[int, ...], compile_model: Any) -> None:
        self._model, self._shape, self._compile = model, shape, compile_model
        self._lock = threading.Lock()
        self._compiled: _Compiled | None = None

    def get(self) -> _Compiled:
        with self._lock:
            if self._compiled is None:
                model = self._model.clone()
                model.reshape(self._shape)
                self._compiled = self._compile(model)
            return self._compiled


def import_openvino() -> Any:
    """Import OpenVINO without its telemetry, which otherwise reports every import to a server of its maker's.

    Raises:
        UsageError: it is not installed.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise openvino_is_missing() from error
    return openvino


def to_openvino(graph: Graph) -> Any:
    """Convert a graph of `models.graphs.fuse_batch_norm` into an ``openvino.Model``.

    It takes ``(B, h, w, 3)`` uint8 of any size.
    """
    example = torch.zeros(1, 64, 96, 3, dtype=torch.uint8)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing is deprecated, but torch.export needs minutes for a free picture size
        traced = torch.jit.freeze(torch.jit.trace(graph.cpu(), example, check_trace=False))  # type: ignore[no-untyped-call]
    model = import_openvino().convert_model(traced, example_input=example)
    model.reshape([-1, -1, -1, 3])
    return model


def openvino_is_missing() -> UsageError:
    """The error of asking for it where it is not installed."""
    return UsageError("OpenVINO is not installed.", "pip install 'crack-survey[openvino]', or use the runtime torch.")
