"""Stage 2, usable alone: a picture and boxes → crops → packed canvases → the U-Net → a probability map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor, nn

from models.cuda import Network
from models.finite import check_answers
from models.graphs import SegmenterGraph, fuse_batch_norm, padded_pixels
from models.runtimes import Runtime
from models.segmenter import SegmenterConfig
from pipeline.arrays import AnyBoxes, Boxes, Image, ProbabilityMap
from pipeline.cascade.crops import plan_crops, stitch
from pipeline.cascade.packing import cut_canvases, fill_canvases, pack
from pipeline.cascade.tiles import TILE_PX, in_tiles
from pipeline.cascade.tta import SEGMENTER_CHANGES, change_boxes, change_image, undo
from pipeline.settings import CropSettings


class Segmented(NamedTuple):
    """What stage 2 looked at, and what it says.

    Attributes:
        crops: ``(M, 4)`` int64 xyxy px that the U-Net saw.
        probability: ``(H, W)`` float32, 0–1; 0 outside every crop.
        looked_px: pixels that went through the U-Net: canvases whole, gaps between crops and repeated looks included.
    """

    crops: Boxes
    probability: ProbabilityMap
    looked_px: int


class Stage2:
    """The U-Net, ready to look at pictures; may be called from several threads.

    Attributes:
        segmenter: the network, pixels to logits, in evaluation mode.
        network: the same as a runtime runs it.
        config: its architecture.
        crops: how boxes become crops.
        tta: look at mirror images and enlarged ones too, in more than five times the time.
    """

    def __init__(
        self, runtime: Runtime, segmenter: nn.Module, config: SegmenterConfig, crops: CropSettings, tta: bool = False
    ) -> None:
        """Make a trained U-Net ready on a runtime; it is copied for that."""
        self.segmenter = segmenter.eval()
        self.network: Network = runtime.prepare(fuse_batch_norm(SegmenterGraph(segmenter, config.multiple)))
        self.config = config
        self.crops = crops
        self.tta = tta

    def segment(self, image: Image, boxes: AnyBoxes) -> Segmented:
        """Look at what lies in and near ``(N, 4)`` xyxy px of an ``(H, W, 3)`` uint8 RGB picture."""
        if not self.tta:
            return self._segment_once(image, boxes)
        answers = []
        for change in SEGMENTER_CHANGES:
            changed = change_image(image, change)
            answer = self._segment_once(changed, change_boxes(boxes, image.shape, changed.shape, change))
            answers.append(answer._replace(probability=undo(answer.probability, image.shape, change)))
        probability = _mean([answer.probability for answer in answers])
        return Segmented(answers[0].crops, probability, sum(answer.looked_px for answer in answers))

    def full_frame(self, images: Sequence[Image]) -> list[ProbabilityMap]:
        """The rival: the same U-Net over whole pictures, large ones in tiles, one ``(H, W)`` float32 map each."""
        return [self._full_frame(image) for image in images]

    def _segment_once(self, image: Image, boxes: AnyBoxes) -> Segmented:
        """Plan crops, pack them, run the U-Net over the canvases, and stitch what it says."""
        height, width = image.shape[:2]
        crops = plan_crops(boxes, (height, width), self.crops.halo)
        shapes = [(int(y2 - y1), int(x2 - x1)) for x1, y1, x2, y2 in crops]
        places, canvas_shapes = pack(shapes, self.config.multiple)
        area = sum(rows * columns for rows, columns in canvas_shapes)
        if TILE_PX**2 >= area >= height * width:  # cut up, the picture would be larger than whole
            return Segmented(np.array([[0, 0, width, height]]), *self._whole(image))
        pieces = [image[y1:y2, x1:x2] for x1, y1, x2, y2 in crops]
        canvases = fill_canvases(pieces, places, canvas_shapes)
        answers = [self._answer(canvas[None]).numpy() for canvas in canvases]
        maps = list(cut_canvases(answers, places, shapes))
        return Segmented(crops, stitch(maps, crops, (height, width), self.crops.halo), area)

    def _full_frame(self, image: Image) -> ProbabilityMap:
        if not self.tta:
            return self._whole(image)[0]
        changes = SEGMENTER_CHANGES
        return _mean([undo(self._whole(change_image(image, change))[0], image.shape, change) for change in changes])

    def _whole(self, image: Image) -> tuple[ProbabilityMap, int]:
        """What the U-Net says of a whole picture, and the pixels that it looked at."""
        looked: list[int] = []

        def answer(part: Image) -> ProbabilityMap:
            pixels = padded_pixels([part], self.config.multiple)
            looked.append(pixels.shape[1] * pixels.shape[2])
            probability: ProbabilityMap = self._answer(pixels)[: part.shape[0], : part.shape[1]].numpy()
            return probability

        return in_tiles(image, answer), sum(looked)

    def _answer(self, pixels: Image) -> Tensor:
        """What the U-Net says of one picture, ``(1, H, W, 3)`` uint8 → ``(H, W)``."""
        answer = self.network(pixels)[0]
        check_answers([answer], "Stage 2")
        return answer[0]


def _mean(maps: Sequence[ProbabilityMap]) -> ProbabilityMap:
    return np.asarray(np.mean(maps, axis=0), np.float32)
