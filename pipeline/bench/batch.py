"""A batch of pictures as a survey does it: decoded, looked at and stitched on several threads at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import cv2
import numpy as np

from models.detector import RawDetections
from models.graphs import Pixels
from models.runtimes import LARGEST_BATCH, Runtime
from pipeline.cascade.cascade import Cascade
from pipeline.cascade.crops import ProbabilityMap
from pipeline.datasets.base import Image
from pipeline.survey.decode import decode
from pipeline.survey.process import read_ahead

T = TypeVar("T")

MOST_PIXELS = 200_000_000


def as_jpeg(image: Image) -> bytes:
    """``(H, W, 3)`` RGB as the content of a JPEG file of quality 95."""
    _, content = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    return bytes(content)


def cascade_batch(cascade: Cascade, files: Sequence[bytes], streams: int) -> int:
    """Photographs to stitched masks; returns the number of crack pixels, so that nothing can be left out."""
    return _run(files, streams, lambda images: sum(int(result.mask.sum()) for result in cascade.look(images)))


def full_frame_batch(cascade: Cascade, files: Sequence[bytes], streams: int) -> int:
    """The same photographs through the same segmenter over whole frames; returns the number of crack pixels."""

    def look(images: Sequence[Image]) -> int:
        return sum(int((found >= cascade.full_frame_threshold).sum()) for found in cascade.full_frame(images))

    return _run(files, streams, look)


def _run(files: Sequence[bytes], streams: int, look: Callable[[Sequence[Image]], int]) -> int:
    def work(batch: Sequence[bytes]) -> int:
        return look([decode(content, MOST_PIXELS) for content in batch])

    return sum(read_ahead(_batches(files), work, threads=streams, ahead=streams))


class Timed:
    """A runtime that adds up what its forward passes take and keeps what went in (`models.runtimes.Runtime`)."""

    def __init__(self, runtime: Runtime) -> None:
        self.inner = runtime
        self.name, self.precision = runtime.name, runtime.precision
        self.seconds = {"detector": 0.0, "segmenter": 0.0}
        self.inputs: list[tuple[str, Pixels]] = []

    def detector(self, images: Pixels) -> RawDetections:
        """Stage 1, timed."""
        return self._timed("detector", self.inner.detector, images)

    def segmenter(self, images: Pixels) -> ProbabilityMap:
        """Stage 2, timed."""
        return self._timed("segmenter", self.inner.segmenter, images)

    def _timed(self, stage: str, run: Callable[[Pixels], T], images: Pixels) -> T:
        began = time.perf_counter()
        found = run(images)
        self.seconds[stage] += time.perf_counter() - began
        self.inputs.append((stage, images))
        return found


def stages(cascade: Cascade, files: Sequence[bytes]) -> tuple[dict[str, float], list[tuple[str, Pixels]]]:
    """Where the time of a batch goes on one thread, ms a picture, and the inputs of every forward pass.

    Returns:
        ``decode``, ``detect`` and ``segment`` (forward passes), ``boxes`` (from raw output to detections), ``crops``
        (planning, packing, stitching, and what both stages think made one).
    """
    timed = Timed(cascade.runtime)
    plain, cascade.runtime = cascade.runtime, timed
    spent = {"decode": 0.0, "detect_all": 0.0, "segment_all": 0.0}
    try:
        for batch in _batches(files):
            began = time.perf_counter()
            images = [decode(content, MOST_PIXELS) for content in batch]
            decoded = time.perf_counter()
            seen = cascade.see(images, cascade.score_threshold)
            found = cascade.draw(seen, cascade.score_threshold)
            detected = time.perf_counter()
            cascade.segment(images, [boxes for boxes, _ in found], [own.cells for own in seen])
            spent["decode"] += decoded - began
            spent["detect_all"] += detected - decoded
            spent["segment_all"] += time.perf_counter() - detected
    finally:
        cascade.runtime = plain
    per_picture = {
        "decode": spent["decode"],
        "detect": timed.seconds["detector"],
        "boxes": spent["detect_all"] - timed.seconds["detector"],
        "segment": timed.seconds["segmenter"],
        "crops": spent["segment_all"] - timed.seconds["segmenter"],
    }
    return {name: seconds * 1e3 / len(files) for name, seconds in per_picture.items()}, timed.inputs


def forward_alone(runtime: Runtime, inputs: Sequence[tuple[str, Pixels]], streams: int) -> None:
    """The forward passes of a batch and nothing else, on as many threads as the batch itself."""

    def work(job: tuple[str, Pixels]) -> None:
        stage, images = job
        runtime.detector(images) if stage == "detector" else runtime.segmenter(images)

    for _ in read_ahead(inputs, work, threads=streams, ahead=streams):
        pass


def resized(image: Image, height: int, width: int) -> Image:
    """The scene repeated and mirrored, not enlarged, to ``height × width``: cracks keep their width in px."""
    missing = max(0, height - image.shape[0]), max(0, width - image.shape[1])
    grown = np.pad(image, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
    return np.ascontiguousarray(grown[:height, :width])


def _batches(files: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(files), LARGEST_BATCH):
        yield files[start : start + LARGEST_BATCH]
