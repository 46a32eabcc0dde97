"""Stage 1: torchvision's RetinaNet with a light backbone, narrow pyramid and heads, at native resolution."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Literal, NamedTuple

import timm
import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torchvision.models.detection import RetinaNet
from torchvision.models.detection._utils import Matcher
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.retinanet import RetinaNetHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import FeaturePyramidNetwork, box_iou, clip_boxes_to_image
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from models.backbones import TIMM_NAMES, BackboneName, WeightsName, load_encoder_weights
from models.cells import CellHead
from models.suppression import suppress


class DetectorConfig(BaseModel):
    """Architecture of the detector: all that is needed to build it again around its weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backbone: BackboneName = "efficientnet_lite0"
    weights: WeightsName = Field("package", description="ImageNet weights that training starts from")
    fold: Literal[1, 2, 4] = Field(2, description="Blocks of fold × fold px become channels of one pixel")
    levels: tuple[int, ...] = Field((3, 4, 5), description="Pyramid levels; level n has stride 2^n")
    deepest: Literal[4, 5] = Field(5, description="The encoder's last stage in use, of stride 2^n")
    fpn_channels: int = Field(64, ge=8)
    head_convs: int = Field(2, ge=1, le=4)
    head_norm: Literal["group", "none"] = "group"
    anchor_sizes: tuple[float, ...] = Field(
        (12, 24, 48), description="Side of the square anchor of each level, px of the folded picture"
    )
    anchor_scales: tuple[float, ...] = (1.0, 2 ** (1 / 3), 2 ** (2 / 3))
    anchor_ratios: tuple[float, ...] = Field((0.5, 1.0, 2.0), description="Height over width")
    box_loss: Literal["giou", "l1"] = "giou"
    foreground_iou: float = 0.5
    background_iou: float = 0.4
    nms_iou: float = Field(0.5, gt=0, le=1)
    cells: bool = Field(True, description="A second head marks cells, and boxes are drawn around those (models.cells)")
    max_detections: int = Field(300, ge=1)
    second: DetectorConfig | None = Field(
        None,
        description="Another detector with cells of the same size, trained by itself: what both say is joined, by the "
        "first's nms_iou and max_detections",
    )

    @property
    def cell_stage(self) -> int:
        """The encoder's stage whose pixels are the cells: the first of at least 4 px of the full frame."""
        return 2 if self.fold == 1 else 1

    @property
    def cell_px(self) -> int:
        """Side of a cell, px of the full frame."""
        return int(2**self.cell_stage * self.fold)


class RawDetections(NamedTuple):
    """What the network says of a batch, before `decode`.

    Attributes:
        logits: ``(B, A)`` over all anchors.
        deltas: ``(B, A, 4)``.
        cells: logits of the cells ``(B, ⌈H / c⌉, ⌈W / c⌉)``, of ``cell_px`` each, of an ``(H, W)`` px picture as the
            network is shown it; None without that head.
    """

    logits: Tensor
    deltas: Tensor
    cells: Tensor | None = None


class Detections(NamedTuple):
    """Detections of a batch, best score first within a picture.

    Attributes:
        boxes: ``(N, 4)`` float32 xyxy px of the full frame, clipped to it.
        scores: ``(N,)`` float32, 0–1.
        pictures: ``(N,)`` int64, index of the picture in the batch.
    """

    boxes: Tensor
    scores: Tensor
    pictures: Tensor


class PyramidBackbone(nn.Module):
    """A timm encoder with a feature pyramid: ``(B, 3 f², h, w)`` → one ``(B, C, h / 2^n, w / 2^n)`` a level.

    The pyramid always reaches up to ``config.deepest``, for its wide view, whichever levels are asked for.
    """

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        lowest = min(config.levels)
        first = config.cell_stage if config.cells else lowest
        body = timm.create_model(
            TIMM_NAMES[config.backbone],
            features_only=True,
            out_indices=[stage - 1 for stage in range(first, config.deepest + 1)],
            in_chans=3 * config.fold**2,
        )
        channels: list[int] = body.feature_info.channels()  # type: ignore[union-attr, operator]
        load_encoder_weights(body, config.backbone, config.weights)
        self.skips = lowest - first
        extra = LastLevelP6P7(config.fpn_channels, config.fpn_channels) if max(config.levels) > 5 else None
        self.fpn = FeaturePyramidNetwork(channels[self.skips :], config.fpn_channels, extra_blocks=extra)
        self.cells = CellHead(config.fpn_channels, channels[: self.skips]) if config.cells else None
        self.body = body
        self.out_channels = config.fpn_channels
        self.wanted = [level - lowest for level in config.levels]

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """Pyramid of a normalised batch, finest level first."""
        return self.look(x)[0]

    def look(self, x: Tensor) -> tuple[OrderedDict[str, Tensor], Tensor | None]:
        """The pyramid, and the logits of the cells (`RawDetections`) where there is a head for them."""
        features = list(self.body(x))
        skips, deeper = features[: self.skips], features[self.skips :]
        pyramid = list(self.fpn(OrderedDict((str(i), f) for i, f in enumerate(deeper))).values())
        cells = self.cells(pyramid[0], skips) if self.cells is not None else None
        return OrderedDict((str(i), pyramid[i]) for i in self.wanted), cells


class NativeResolution(GeneralizedRCNNTransform):
    """torchvision's batching of pictures that come normalised and in their final size.

    Its own ``_skip_resize`` leaves the resize out in training only.
    """

    def normalize(self, image: Tensor) -> Tensor:
        """Return it as it came."""
        return image

    def resize(self, image: Tensor, target: dict[str, Tensor] | None = None) -> tuple[Tensor, dict[str, Tensor] | None]:
        """Return both as they came."""
        return image, target


class CrackDetector(RetinaNet):
    """RetinaNet that takes normalised pictures as they are, without torchvision's resize to 800 px.

    With ``config.second`` there are two of them. Each has learnt by itself (`losses` is of the first alone), and what
    is asked of them is answered by both: the detections of either, and of each cell the mean of both probabilities.
    """

    def __init__(self, config: DetectorConfig) -> None:
        anchors = AnchorGenerator(
            sizes=tuple(tuple(size * scale for scale in config.anchor_scales) for size in config.anchor_sizes),
            aspect_ratios=(config.anchor_ratios,) * len(config.levels),
        )
        norm = partial(nn.GroupNorm, 8) if config.head_norm == "group" else None
        head = RetinaNetHead(config.fpn_channels, anchors.num_anchors_per_location()[0], 1, norm_layer=norm)
        for branch in (head.classification_head, head.regression_head):
            branch.conv = branch.conv[: config.head_convs]
        head.regression_head._loss_type = config.box_loss
        super().__init__(
            PyramidBackbone(config),
            num_classes=1,
            anchor_generator=anchors,
            head=head,
            fg_iou_thresh=config.foreground_iou,
            bg_iou_thresh=config.background_iou,
        )
        self.transform = NativeResolution(1, 1, [0.0], [1.0])
        self.config = config
        self._anchor_cache: dict[tuple[int, int], Tensor] = {}
        bare = None if config.second is None else config.second.model_copy(update={"weights": "none"})
        self.second = None if bare is None else build_detector(bare)  # filled from a file, never trained in here

    def compute_loss(
        self, targets: list[dict[str, Tensor]], head_outputs: dict[str, Tensor], anchors: list[Tensor]
    ) -> dict[str, Tensor]:
        """RetinaNet's losses, in float32: below autocast its head answers in bfloat16.

        Of each target's ``unjudged`` boxes nobody knows whether they hold crack: an anchor that they would make no
        background, and that ``boxes`` make background, is left out.
        """
        widened = {name: output.float() for name, output in head_outputs.items()}
        matched = [_matched(self.proposal_matcher, own, laid) for own, laid in zip(targets, anchors, strict=True)]
        losses: dict[str, Tensor] = self.head.compute_loss(targets, widened, anchors, matched)
        return losses

    def losses(
        self, images: Tensor, boxes: list[Tensor], unjudged: list[Tensor] | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """RetinaNet's loss of a batch, and what the other head says of its cells.

        Args:
            images: ``(B, 3 f², h, w)`` float32, from `detector_input`.
            boxes: of each picture ``(N, 4)`` xyxy px of the full frame.
            unjudged: of each picture ``(M, 4)`` xyxy px around what nobody can say is crack or not; none: no such.

        Returns:
            the sum of classification and box loss, and the cells' logits (`RawDetections`).
        """
        height, width = images.shape[-2:]
        fold = self.config.fold
        unknown = [b[:0] for b in boxes] if unjudged is None else unjudged
        targets = [
            {"boxes": b / fold, "labels": b.new_zeros(len(b), dtype=torch.int64), "unjudged": u / fold}
            for b, u in zip(boxes, unknown, strict=True)
        ]
        pyramid, cells = self.backbone.look(images)
        features = list(pyramid.values())
        anchors = self.anchor_generator(ImageList(images, [(height, width)] * len(images)), features)
        losses = self.compute_loss(targets, self.head(features), anchors)
        return torch.stack(list(losses.values())).sum(), cells

    def raw(self, images: Tensor) -> RawDetections:
        """Output of this network alone before decoding.

        Args:
            images: ``(B, 3 f², h, w)`` float32, from `detector_input`.
        """
        pyramid, cells = self.backbone.look(images)
        out = self.head(list(pyramid.values()))
        return RawDetections(out["cls_logits"].squeeze(-1), out["bbox_regression"], cells)

    def answer(self, pictures: Tensor) -> RawDetections:
        """What this network and its second say of pictures before decoding: the part that other runtimes replace.

        Each pads them for itself: one that has learnt without a border of nothing is misled by one.

        Args:
            pictures: ``(B, 3, H, W)`` normalised, of any size.
        """
        own = self.raw(detector_input(pictures, self.config))
        if self.second is None:
            return own
        other = self.second.answer(pictures)
        logits = torch.cat([own.logits, other.logits], dim=1)
        deltas = torch.cat([own.deltas, other.deltas], dim=1)
        if own.cells is None or other.cells is None:
            return RawDetections(logits, deltas)
        rows, columns = ((side + self.config.cell_px - 1) // self.config.cell_px for side in pictures.shape[-2:])
        one, two = (cells[:, :rows, :columns].float().sigmoid() for cells in (own.cells, other.cells))
        mean = (one + two) / 2
        return RawDetections(logits, deltas, torch.log(mean / (1 - mean)))  # OpenVINO knows no `torch.logit`

    def anchors_for(self, height: int, width: int) -> Tensor:
        """Anchors that `answer` is about, of ``height × width`` px pictures: ``(A, 4)`` xyxy px of a picture folded
        by this detector, kept for the next of that size.
        """
        key = (height, width)
        anchors = self._anchor_cache.get(key)
        if anchors is None:
            multiple, fold = _own_multiple(self.config), self.config.fold
            folded = -(-height // multiple) * multiple // fold, -(-width // multiple) * multiple // fold
            strides = [2**level for level in self.config.levels]
            maps = [torch.empty(1, 1, -(-folded[0] // s), -(-folded[1] // s)) for s in strides]
            images = ImageList(torch.empty(1, 3, *folded), [folded])
            anchors = self.anchor_generator(images, maps)[0].float()
            if self.second is not None:
                others = self.second.anchors_for(height, width) * (self.second.config.fold / fold)
                anchors = torch.cat([anchors, others])
            self._anchor_cache = {key: anchors}  # another thread may replace it at once
        return anchors


def _matched(matcher: Matcher, target: dict[str, Tensor], anchors: Tensor) -> Tensor:
    """Index of each anchor's box, or what the matcher says of one without: ``(A,)`` int64."""

    def matched_to(boxes: Tensor) -> Tensor:
        if not len(boxes):
            return torch.full((len(anchors),), matcher.BELOW_LOW_THRESHOLD, dtype=torch.int64, device=anchors.device)
        indices: Tensor = matcher(box_iou(boxes, anchors))
        return indices

    matched = matched_to(target["boxes"])
    unknown = matched_to(target.get("unjudged", anchors[:0])) != matcher.BELOW_LOW_THRESHOLD
    matched[unknown & (matched == matcher.BELOW_LOW_THRESHOLD)] = matcher.BETWEEN_THRESHOLDS
    return matched


def build_detector(config: DetectorConfig) -> CrackDetector:
    """Build the detector; weights start from ``config.weights``, the rest from torch's current seed."""
    if len(config.anchor_sizes) != len(config.levels):
        raise ValueError(f"{len(config.anchor_sizes)} anchor sizes for {len(config.levels)} levels: give one a level")
    if config.cells and min(config.levels) <= config.cell_stage:
        raise ValueError(f"the lowest level must lie above {config.cell_stage}, where cells are marked")
    if config.deepest < 5 and max(config.levels) > config.deepest:
        raise ValueError(f"no pyramid level {max(config.levels)} above the encoder's stage {config.deepest}")
    if config.second and config.second.second:
        raise ValueError("two detectors are joined, not three: the second has none of its own")
    if (second := config.second) and (second.cells, second.cell_px) != (config.cells, config.cell_px):
        raise ValueError(f"cells of {config.cell_px} and {second.cell_px} px cannot be joined: make them the same")
    return CrackDetector(config)


def pad_to_multiple(images: Tensor, multiple: int) -> Tensor:
    """Pad ``(B, C, H, W)`` with zeros at right and bottom so that both sides are a multiple of `multiple` px."""
    height, width = images.shape[-2:]
    return F.pad(images, (0, -width % multiple, 0, -height % multiple))


def detector_input(images: Tensor, config: DetectorConfig) -> Tensor:
    """Pad ``(B, 3, H, W)`` normalised pictures to the encoder's stride and fold them: ``(B, 3 f², H' / f, W' / f)``.

    Folding (space to depth) makes the encoder as cheap as on a picture shrunk by f, yet its first convolution still
    sees every pixel: a crack 2 px wide fades in a shrunk picture, not in a folded one.
    """
    return F.pixel_unshuffle(pad_to_multiple(images, _own_multiple(config)), config.fold)


def detector_multiple(config: DetectorConfig) -> int:
    """Sides of a picture are made multiples of this, px, before it is shown; of two detectors the smaller one's."""
    own = _own_multiple(config)
    return own if config.second is None else min(own, detector_multiple(config.second))


def _own_multiple(config: DetectorConfig) -> int:
    """Stride of the encoder's last stage, px of the full frame, a power of two; P6 and P7 round up by themselves."""
    return (1 << config.deepest) * config.fold


def decode(
    logits: Tensor, deltas: Tensor, anchors: Tensor, size: tuple[int, int], config: DetectorConfig, min_score: float
) -> Detections:
    """Turn raw output into detections of the full frame, all pictures of a batch at once.

    Args:
        logits: ``(B, A)``, on the CPU like all else: they are few, and a GPU would wait for each small step.
        deltas: ``(B, A, 4)``.
        anchors: ``(A, 4)`` xyxy px of the folded picture.
        size: ``(H, W)`` of the full frame, px.
        config: the detector's.
        min_score: detections with a lower score are dropped.
    """
    scores = logits.float().sigmoid()
    pictures, index = torch.nonzero(scores >= min_score, as_tuple=True)
    scores = scores[pictures, index]
    boxes = _apply_deltas(deltas[pictures, index].float(), anchors[index]) * config.fold
    boxes = clip_boxes_to_image(boxes, size)
    solid = (boxes[:, 2:] - boxes[:, :2] >= 1).all(dim=1)
    boxes, scores, pictures = boxes[solid], scores[solid], pictures[solid]
    keep = suppress(boxes, scores, pictures, config.nms_iou, config.max_detections)
    return Detections(boxes[keep], scores[keep], pictures[keep])


def _apply_deltas(deltas: Tensor, anchors: Tensor) -> Tensor:
    """Ren et al. 2015, equation 2, the inverse of torchvision's ``BoxCoder`` with unit weights: ``(N, 4)`` xyxy px."""
    sides = anchors[:, 2:] - anchors[:, :2]
    centres = anchors[:, :2] + 0.5 * sides
    centres = centres + deltas[:, :2] * sides
    sides = sides * deltas[:, 2:].clamp(max=4.0).exp()
    return torch.cat([centres - 0.5 * sides, centres + 0.5 * sides], dim=1)
