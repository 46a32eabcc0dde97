"""The smallest networks and the smallest whole bundle card, for tests."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from torch import nn

from models.bundle import BundleCard
from models.detector import CrackDetector, build_detector
from models.detector_config import DetectorConfig
from models.runtimes import RuntimeName, make_runtime
from models.segmenter import SegmenterConfig, build_segmenter
from pipeline.arrays import Image
from pipeline.cascade.cascade import Cascade, CascadeThresholds
from pipeline.cascade.stage1 import Stage1
from pipeline.cascade.stage2 import Stage2
from pipeline.settings import CropSettings

DETECTOR = DetectorConfig(
    backbone="resnet18",
    weights="none",
    space_to_depth=1,
    fpn_channels=16,
    head_convs=1,
    deepest=4,
    levels=(3, 4),
    anchor_sizes=(12, 24),
)
SEGMENTER = SegmenterConfig(encoder="resnet18", weights="none", decoder_channels=(16, 8, 8))


def tiny_card(**changes: Any) -> BundleCard:
    """A card of untrained networks, with `changes` laid over it."""
    card = BundleCard(
        name="tiny",
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        detector=DETECTOR,
        segmenter=SEGMENTER,
        score_threshold=0.3,
        probability_threshold=0.2,  # what an untrained stage 1 thinks of a pixel weighs too
        crop_halo=8,
        dataset="sample",
        dataset_fingerprint="0",
        split="paper",
        split_fingerprint="0",
        seed=1,
        device="cpu",
        metrics={},
        training_data_licence="generated",
        versions={},
    )
    return card.model_copy(update=changes)


def eager_detector(config: DetectorConfig = DETECTOR) -> CrackDetector:
    """Untrained, from torch's current seed, yet it finds something on every picture."""
    detector = build_detector(config)
    nn.init.normal_(detector.head.classification_head.cls_logits.weight, std=0.5)
    return detector


def tiny_cascade(
    detector: CrackDetector | None = None,
    segmenter: nn.Module | None = None,
    *,
    score: float = 0.3,
    probability: float = 0.2,
    runtime: RuntimeName = "torch",
    device: torch.device = torch.device("cpu"),  # noqa: B008
    streams: int = 1,
    tta: bool = False,
) -> Cascade:
    """A cascade of untrained networks, from torch's current seed."""
    running = make_runtime(runtime, device, streams=streams)
    stage1 = Stage1.on(running, detector or eager_detector(), tta=tta)
    stage2 = Stage2(running, segmenter or build_segmenter(SEGMENTER), SEGMENTER, CropSettings(), tta)
    return Cascade(stage1, stage2, CascadeThresholds(score, probability, probability), running)


class Darkness(nn.Module):
    """A segmenter that needs no training: the darker the pixel, the likelier a crack."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(-4.0))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels.mean(dim=1, keepdim=True) * self.slope


def noise(height: int = 100, width: int = 150) -> Image:
    """A picture of random pixels, ``(height, width, 3)``."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
