"""The hot path: detect → crop → segment → stitch. Everything that looks at photographs goes through here."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.backbones import normalise
from models.bundle import load_bundle
from models.detector import CrackDetector
from models.segmenter import SegmenterConfig
from pipeline.boxes import Boxes, union_mask
from pipeline.crops import ProbabilityMap, boxes_to_crops, cut, stitch
from pipeline.datasets.base import Image, Mask
from pipeline.settings import CropSettings
from pipeline.train_detector import detect
from pipeline.train_segmenter import segment

MIN_SCORE = 0.01  # detections below this are never kept: the curve over thresholds starts here


class CascadeResult(NamedTuple):
    """What the cascade says of one picture.

    Attributes:
        boxes: ``(N, 4)`` float32 xyxy px at or above the score threshold, best first.
        scores: ``(N,)`` float32, 0–1.
        crops: ``(M, 4)`` int64 xyxy px that the segmenter saw.
        probability: ``(H, W)`` float32, 0–1, 0 outside every box.
        mask: ``(H, W)`` bool, True on crack.
        detect_ms: time of stage 1, ms.
        segment_ms: time of stage 2, cropping and stitching included, ms.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    crops: Boxes
    probability: ProbabilityMap
    mask: Mask
    detect_ms: float
    segment_ms: float


@dataclass
class Cascade:
    """Both networks, ready to look at pictures.

    Attributes:
        score_threshold: detections below it are dropped.
        probability_threshold: pixels at or above it are crack.
    """

    detector: CrackDetector
    segmenter: nn.Module
    segmenter_config: SegmenterConfig
    crops: CropSettings
    score_threshold: float
    probability_threshold: float
    device: torch.device

    def __post_init__(self) -> None:
        for network in (self.detector, self.segmenter):
            network.to(self.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]

    @classmethod
    def load(cls, folder: Path | str, device: str | torch.device = "cpu") -> Self:
        """Load a bundle.

        Raises:
            models.errors.BundleError: the folder holds no intact bundle.
        """
        detector, segmenter, card = load_bundle(Path(folder))
        crops = CropSettings(halo=card.crop_halo, multiple=card.crop_multiple)
        return cls(
            detector,
            segmenter,
            card.segmenter,
            crops,
            card.score_threshold,
            card.probability_threshold,
            torch.device(device),
        )

    @torch.inference_mode()
    def __call__(self, image: Image) -> CascadeResult:
        """Look at one picture, ``(H, W, 3)`` uint8 RGB."""
        began = time.perf_counter()
        boxes, scores = detect(self.detector, image, self.device, self.score_threshold)
        detected = time.perf_counter()
        crops, probability = self.segment(image, boxes)
        mask = probability >= self.probability_threshold
        ended = time.perf_counter()
        return CascadeResult(
            boxes, scores, crops, probability, mask, (detected - began) * 1e3, (ended - detected) * 1e3
        )

    @torch.inference_mode()
    def detect(self, image: Image, min_score: float = MIN_SCORE) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Stage 1 alone: boxes ``(N, 4)`` xyxy px and scores ``(N,)`` from `min_score` up, best first."""
        return detect(self.detector, image, self.device, min_score)

    @torch.inference_mode()
    def segment(self, image: Image, boxes: NDArray[np.generic]) -> tuple[Boxes, ProbabilityMap]:
        """Stage 2 alone: crops ``(M, 4)`` xyxy px around `boxes`, and the ``(H, W)`` probability, 0 outside boxes."""
        size = (image.shape[0], image.shape[1])
        crops = boxes_to_crops(boxes, size, self.crops.halo, self.crops.multiple)
        if len(crops) == 0:
            return crops, np.zeros(size, np.float32)
        probability = stitch(self._segment_crops(image, crops), crops, size, self.crops.halo)
        probability[~union_mask(boxes, size)] = 0
        return crops, probability

    @torch.inference_mode()
    def full_frame(self, image: Image) -> ProbabilityMap:
        """The rival: the same segmenter over the whole picture, ``(H, W)`` float32."""
        return segment(self.segmenter, image, self.segmenter_config.multiple, self.device)

    def _segment_crops(self, image: Image, crops: Boxes) -> list[ProbabilityMap]:
        """Probabilities of all crops, in their order; crops of one shape go through the network as one batch."""
        by_shape: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, (x1, y1, x2, y2) in enumerate(crops):
            by_shape[int(y2 - y1), int(x2 - x1)].append(index)
        found: dict[int, ProbabilityMap] = {}
        for indices in by_shape.values():
            pixels = torch.from_numpy(np.stack([cut(image, crops[i]) for i in indices]))  # (B, h, w, 3)
            inputs = normalise(pixels.to(self.device).permute(0, 3, 1, 2))  # (B, 3, h, w), channels last already
            maps = self.segmenter(inputs)[:, 0].sigmoid().float().cpu().numpy()
            found.update(zip(indices, maps, strict=True))
        return [found[index] for index in range(len(crops))]
