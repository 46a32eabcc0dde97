"""The smallest networks and the smallest whole bundle card, for tests."""

from datetime import UTC, datetime
from typing import Any

from torch import nn

from models.bundle import BundleCard
from models.detector import CrackDetector, DetectorConfig, build_detector
from models.segmenter import SegmenterConfig

DETECTOR = DetectorConfig(backbone="resnet18", weights="none", fold=1, fpn_channels=16, head_convs=1)
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
