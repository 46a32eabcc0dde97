"""What the training loop must know of the detector: pictures with boxes from masks, RetinaNet's loss, validation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision import tv_tensors

from models.backbones import normalise
from models.coarse_mask import BoxSplitting
from models.detector import CrackDetector, build_detector, detector_input
from models.detector_config import DetectorConfig
from models.graphs import MEAN_COLOUR, DetectorGraph
from models.runtimes import Eager
from pipeline.cascade.stage1 import Stage1
from pipeline.datasets.base import NOT_JUDGED, Sample
from pipeline.datasets.boxes import mask_to_boxes
from pipeline.settings import LabelSettings, ThresholdSettings, TrainSettings
from pipeline.training.augment import Augmentation, make_augmentation
from pipeline.training.batches import batches_in, epoch_loader, workers_beside
from pipeline.training.losses import crack_loss
from pipeline.training.operating_point import candidates_of, choose_operating_point, looked_at


class DetectorTrainee:
    """The detector in training (`pipeline.training.loop.Trainee`)."""

    def __init__(
        self,
        config: DetectorConfig,
        labels: LabelSettings,
        augment: Augmentation,
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
        count, workers = len(self.train), workers_beside(next(self.model.parameters()).device)
        return epoch_loader(self._item, count, self.settings.batch, self.seed, epoch, _collate, workers)

    def loss(self, batch: Any, device: torch.device) -> Tensor:
        images, boxes, unjudged, labels = batch
        config, labels = self.model.config, labels.to(device)
        pixels = detector_input(normalise(images.to(device)), config)
        loss, coarse_logits = self.model.losses(pixels, boxes, unjudged)
        if coarse_logits is None:
            return loss
        truth, unknown = (coarse_truth(labels == value, coarse_logits, config) for value in (1, NOT_JUDGED))
        return loss + crack_loss(coarse_logits, truth, (truth > 0) | (unknown == 0))

    def validate(self, model: nn.Module, device: torch.device) -> dict[str, float]:
        """The operating point that this epoch would get, to be looked at.

        It has no score, so the last epoch is kept: twenty pictures cannot tell which of the later ones is best, and
        those chosen by them did worse on other pictures (docs/ablations).
        """
        assert isinstance(model, CrackDetector)
        config = model.config
        stage1 = Stage1(model, Eager(DetectorGraph(model)))
        coarse_px = config.coarse_px if config.coarse_mask else None
        candidates = candidates_of(looked_at(stage1, self.val), BoxSplitting(), coarse_px)
        figures = choose_operating_point(candidates, ThresholdSettings()).figures
        return {name: figures[name] for name in ("precision", "segmentation_error", "data_reduction")}

    def _item(self, index: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        sample = self.train[index]
        image = tv_tensors.Image(torch.tensor(sample.image).permute(2, 0, 1))
        image, labels = self.augmentation(image, tv_tensors.Mask(torch.from_numpy(sample.labels)))
        boxes, unjudged = (
            torch.from_numpy(mask_to_boxes(labels.numpy() == value, self.labels)).float() for value in (1, NOT_JUDGED)
        )
        return image.as_subclass(Tensor), boxes, unjudged, labels.as_subclass(Tensor)


def coarse_truth(masks: Tensor, coarse_logits: Tensor, config: DetectorConfig) -> Tensor:
    """Truth for the coarse mask, ``(B, H, W)`` masks → 1 where one of its pixels holds a True one, else 0.

    Args:
        masks: of the pictures, bool.
        coarse_logits: ``(B, h, w)`` that the truth is for, and as large as.
        config: of the detector.
    """
    height, width = coarse_logits.shape[-2:]
    truth = F.max_pool2d(masks.float()[:, None], config.coarse_px, ceil_mode=True)[:, 0]
    return F.pad(truth, (0, width - truth.shape[-1], 0, height - truth.shape[-2]))


def _collate(
    items: list[tuple[Tensor, Tensor, Tensor, Tensor]],
) -> tuple[Tensor, list[Tensor], list[Tensor], Tensor]:
    """One batch, filled up at right and bottom with the mean colour, as the hot path does (`models.graphs`)."""
    images, boxes, unjudged, labels = zip(*items, strict=True)
    height, width = (max(each.shape[axis] for each in labels) for axis in (0, 1))
    pixels = torch.tensor(MEAN_COLOUR, dtype=torch.uint8)[:, None, None].repeat(len(items), 1, height, width)
    truth = torch.zeros((len(items), height, width), dtype=torch.uint8)
    for index, (image, each) in enumerate(zip(images, labels, strict=True)):
        rows, columns = each.shape
        pixels[index, :, :rows, :columns], truth[index, :rows, :columns] = image, each
    return pixels, list(boxes), list(unjudged), truth
