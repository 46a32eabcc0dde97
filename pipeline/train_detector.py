"""What the training loop must know of the detector: pictures with boxes from masks, RetinaNet's loss, validation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision import tv_tensors

from models.backbones import normalise
from models.detector import CrackDetector, DetectorConfig, build_detector, decode, detector_input
from pipeline.augment import make_augmentation
from pipeline.batches import batches_in, epoch_loader
from pipeline.boxes import mask_to_boxes
from pipeline.datasets.base import Sample
from pipeline.metrics import region_curve
from pipeline.settings import AugmentSettings, LabelSettings, TrainSettings

# Errors at which an epoch is judged; a single one would hang on two or three pictures.
JUDGED_ERRORS = (0.01, 0.02, 0.03, 0.05)
JUDGED_THRESHOLDS = np.linspace(0.02, 0.98, 49)


class DetectorTrainee:
    """The detector in training (`pipeline.training.Trainee`)."""

    def __init__(
        self,
        config: DetectorConfig,
        labels: LabelSettings,
        augment: AugmentSettings,
        settings: TrainSettings,
        seed: int,
        train: Sequence[Sample],
        val: Sequence[Sample],
    ) -> None:
        torch.manual_seed(seed)
        self.model: CrackDetector = build_detector(config)
        self.labels = labels
        self.settings = settings
        self.seed = seed
        self.train = train
        self.val = val
        self.augmentation = make_augmentation(augment)

    def batches_per_epoch(self) -> int:
        return batches_in(len(self.train), self.settings.batch)

    def batches(self, epoch: int) -> Iterable[Any]:
        settings = self.settings
        return epoch_loader(self._item, len(self.train), settings.batch, self.seed, epoch, collate=_collate)

    def loss(self, batch: Any, device: torch.device) -> Tensor:
        images, boxes = batch
        fold = self.model.config.fold
        pixels = detector_input(normalise(images.to(device)), self.model.config)
        targets = [
            {"boxes": b.to(device) / fold, "labels": torch.zeros(len(b), dtype=torch.int64, device=device)}
            for b in boxes
        ]
        losses: dict[str, Tensor] = self.model(list(pixels), targets)
        return torch.stack(list(losses.values())).sum()

    def validate(self, model: nn.Module, device: torch.device) -> dict[str, float]:
        assert isinstance(model, CrackDetector)
        found = [(*detect(model, sample.image, device, 0.01), sample.mask) for sample in self.val]
        curve = region_curve(found, JUDGED_THRESHOLDS)
        figures = [judge(curve, error) for error in JUDGED_ERRORS]
        precision, reduction = np.mean(figures, axis=0)
        return {"precision": precision, "data_reduction": reduction, "score": (precision + reduction) / 2}

    def _item(self, index: int) -> tuple[Tensor, Tensor]:
        sample = self.train[index]
        image = tv_tensors.Image(torch.from_numpy(sample.image).permute(2, 0, 1))
        mask = tv_tensors.Mask(torch.from_numpy(sample.mask.view(np.uint8)))
        image, mask = self.augmentation(image, mask)
        boxes = mask_to_boxes(mask.numpy() > 0, self.labels)
        return image.as_subclass(Tensor), torch.from_numpy(boxes).float()


def detect(
    model: CrackDetector, image: np.ndarray[Any, np.dtype[np.uint8]], device: torch.device, min_score: float
) -> tuple[np.ndarray[Any, np.dtype[np.float32]], np.ndarray[Any, np.dtype[np.float32]]]:
    """Detections of one ``(H, W, 3)`` picture: boxes ``(N, 4)`` xyxy px and scores ``(N,)``, best first."""
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].to(device)
    inputs = detector_input(normalise(pixels), model.config).contiguous(memory_format=torch.channels_last)
    logits, deltas = model.raw(inputs)
    height, width = inputs.shape[-2:]
    anchors = model.anchors_for(height, width, device)
    found = decode(logits, deltas, anchors, image.shape[:2], model.config, min_score)
    return found.boxes.cpu().numpy(), found.scores.cpu().numpy()


def judge(curve: Any, target_error: float) -> tuple[float, float]:
    """Precision and data reduction at the highest threshold whose error stays within `target_error`; zeros if none."""
    within = curve[(curve["segmentation_error"] <= target_error) & curve["precision"].notna()]
    if within.empty:
        return 0.0, 0.0
    row = within.loc[within["score_threshold"].idxmax()]
    return float(row["precision"]), float(row["data_reduction"])


def _collate(items: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, list[Tensor]]:
    images, boxes = zip(*items, strict=True)
    height, width = (max(image.shape[axis] for image in images) for axis in (1, 2))
    padded = [F.pad(image, (0, width - image.shape[2], 0, height - image.shape[1])) for image in images]
    return torch.stack(padded), list(boxes)
