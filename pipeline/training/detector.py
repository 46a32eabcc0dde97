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
from models.cells import CellCuts
from models.detector import CrackDetector, DetectorConfig, build_detector, decode, detector_input
from models.graphs import MEAN_COLOUR
from pipeline.cascade.coarse_boxes import MIN_BELIEF
from pipeline.cascade.stage1 import Seen
from pipeline.datasets.base import NOT_JUDGED, Image, Sample
from pipeline.datasets.boxes import mask_to_boxes
from pipeline.settings import AugmentSettings, LabelSettings, ThresholdSettings, TrainSettings
from pipeline.training.augment import make_augmentation
from pipeline.training.batches import batches_in, epoch_loader
from pipeline.training.losses import crack_loss
from pipeline.training.operating_point import SCORES, candidates_of, choose_operating_point


class DetectorTrainee:
    """The detector in training (`pipeline.training.loop.Trainee`)."""

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
        images, boxes, unjudged, labels = batch
        config, labels = self.model.config, labels.to(device)
        pixels = detector_input(normalise(images.to(device)), config)
        loss, cells = self.model.losses(pixels, [b.to(device) for b in boxes], [b.to(device) for b in unjudged])
        if cells is None:
            return loss
        truth, unknown = (cells_that_hold(labels == value, cells, config) for value in (1, NOT_JUDGED))
        return loss + crack_loss(cells, truth, (truth > 0) | (unknown == 0))

    def validate(self, model: nn.Module, device: torch.device) -> dict[str, float]:
        """The operating point that this epoch would get, to be looked at.

        It has no score, so the last epoch is kept: twenty pictures cannot tell which of the later ones is best, and
        those chosen by them did worse on other pictures (RESULTS.md).
        """
        assert isinstance(model, CrackDetector)
        config = model.config
        seen = [look(model, sample.image, device) for sample in self.val]
        cell_px = config.cell_px if config.cells else None
        candidates = candidates_of(seen, [sample.mask for sample in self.val], CellCuts(), cell_px)
        figures = choose_operating_point(candidates, ThresholdSettings()).figures
        return {name: figures[name] for name in ("precision", "segmentation_error", "data_reduction")}

    def _item(self, index: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        sample = self.train[index]
        image = tv_tensors.Image(torch.from_numpy(sample.image).permute(2, 0, 1))
        image, labels = self.augmentation(image, tv_tensors.Mask(torch.from_numpy(sample.labels)))
        boxes, unjudged = (
            torch.from_numpy(mask_to_boxes(labels.numpy() == value, self.labels)).float() for value in (1, NOT_JUDGED)
        )
        return image.as_subclass(Tensor), boxes, unjudged, labels.as_subclass(Tensor)


def cells_that_hold(masks: Tensor, cells: Tensor, config: DetectorConfig) -> Tensor:
    """Truth for the head of cells, as large as its answer: ``(B, H, W)`` masks → 1 where a cell holds a True pixel."""
    height, width = cells.shape[-2:]
    truth = F.max_pool2d(masks.float()[:, None], config.cell_px, ceil_mode=True)[:, 0]
    return F.pad(truth, (0, width - truth.shape[-1], 0, height - truth.shape[-2]))


def look(model: CrackDetector, image: Image, device: torch.device) -> Seen:
    """What the detector says of one ``(H, W, 3)`` picture, best detection first."""
    config = model.config
    size = (image.shape[0], image.shape[1])
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].to(device)
    raw = model.answer(normalise(pixels).contiguous(memory_format=torch.channels_last))
    anchors = model.anchors_for(*size)
    found = decode(
        raw.logits.cpu(), raw.deltas.cpu(), anchors, size, config, MIN_BELIEF if config.cells else float(SCORES[0])
    )
    maps = np.zeros((0, 0), np.float32) if raw.cells is None else raw.cells[0].float().sigmoid().cpu().numpy()
    return Seen((found.boxes.numpy(), found.scores.numpy()), maps, size)


def _collate(
    items: list[tuple[Tensor, Tensor, Tensor, Tensor]],
) -> tuple[Tensor, list[Tensor], list[Tensor], Tensor]:
    """One batch, filled up at right and bottom with the mean colour, as the hot path does (`models.graphs`)."""
    images, boxes, unjudged, labels = zip(*items, strict=True)
    height, width = (max(own.shape[axis] for own in labels) for axis in (0, 1))
    pixels = torch.tensor(MEAN_COLOUR, dtype=torch.uint8)[:, None, None].repeat(len(items), 1, height, width)
    truth = torch.zeros((len(items), height, width), dtype=torch.uint8)
    for index, (image, own) in enumerate(zip(images, labels, strict=True)):
        rows, columns = own.shape
        pixels[index, :, :rows, :columns], truth[index, :rows, :columns] = image, own
    return pixels, list(boxes), list(unjudged), truth
