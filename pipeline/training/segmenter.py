"""What the training loop needs to know of the segmenter: crops around detected regions, BCE and Dice, validation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision import tv_tensors

from models.backbones import normalise
from models.detector import pad_to_multiple
from models.graphs import MEAN_COLOUR
from models.segmenter import SegmenterConfig, build_segmenter
from pipeline.arrays import Image, Labels, ProbabilityMap
from pipeline.cascade.packing import Place, pack_square
from pipeline.cascade.tiles import in_tiles
from pipeline.datasets.base import NOT_JUDGED, Sample
from pipeline.metrics import segmentation_counts
from pipeline.settings import SegmenterTrainSettings
from pipeline.training.augment import Augmentation, make_augmentation
from pipeline.training.batches import batches_in, epoch_loader, workers_beside
from pipeline.training.losses import crack_loss

ELSEWHERE = 0.1  # share of windows from anywhere: the segmenter must also know pavement that the detector passes over
CANVASES = 0.5  # share of items that are canvases of crops, as in the cascade; the rest are windows, as in full frames


class SegmenterTrainee:
    """The segmenter in training (`pipeline.training.loop.Trainee`)."""

    def __init__(
        self,
        config: SegmenterConfig,
        augment: Augmentation,
        settings: SegmenterTrainSettings,
        crop_side: int,
        seed: int,
        train: Sequence[Sample],
        regions: Mapping[str, NDArray[np.int64]],
        val: Sequence[Sample],
    ) -> None:
        """Crops are drawn around `regions`: by sample name, ``(N, 4)`` xyxy px that the detector found or should."""
        torch.manual_seed(seed)
        self.config = config
        self.model = build_segmenter(config)
        self.settings = settings
        self.crop_side = crop_side
        self.seed = seed
        self.train = train
        self.regions = regions
        self.val = val
        self.augmentation = make_augmentation(augment)

    def batches_per_epoch(self) -> int:
        return batches_in(len(self.train) * self.settings.items_per_sample, self.settings.batch)

    def batches(self, epoch: int) -> Iterable[Any]:
        settings = self.settings
        count = len(self.train) * settings.items_per_sample
        return epoch_loader(
            self._item,
            count,
            settings.batch,
            self.seed,
            epoch,
            torch.utils.data.default_collate,
            workers_beside(next(self.model.parameters()).device),
        )

    def loss(self, batch: Any, device: torch.device) -> Tensor:
        images, labels = (part.to(device) for part in batch)
        pixels = normalise(images).contiguous(memory_format=torch.channels_last)
        return crack_loss(self.model(pixels)[:, 0], (labels == 1).float(), labels != NOT_JUDGED)

    def validate(self, model: nn.Module, device: torch.device) -> dict[str, float]:
        counts = {0: [], 2: []}  # type: dict[int, list[Any]]
        for sample in self.val:
            predicted = segment(model, sample.image, self.config.multiple, device) >= 0.5
            for tolerance, pictures in counts.items():
                pictures.append(segmentation_counts(predicted, sample.mask, tolerance, sample.ignore))
        f1_0px, f1_2px = (sum(pictures[1:], pictures[0]).f1 for pictures in counts.values())
        return {"f1_0px": f1_0px, "f1_2px": f1_2px, "score": (f1_0px + f1_2px) / 2}

    def _item(self, index: int) -> tuple[Tensor, Tensor]:
        sample = self.train[index % len(self.train)]
        if torch.rand(()).item() < CANVASES and any(len(regions) for regions in self.regions.values()):
            image, labels = canvas_of(self._pieces(sample), self.crop_side)
        else:
            image, labels = crop_around(sample, self.regions[sample.name], self.crop_side)
        pixels = tv_tensors.Image(torch.from_numpy(image).permute(2, 0, 1))
        truth = tv_tensors.Mask(torch.from_numpy(labels))
        pixels, truth = self.augmentation(pixels, truth)
        return pixels.as_subclass(Tensor), truth.as_subclass(Tensor)

    def _pieces(self, sample: Sample) -> Iterator[tuple[Image, Labels]]:
        """Random crops without end, the first of them from `sample`, then from any."""
        while True:
            if len(regions := self.regions[sample.name]):
                yield random_crop(sample, regions, self.crop_side)
            sample = self.train[int(torch.rand(()).item() * len(self.train))]


def crop_around(sample: Sample, regions: NDArray[np.int64], side: int) -> tuple[Image, Labels]:
    """Cut a ``side × side`` window at a random place around a random region, drawing from torch's random state.

    Pictures smaller than the window are mirrored at right and bottom.
    """
    height, width = sample.mask.shape
    image = np.pad(sample.image, ((0, max(0, side - height)), (0, max(0, side - width)), (0, 0)), mode="symmetric")
    labels = np.pad(sample.labels, ((0, max(0, side - height)), (0, max(0, side - width))), mode="symmetric")
    height, width = labels.shape
    pick, jitter_x, jitter_y, elsewhere = torch.rand(4).tolist()
    if len(regions) == 0 or elsewhere < ELSEWHERE:
        x1, y1 = int(jitter_x * (width - side + 1)), int(jitter_y * (height - side + 1))
    else:
        region = regions[int(pick * len(regions))]
        centre_x, centre_y = (region[0] + region[2]) / 2, (region[1] + region[3]) / 2
        x1 = int(np.clip(centre_x - side * (0.2 + 0.6 * jitter_x), 0, width - side))
        y1 = int(np.clip(centre_y - side * (0.2 + 0.6 * jitter_y), 0, height - side))
    window = (slice(y1, y1 + side), slice(x1, x1 + side))
    return np.ascontiguousarray(image[window]), np.ascontiguousarray(labels[window])


def canvas_of(pieces: Iterable[tuple[Image, Labels]], side: int) -> tuple[Image, Labels]:
    """Pack ``(h, w, 3)`` crops and their labels into a ``side × side`` canvas; takes from `pieces` until it is full.

    In the cascade crops lie side by side (`pipeline.cascade.packing`), and what the segmenter sees beyond a crop's
    border is not its surroundings but some other road: it must have learnt not to mind.
    """
    canvas = np.full((side, side, 3), MEAN_COLOUR, np.uint8)
    truth = np.zeros((side, side), np.uint8)
    taken: list[tuple[Image, Labels]] = []
    places: list[Place] = []
    for piece in pieces:
        more = pack_square([(labels.shape[0], labels.shape[1]) for _, labels in [*taken, piece]], side)
        if more is None:
            break
        taken, places = [*taken, piece], more
    for (image, labels), (_, x, y) in zip(taken, places, strict=True):
        canvas[y : y + labels.shape[0], x : x + labels.shape[1]] = image
        truth[y : y + labels.shape[0], x : x + labels.shape[1]] = labels
    return canvas, truth


def random_crop(sample: Sample, regions: NDArray[np.int64], side: int) -> tuple[Image, Labels]:
    """One of a sample's regions, cut to at most ``side × side``, drawn from torch's random state."""
    pick, right, down = torch.rand(3).tolist()
    x1, y1, x2, y2 = regions[int(pick * len(regions))].tolist()
    x1 += int(right * max(0, x2 - x1 - side))
    y1 += int(down * max(0, y2 - y1 - side))
    window = (slice(y1, min(y2, y1 + side)), slice(x1, min(x2, x1 + side)))
    return sample.image[window], sample.labels[window]


def segment(model: nn.Module, image: Image, multiple: int, device: torch.device) -> ProbabilityMap:
    """Crack probability of a whole ``(H, W, 3)`` picture, of a large one tile by tile: ``(H, W)`` float32."""

    def answer(part: Image) -> ProbabilityMap:
        height, width = part.shape[:2]
        pixels = normalise(torch.tensor(part).permute(2, 0, 1)[None].to(device))
        inputs = pad_to_multiple(pixels, multiple).contiguous(memory_format=torch.channels_last)
        probability: ProbabilityMap = model(inputs)[0, 0].sigmoid().float().cpu().numpy()[:height, :width]
        return probability

    return in_tiles(image, answer)
