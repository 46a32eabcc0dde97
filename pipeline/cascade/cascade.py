"""The hot path: detect → crop → segment → stitch. Everything that looks at photographs goes through here."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.bundle import load_bundle
from models.cells import CellBoxes
from models.detector import CrackDetector, decode, detector_multiple
from models.graphs import padded_pixels
from models.runtimes import LARGEST_BATCH, Runtime, RuntimeName, make_runtime
from models.segmenter import SegmenterConfig
from pipeline.cascade.coarse_boxes import MIN_BELIEF, boxes_around_cells, join_tiles
from pipeline.cascade.crops import ProbabilityMap, plan_crops, stitch
from pipeline.cascade.fusion import pool_opinions
from pipeline.cascade.packing import cut_sheets, fill_sheets, pack
from pipeline.cascade.second_look import join_looks, turned_round
from pipeline.cascade.stage1 import CellMap, Found, Seen, at_least, best_first, own_part
from pipeline.cascade.tiles import TILE_PX, Tile, tiles_of
from pipeline.cascade.views import AS_IT_IS, FOUR, View, as_it_is, show, show_boxes
from pipeline.datasets.base import Image, Mask
from pipeline.datasets.boxes import Boxes, round_outwards
from pipeline.settings import CropSettings

MIN_SCORE = 0.01  # detections below this are never kept: the curve over thresholds starts here


class CascadeResult(NamedTuple):
    """What the cascade says of one picture.

    Attributes:
        boxes: ``(N, 4)`` float32 xyxy px at or above the score threshold, best first.
        scores: ``(N,)`` float32, 0–1.
        crops: ``(M, 4)`` int64 xyxy px that the segmenter saw.
        probability: ``(H, W)`` float32, 0–1, 0 outside every box.
        mask: ``(H, W)`` bool, True on crack.
        detect_ms: time of stage 1, ms; of a batch, the picture's even share.
        segment_ms: time of stage 2, cropping and stitching included, likewise.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    crops: Boxes
    probability: ProbabilityMap
    mask: Mask
    detect_ms: float
    segment_ms: float


class Cascade:
    """Both networks, ready to look at pictures; may be called from as many threads as it has streams.

    Attributes:
        score_threshold: detections below it are dropped.
        cells: how boxes are drawn, by a detector with a head for cells.
        probability_threshold: pixels at or above it are crack.
        full_frame_threshold: the same for the segmenter over whole pictures, where no detector rules anything out.
        runtime: what runs both networks.
        look_again: stage 1 looks at the picture turned round too.
        views: in which stage 2 looks at a picture; what they show is averaged.
    """

    def __init__(
        self,
        detector: CrackDetector,
        segmenter: nn.Module,
        segmenter_config: SegmenterConfig,
        crops: CropSettings,
        score_threshold: float,
        probability_threshold: float,
        device: torch.device,
        runtime: RuntimeName = "auto",
        streams: int = 1,
        look_again: bool = False,
        full_frame_threshold: float | None = None,
        cells: CellBoxes | None = None,
    ) -> None:
        """Take two trained networks, which are copied for the runtime.

        Args:
            detector: stage 1.
            segmenter: stage 2, pixels to logits.
            segmenter_config: its configuration.
            crops: how detections become crops.
            score_threshold: of detections.
            probability_threshold: of pixels.
            device: where to compute.
            runtime: see `models.runtimes.choose_runtime`.
            streams: callers at once; each gets an even share of the cores.
            look_again: stage 1 looks at the picture turned round too, stage 2 at mirror images and enlarged ones, in
                twice and in more than five times their time.
            full_frame_threshold: of pixels of `full_frame`; none: as `probability_threshold`.
            cells: how boxes are drawn by a detector with a head for cells; none: as `CellBoxes` stands.

        Raises:
            models.errors.UsageError: the runtime cannot be had here.
        """
        self.look_again = look_again
        self.views = FOUR if look_again else AS_IT_IS
        self.detector = detector.eval()
        self.segmenter = segmenter.eval()
        self.segmenter_config = segmenter_config
        self.crops = crops
        self.score_threshold = score_threshold
        self.cells = cells or CellBoxes()
        self.probability_threshold = probability_threshold
        self.full_frame_threshold = probability_threshold if full_frame_threshold is None else full_frame_threshold
        self.device = device
        self.runtime: Runtime = make_runtime(
            runtime, detector, segmenter, segmenter_config.multiple, device, streams=streams
        )

    @classmethod
    def load(
        cls, folder: Path | str, device: str | torch.device = "cpu", runtime: RuntimeName = "auto", streams: int = 1
    ) -> Self:
        """Load a bundle.

        Raises:
            models.errors.BundleError: the folder holds no intact bundle.
            models.errors.UsageError: the runtime cannot be had here.
        """
        detector, segmenter, card = load_bundle(Path(folder))
        return cls(
            detector,
            segmenter,
            card.segmenter,
            CropSettings(halo=card.crop_halo),
            card.score_threshold,
            card.probability_threshold,
            torch.device(device),
            runtime,
            streams,
            card.look_again,
            card.full_frame_threshold,
            card.cells,
        )

    def __call__(self, image: Image) -> CascadeResult:
        """Look at one picture, ``(H, W, 3)`` uint8 RGB."""
        return self.look([image])[0]

    def look(self, images: Sequence[Image]) -> list[CascadeResult]:
        """Look at a batch of pictures, each ``(H, W, 3)`` uint8 RGB, of any sizes; those of one size go fastest."""
        began = time.perf_counter()
        seen = self.see(images, self.score_threshold)
        found = self.draw(seen, self.score_threshold)
        detected = time.perf_counter()
        stitched = self.segment(images, [boxes for boxes, _ in found], [own.cells for own in seen])
        results = [
            CascadeResult(boxes, scores, crops, probability, probability >= self.probability_threshold, 0, 0)
            for (boxes, scores), (crops, probability) in zip(found, stitched, strict=True)
        ]
        times = [spent * 1e3 / max(1, len(images)) for spent in (detected - began, time.perf_counter() - detected)]
        return [result._replace(detect_ms=times[0], segment_ms=times[1]) for result in results]

    def detect(self, images: Sequence[Image], min_score: float = MIN_SCORE) -> list[Found]:
        """Stage 1 alone: boxes and scores of each picture from `min_score` up, best first."""
        return self.draw(self.see(images, min_score), min_score)

    def draw(self, seen: Sequence[Seen], min_score: float) -> list[Found]:
        """Boxes and scores from `min_score` up, best first, of pictures that `see` has seen."""
        config = self.detector.config
        if not config.cells:
            return [own.found for own in seen]
        return [at_least(boxes_around_cells(*own, config.cell_px, self.cells), min_score) for own in seen]

    def see(self, images: Sequence[Image], min_score: float = MIN_SCORE) -> list[Seen]:
        """What the detector says of each picture before boxes are drawn around cells; with those, from `MIN_BELIEF`."""
        config = self.detector.config
        if not config.cells:
            return self._see(images, min_score)
        seen = self._see(images, MIN_BELIEF)
        if not self.look_again:
            return seen
        turned = self._see([turned_round(image, config.cell_px) for image in images], MIN_BELIEF)
        return [join_looks(*both) for both in zip(seen, turned, strict=True)]

    def _see(self, images: Sequence[Image], min_score: float) -> list[Seen]:
        """One look at each picture, tile by tile."""
        jobs = [(index, tile) for index, image in enumerate(images) for tile in tiles_of(image.shape[:2])]
        by_shape: dict[tuple[int, int], list[tuple[int, Tile]]] = defaultdict(list)
        for index, tile in jobs:
            x1, y1, x2, y2 = tile.frame
            by_shape[y2 - y1, x2 - x1].append((index, tile))
        parts: dict[int, list[tuple[Tile, Seen]]] = defaultdict(list)
        for shape, same in by_shape.items():
            for start in range(0, len(same), LARGEST_BATCH):
                batch = same[start : start + LARGEST_BATCH]
                for (index, tile), own in zip(batch, self._detect_batch(images, batch, shape, min_score), strict=True):
                    parts[index].append((tile, own))
        return [self._joined(parts[index], image.shape[:2]) for index, image in enumerate(images)]

    def _joined(self, parts: Sequence[tuple[Tile, Seen]], size: tuple[int, int]) -> Seen:
        """The tiles of one picture as one."""
        if len(parts) == 1:
            return parts[0][1]
        config = self.detector.config
        found = best_first([own_part(own.found, tile) for tile, own in parts])
        if not config.cells:
            return Seen(found, parts[0][1].cells, size)
        return Seen(found, join_tiles([(tile, own.cells) for tile, own in parts], size, config.cell_px), size)

    def segment(
        self, images: Sequence[Image], boxes: Sequence[NDArray[np.generic]], cells: Sequence[CellMap]
    ) -> list[tuple[Boxes, ProbabilityMap]]:
        """Stage 2, given what stage 1 has found: of each picture the crops ``(M, 4)`` xyxy px around its `boxes`, and
        the ``(H, W)`` probability, 0 outside boxes. Where there are `cells`, that is what both stages think.
        """
        return [self._segment_one(*own) for own in zip(images, boxes, cells, strict=True)]

    def full_frame(self, images: Sequence[Image]) -> list[ProbabilityMap]:
        """The rival: the same segmenter over whole pictures, one ``(H, W)`` float32 map each."""
        return [self._mean_over_views(image, self._whole_frame) for image in images]

    def _segment_one(self, image: Image, boxes: NDArray[np.generic], cells: CellMap) -> tuple[Boxes, ProbabilityMap]:
        crops: list[Boxes] = []

        def in_boxes(picture: Image, view: View) -> ProbabilityMap:
            own, probability = self._segment_crops(picture, show_boxes(boxes, image.shape, picture.shape, view))
            crops.append(own)
            return probability

        probability = self._mean_over_views(image, in_boxes)
        if not cells.size:
            return crops[0], _inside(probability, boxes)
        return crops[0], pool_opinions(probability, cells, boxes, self.detector.config.cell_px)

    def _segment_crops(self, picture: Image, boxes: NDArray[np.generic]) -> tuple[Boxes, ProbabilityMap]:
        """The crops of one picture as it is shown, and what the segmenter says of them, over the whole of it."""
        size = (picture.shape[0], picture.shape[1])
        crops = plan_crops(boxes, size, self.crops.halo)
        shapes = [(int(y2 - y1), int(x2 - x1)) for x1, y1, x2, y2 in crops]
        places, sheets = pack(shapes, self.segmenter_config.multiple)
        area = sum(height * width for height, width in sheets)
        if TILE_PX**2 >= area >= size[0] * size[1]:  # cut up, the picture would be larger than whole
            return np.array([[0, 0, size[1], size[0]]]), self._whole_frame(picture, AS_IT_IS[0])
        pieces = [picture[y1:y2, x1:x2] for x1, y1, x2, y2 in crops]
        answers = [self.runtime.segmenter(sheet[None])[0] for sheet in fill_sheets(pieces, places, sheets)]
        return crops, stitch(list(cut_sheets(answers, places, shapes)), crops, size, self.crops.halo)

    def _whole_frame(self, picture: Image, _: View) -> ProbabilityMap:
        height, width = picture.shape[:2]
        pixels = padded_pixels([picture], self.segmenter_config.multiple)
        return self.runtime.segmenter(pixels)[0, :height, :width]

    def _mean_over_views(self, image: Image, segment: Callable[[Image, View], ProbabilityMap]) -> ProbabilityMap:
        """What `segment` says of the picture, averaged over the views."""
        if self.views == AS_IT_IS:
            return segment(image, AS_IT_IS[0])
        seen = [as_it_is(segment(show(image, view), view), image.shape, view) for view in self.views]
        return np.asarray(np.mean(seen, axis=0), np.float32)

    def _detect_batch(
        self, images: Sequence[Image], batch: Sequence[tuple[int, Tile]], shape: tuple[int, int], min_score: float
    ) -> list[Seen]:
        """What tiles of one ``(h, w)`` shape show, in px of each tile."""
        config = self.detector.config
        pixels = padded_pixels([_cut(images[index], tile) for index, tile in batch], detector_multiple(config))
        with torch.inference_mode():
            logits, deltas, cells = self.runtime.detector(pixels)
            anchors = self.detector.anchors_for(pixels.shape[1], pixels.shape[2])
            found = decode(logits, deltas, anchors, shape, config, min_score)
            ends = torch.searchsorted(found.pictures, torch.arange(1, len(batch))).tolist()
        boxes, scores = (np.split(part.numpy(), ends) for part in (found.boxes, found.scores))
        rows, columns = (-(-side // config.cell_px) for side in shape)
        maps = np.zeros((len(batch), 0, 0), np.float32) if cells is None else cells[:, :rows, :columns].numpy()
        return [
            Seen(own, own_cells, shape) for own, own_cells in zip(zip(boxes, scores, strict=True), maps, strict=True)
        ]


def _cut(image: Image, tile: Tile) -> Image:
    x1, y1, x2, y2 = tile.frame
    return image[y1:y2, x1:x2]


def _inside(probability: ProbabilityMap, boxes: NDArray[np.generic]) -> ProbabilityMap:
    """The map with 0 outside every box."""
    kept = np.zeros_like(probability)
    for x1, y1, x2, y2 in round_outwards(boxes, probability.shape).tolist():
        kept[y1:y2, x1:x2] = probability[y1:y2, x1:x2]
    return kept
