"""A batch of pictures as a survey does it: decoded, looked at and stitched on several threads at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from torch import Tensor

from models.cuda import Network
from models.graphs import Pixels
from models.runtimes import LARGEST_BATCH
from pipeline.arrays import Image
from pipeline.cascade.cascade import Cascade
from pipeline.survey.ahead import work_ahead
from pipeline.survey.decode import decode

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
        return sum(int((p >= cascade.thresholds.full_frame).sum()) for p in cascade.stage2.full_frame(images))

    return _run(files, streams, look)


def _run(files: Sequence[bytes], streams: int, look: Callable[[Sequence[Image]], int]) -> int:
    def work(batch: Sequence[bytes]) -> int:
        return look([decode(content, MOST_PIXELS).image for content in batch])

    return sum(work_ahead(_batches(files), work, threads=streams, ahead=streams))


class Timed:
    """A network that adds up what its forward passes take and keeps what went in (`models.runtimes.Runtime`)."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.seconds = 0.0
        self.inputs: list[Pixels] = []

    def __call__(self, images: Pixels) -> tuple[Tensor, ...]:
        """The network's outputs, timed."""
        began = time.perf_counter()
        outputs = self.network(images)
        self.seconds += time.perf_counter() - began
        self.inputs.append(images)
        return outputs


class Inputs(NamedTuple):
    """What went into the forward passes of each network, ``(B, h, w, 3)`` each."""

    detector: list[Pixels]
    segmenter: list[Pixels]


def stages(cascade: Cascade, files: Sequence[bytes]) -> tuple[dict[str, float], Inputs]:
    """Where the time of a batch goes on one thread, ms a picture, and the inputs of every forward pass.

    Returns:
        ``decode``, ``detect`` and ``segment`` (forward passes), ``boxes`` (from raw output to detections), ``crops``
        (planning, packing, stitching, and score fusion).
    """
    detector, segmenter = Timed(cascade.stage1.network), Timed(cascade.stage2.network)
    cascade.stage1.network, cascade.stage2.network = detector, segmenter
    spent = {"decode": 0.0, "detect_all": 0.0, "segment_all": 0.0}
    try:
        for batch in _batches(files):
            began = time.perf_counter()
            images = [decode(content, MOST_PIXELS).image for content in batch]
            spent["decode"] += time.perf_counter() - began
            for result in cascade.look(images):
                spent["detect_all"] += result.detect_ms / 1e3
                spent["segment_all"] += result.segment_ms / 1e3
    finally:
        cascade.stage1.network, cascade.stage2.network = detector.network, segmenter.network
    per_picture = {
        "decode": spent["decode"],
        "detect": detector.seconds,
        "boxes": spent["detect_all"] - detector.seconds,
        "segment": segmenter.seconds,
        "crops": spent["segment_all"] - segmenter.seconds,
    }
    return {name: seconds * 1e3 / len(files) for name, seconds in per_picture.items()}, Inputs(
        detector.inputs, segmenter.inputs
    )


def forward_alone(cascade: Cascade, inputs: Inputs, streams: int) -> None:
    """The forward passes of a batch and nothing else, on as many threads as the batch itself."""
    jobs = [(cascade.stage1.network, pixels) for pixels in inputs.detector]
    jobs += [(cascade.stage2.network, pixels) for pixels in inputs.segmenter]
    for _ in work_ahead(jobs, lambda job: job[0](job[1]), threads=streams, ahead=streams):
        pass


def resized(image: Image, height: int, width: int) -> Image:
    """The scene repeated and mirrored, not enlarged, to ``height × width``: cracks keep their width in px."""
    missing = max(0, height - image.shape[0]), max(0, width - image.shape[1])
    grown = np.pad(image, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
    return np.ascontiguousarray(grown[:height, :width])


def _batches(files: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(files), LARGEST_BATCH):
        yield files[start : start + LARGEST_BATCH]
