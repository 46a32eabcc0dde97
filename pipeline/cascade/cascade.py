"""The hot path: detect → crop → segment → stitch. Everything that looks at photographs goes through here."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray

from models.bundle import load_bundle, read_learnt
from models.learnt import Familiar
from models.runtimes import Runtime, RuntimeName, make_runtime
from pipeline.arrays import Boxes, Features, Image, Mask, ProbabilityMap
from pipeline.cascade.crack_pixels import crack_pixels
from pipeline.cascade.fusion import fuse_scores
from pipeline.cascade.stage1 import Stage1
from pipeline.cascade.stage2 import Stage2
from pipeline.settings import CropSettings


class CascadeResult(NamedTuple):
    """What the cascade says of one picture.

    Attributes:
        boxes: ``(N, 4)`` float32 xyxy px at or above the score threshold, best first.
        scores: ``(N,)`` float32, 0–1.
        crops: ``(M, 4)`` int64 xyxy px that the segmenter saw.
        probability: ``(H, W)`` float32, 0–1, 0 outside every box.
        mask: ``(H, W)`` bool, True on crack.
        detect_ms: time of stage 1, ms; of a batch, the picture's even share.
        segment_ms: time of stage 2, from planning crops to the mask.
        segmented_share: pixels that stage 2 looked at, context, packing and repeated looks included, over all pixels of
            the picture; above 1 where it looks at most of it several times.
        features: ``(C,)``, what stage 1's encoder makes of the picture (`models.learnt`); None where it was not asked.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    crops: Boxes
    probability: ProbabilityMap
    mask: Mask
    detect_ms: float
    segment_ms: float
    segmented_share: float
    features: Features | None = None


class CascadeThresholds(NamedTuple):
    """Where both stages are cut off.

    Attributes:
        score: detections below it are dropped.
        probability: pixels at or above it are crack (`pipeline.cascade.crack_pixels`).
        full_frame: the same for the segmenter over whole pictures, where no detector rules anything out.
        flank_share: pixels below this share of the highest probability near them are not crack, in the cascade.
    """

    score: float
    probability: float
    full_frame: float
    flank_share: float = 0.0


class Cascade:
    """Both stages, ready to look at pictures; may be called from as many threads as its runtime has streams.

    Attributes:
        stage1: the detector.
        stage2: the U-Net.
        thresholds: where both are cut off.
        runtime: what both run on.
        familiar: what the pictures are like that it has learnt from (`pipeline.cascade.familiarity`); None where its
            bundle does not say.
        mm_per_px: scale that it knows best (`pipeline.cascade.scale`); None where its bundle does not say.
    """

    def __init__(
        self,
        stage1: Stage1,
        stage2: Stage2,
        thresholds: CascadeThresholds,
        runtime: Runtime,
        familiar: Familiar | None = None,
        mm_per_px: float | None = None,
    ) -> None:
        self.runtime = runtime
        self.stage1 = stage1
        self.stage2 = stage2
        self.thresholds = thresholds
        self.familiar = familiar
        self.mm_per_px = mm_per_px

    @property
    def device(self) -> torch.device:
        """Where both compute."""
        return self.runtime.device

    @classmethod
    def load(
        cls,
        folder: Path | str,
        device: str | torch.device = "cpu",
        runtime: RuntimeName = "auto",
        streams: int = 1,
        threads: int | None = None,
    ) -> Self:
        """Load a bundle.

        Args:
            folder: of the bundle.
            device: where to compute.
            runtime: see `models.runtimes.choose_runtime`.
            streams: callers at once; each gets an even share of the threads.
            threads: of all streams together (`models.runtimes.make_runtime`).

        Raises:
            models.errors.BundleError: the folder holds no intact bundle.
            models.errors.UsageError: the runtime cannot be had here.
        """
        detector, segmenter, card = load_bundle(Path(folder))
        running = make_runtime(runtime, torch.device(device), streams=streams, threads=threads)
        stage1 = Stage1.on(running, detector, card.coarse_boxes, card.detector_tta)
        stage2 = Stage2(running, segmenter, card.segmenter, CropSettings(halo=card.crop_halo), card.segmenter_tta)
        full_frame = card.probability_threshold if card.full_frame_threshold is None else card.full_frame_threshold
        thresholds = CascadeThresholds(card.score_threshold, card.probability_threshold, full_frame, card.flank_share)
        learnt = read_learnt(Path(folder))
        familiar = None if learnt is None else learnt.familiar
        return cls(stage1, stage2, thresholds, running, familiar, card.mm_per_px)

    def __call__(self, image: Image) -> CascadeResult:
        """Look at one picture, ``(H, W, 3)`` uint8 RGB."""
        return self.look([image])[0]

    def look(self, images: Sequence[Image]) -> list[CascadeResult]:
        """Look at a batch of pictures, each ``(H, W, 3)`` uint8 RGB, of any sizes; those of one size go fastest."""
        began = time.perf_counter()
        outputs = self.stage1.look(images, self.thresholds.score)
        detections = [self.stage1.draw_boxes(output, self.thresholds.score) for output in outputs]
        detect_ms = _ms_since(began) / max(1, len(images))
        results = []
        for image, output, (boxes, scores) in zip(images, outputs, detections, strict=True):
            began = time.perf_counter()
            crops, fine, looked_px = self.stage2.segment(image, boxes)
            probability = fuse_scores(fine, output.coarse_mask, boxes, self.stage1.detector.config.coarse_px)
            del fine  # as large as the picture
            mask = crack_pixels(probability, self.thresholds.probability, self.thresholds.flank_share)
            share = looked_px / mask.size
            spent = detect_ms, _ms_since(began)
            results.append(CascadeResult(boxes, scores, crops, probability, mask, *spent, share, output.features))
        return results


def _ms_since(began: float) -> float:
    return (time.perf_counter() - began) * 1e3
