"""Stage 1, usable alone: a picture → tiles → the detector → boxes and scores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

from models.coarse_mask import CoarseBoxes
from models.cuda import Network
from models.detections import Detections, decode_detections
from models.detector import CrackDetector, RawOutput, detector_multiple
from models.finite import check_answers
from models.graphs import DetectorGraph, fuse_batch_norm, padded_pixels
from models.runtimes import LARGEST_BATCH, Runtime
from pipeline.arrays import CoarseMask, Features, Image
from pipeline.cascade import coarse_boxes
from pipeline.cascade.coarse_boxes import boxes_from_coarse_mask, join_coarse_masks
from pipeline.cascade.stage1_output import Stage1Output, at_least, best_first, inside_core
from pipeline.cascade.tiles import Tile, tiles_of
from pipeline.cascade.tta import half_turn, join_half_turn

MIN_SCORE = 0.01  # detections below this are never kept: the curve over thresholds starts here


class _Job(NamedTuple):
    """A tile of one of the pictures: `picture` is its number."""

    picture: int
    tile: Tile
    pixels: Image


class Stage1:
    """The detector, ready to look at pictures; may be called from several threads.

    Attributes:
        detector: the network, in evaluation mode; it decodes, `network` computes.
        network: the same as a runtime runs it.
        boxes: how boxes are drawn around the coarse mask, where there is one.
        tta: look at each picture turned by 180° too, in twice the time; only with a coarse mask.
    """

    def __init__(
        self, detector: CrackDetector, network: Network, boxes: CoarseBoxes | None = None, tta: bool = False
    ) -> None:
        self.detector = detector.eval()
        self.network = network
        self.boxes = boxes or CoarseBoxes()
        self.tta = tta

    @classmethod
    def on(
        cls, runtime: Runtime, detector: CrackDetector, boxes: CoarseBoxes | None = None, tta: bool = False
    ) -> Stage1:
        """Make a trained detector ready on a runtime; it is copied for that."""
        return cls(detector, runtime.prepare(fuse_batch_norm(DetectorGraph(detector))), boxes, tta)

    def detect(self, images: Sequence[Image], min_score: float = MIN_SCORE) -> list[Detections]:
        """Boxes and scores from `min_score` up, best first, of pictures, each ``(H, W, 3)`` uint8 RGB."""
        return [self.draw_boxes(output, min_score) for output in self.look(images, min_score)]

    def look(self, images: Sequence[Image], min_score: float = MIN_SCORE) -> list[Stage1Output]:
        """What the detector says of each picture, before boxes are drawn around the coarse mask.

        With a coarse mask, detections start at `pipeline.cascade.coarse_boxes.MIN_SCORE`, not at `min_score`.
        """
        config = self.detector.config
        if not config.coarse_mask:
            return self._look_once(images, min_score)
        outputs = self._look_once(images, coarse_boxes.MIN_SCORE)
        if not self.tta:
            return outputs
        turned = self._look_once([half_turn(image, config.coarse_px) for image in images], coarse_boxes.MIN_SCORE)
        return [join_half_turn(*both) for both in zip(outputs, turned, strict=True)]

    def draw_boxes(self, output: Stage1Output, min_score: float) -> Detections:
        """Boxes and scores from `min_score` up, best first, of a picture that `look` was given."""
        config = self.detector.config
        if not config.coarse_mask:
            return at_least(output.detections, min_score)
        return at_least(boxes_from_coarse_mask(output, config.coarse_px, self.boxes), min_score)

    def _look_once(self, images: Sequence[Image], min_score: float) -> list[Stage1Output]:
        """Cut pictures into tiles, run those of one shape together, and put each picture together again."""
        parts: dict[int, list[tuple[Tile, Stage1Output]]] = defaultdict(list)
        for batch in _batches(_tiles_of_all(images)):
            outputs = self._run([job.pixels for job in batch], min_score)
            for job, output in zip(batch, outputs, strict=True):
                parts[job.picture].append((job.tile, output))
        return [self._joined(parts[number], image.shape[:2]) for number, image in enumerate(images)]

    def _run(self, tiles: Sequence[Image], min_score: float) -> list[Stage1Output]:
        """What tiles of one shape show, in px of each tile."""
        config = self.detector.config
        size = (tiles[0].shape[0], tiles[0].shape[1])
        pixels = padded_pixels(tiles, detector_multiple(config))
        with torch.inference_mode():
            raw = RawOutput(*self.network(pixels))
            check_answers(raw, "Stage 1")
            anchors = self.detector.anchors_for(pixels.shape[1], pixels.shape[2])
            detections = decode_detections(raw, anchors, size, config, min_score)
        coarse_masks, features = _coarse_masks(raw, size, config.coarse_px), list(raw.features.numpy())
        found = zip(detections, coarse_masks, features, strict=True)
        return [Stage1Output(boxes, coarse_mask, size, seen) for boxes, coarse_mask, seen in found]

    def _joined(self, parts: Sequence[tuple[Tile, Stage1Output]], size: tuple[int, int]) -> Stage1Output:
        """The tiles of one picture as one."""
        if len(parts) == 1:
            return parts[0][1]
        config = self.detector.config
        detections = best_first([inside_core(output.detections, tile) for tile, output in parts])
        features = _mean_features(parts)
        if not config.coarse_mask:
            return Stage1Output(detections, parts[0][1].coarse_mask, size, features)
        coarse_masks = [(tile, output.coarse_mask) for tile, output in parts]
        return Stage1Output(detections, join_coarse_masks(coarse_masks, size, config.coarse_px), size, features)


def _tiles_of_all(images: Sequence[Image]) -> list[_Job]:
    return [
        _Job(number, tile, image[tile.frame[1] : tile.frame[3], tile.frame[0] : tile.frame[2]])
        for number, image in enumerate(images)
        for tile in tiles_of(image.shape[:2])
    ]


def _batches(jobs: Sequence[_Job]) -> Iterator[list[_Job]]:
    """Tiles of one shape each, at most `LARGEST_BATCH`."""
    by_shape: dict[tuple[int, ...], list[_Job]] = defaultdict(list)
    for job in jobs:
        by_shape[job.pixels.shape].append(job)
    for same in by_shape.values():
        for start in range(0, len(same), LARGEST_BATCH):
            yield same[start : start + LARGEST_BATCH]


def _mean_features(parts: Sequence[tuple[Tile, Stage1Output]]) -> Features | None:
    """Of tiles of one picture, each weighing as much as it answers for."""
    known = [(tile.core, output.features) for tile, output in parts if output.features is not None]
    if not known:
        return None
    areas = [(x2 - x1) * (y2 - y1) for (x1, y1, x2, y2), _ in known]
    return np.average([features for _, features in known], axis=0, weights=areas).astype(np.float32)


def _coarse_masks(raw: RawOutput, size: tuple[int, int], coarse_px: int) -> Sequence[CoarseMask]:
    """Of each tile of ``(H, W)`` px, what lies beyond it cut off; ``(0, 0)`` without that head."""
    if raw.coarse_mask is None:
        return [np.zeros((0, 0), np.float32)] * len(raw.logits)
    rows, columns = (-(-side // coarse_px) for side in size)
    return list(raw.coarse_mask[:, :rows, :columns].numpy())
