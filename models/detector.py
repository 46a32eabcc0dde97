"""Stage 1: torchvision's RetinaNet with a light backbone, narrow pyramid and heads, at native resolution."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection import RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.retinanet import RetinaNetHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform

from models.detector_config import NORM_GROUPS, DetectorConfig
from models.pyramid import PyramidBackbone
from models.retinanet_loss import match_judged, retinanet_loss

# RetinaNet's (Lin et al. 2017, section 4): three sizes of anchor an octave, height over width; and from which overlap
# on an anchor is trained to be a box's, below which to be background.
ANCHOR_SCALES = (1.0, 2 ** (1 / 3), 2 ** (2 / 3))
ANCHOR_RATIOS = (0.5, 1.0, 2.0)
FOREGROUND_IOU, BACKGROUND_IOU = 0.5, 0.4


class RawOutput(NamedTuple):
    """What the network says of a batch, before `models.detections.decode_detections`.

    Attributes:
        logits: ``(B, A)`` over all anchors.
        deltas: ``(B, A, 4)``.
        features: ``(B, C)``, what the pictures are like (`models.pyramid.Seen`); of two detectors the first one's.
        coarse_mask: probability, 0–1 (never logits), ``(B, ⌈H / c⌉, ⌈W / c⌉)`` float32 with pixels of ``coarse_px``
            each, of an ``(H, W)`` px picture as the network is shown it; None without that head.
    """

    logits: Tensor
    deltas: Tensor
    features: Tensor
    coarse_mask: Tensor | None = None


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

    With ``config.second`` there are two of them, each trained by itself (`losses` is of the first alone). Both answer:
    the detections of either, and the mean of both coarse masks.
    """

    def __init__(self, config: DetectorConfig) -> None:
        anchors = AnchorGenerator(
            sizes=tuple(tuple(size * scale for scale in ANCHOR_SCALES) for size in config.anchor_sizes),
            aspect_ratios=(ANCHOR_RATIOS,) * len(config.levels),
        )
        norm = partial(nn.GroupNorm, NORM_GROUPS) if config.head_norm == "group" else None
        head = RetinaNetHead(config.fpn_channels, anchors.num_anchors_per_location()[0], 1, norm_layer=norm)
        for branch in (head.classification_head, head.regression_head):
            branch.conv = branch.conv[: config.head_convs]
        super().__init__(
            PyramidBackbone(config),
            num_classes=1,
            anchor_generator=anchors,
            head=head,
            fg_iou_thresh=FOREGROUND_IOU,
            bg_iou_thresh=BACKGROUND_IOU,
        )
        self.transform = NativeResolution(1, 1, [0.0], [1.0])
        self.config = config
        self._anchor_cache: dict[tuple[int, int], Tensor] = {}
        bare = None if config.second is None else config.second.model_copy(update={"weights": "none"})
        self.second = None if bare is None else build_detector(bare)  # filled from a file, never trained in here

    def losses(
        self, images: Tensor, boxes: list[Tensor], unjudged: list[Tensor] | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """RetinaNet's loss of a batch, and the coarse mask to compute the other loss from.

        Args:
            images: ``(B, 3 n², h, w)`` float32, from `detector_input`.
            boxes: of each picture ``(N, 4)`` xyxy px of the full frame.
            unjudged: of each picture ``(M, 4)`` xyxy px around what nobody can say is crack or not; none: no such.

        Returns:
            the sum of classification and box loss, and the logits of the coarse mask.
        """
        height, width = images.shape[-2:]
        scale = self.config.space_to_depth
        unknown = [each[:0] for each in boxes] if unjudged is None else unjudged
        pyramid, coarse_logits, _ = self.backbone.see(images)
        features = list(pyramid.values())
        maps = [each[:1, :1].float() for each in features]  # anchors have their type: of bfloat16 they would be coarse
        anchors = self.anchor_generator(ImageList(images[:1], [(height, width)]), maps)[0]
        matched, given = match_judged(
            [b / scale for b in boxes], [u / scale for u in unknown], anchors, self.proposal_matcher
        )
        out = self.head(features)
        loss = retinanet_loss(
            out["cls_logits"].float().squeeze(-1),  # below autocast the head answers in bfloat16
            out["bbox_regression"].float(),
            anchors,
            matched,
            given,
            self.head.regression_head.box_coder,
            self.config.box_loss,
        )
        return loss, coarse_logits

    def raw(self, images: Tensor) -> RawOutput:
        """Output of this network alone before decoding.

        Args:
            images: ``(B, 3 n², h, w)`` float32, from `detector_input`.
        """
        pyramid, coarse_logits, features = self.backbone.see(images)
        out = self.head(list(pyramid.values()))
        coarse_mask = None if coarse_logits is None else coarse_logits.float().sigmoid()
        return RawOutput(out["cls_logits"].squeeze(-1), out["bbox_regression"], features, coarse_mask)

    def answer(self, pictures: Tensor) -> RawOutput:
        """What this network and its second say of pictures before decoding: the part that other runtimes replace.

        Each pads them for itself: one trained without an empty border is misled by one.

        Args:
            pictures: ``(B, 3, H, W)`` normalised, of any size.
        """
        one = self.raw(detector_input(pictures, self.config))
        if self.second is None:
            return one
        two = self.second.answer(pictures)
        logits = torch.cat([one.logits, two.logits], dim=1)
        deltas = torch.cat([one.deltas, two.deltas], dim=1)
        if one.coarse_mask is None or two.coarse_mask is None:
            return RawOutput(logits, deltas, one.features)
        rows, columns = ((side + self.config.coarse_px - 1) // self.config.coarse_px for side in pictures.shape[-2:])
        mean = (one.coarse_mask[:, :rows, :columns] + two.coarse_mask[:, :rows, :columns]) / 2
        return RawOutput(logits, deltas, one.features, mean)

    def anchors_for(self, height: int, width: int) -> Tensor:
        """Anchors that `answer` is about, of ``height × width`` px pictures: ``(A, 4)`` xyxy px after this detector's
        space to depth, kept for the next picture of that size.
        """
        key = (height, width)
        anchors = self._anchor_cache.get(key)
        if anchors is None:
            multiple, scale = _own_multiple(self.config), self.config.space_to_depth
            inner = -(-height // multiple) * multiple // scale, -(-width // multiple) * multiple // scale
            strides = [2**level for level in self.config.levels]
            maps = [torch.empty(1, 1, -(-inner[0] // s), -(-inner[1] // s)) for s in strides]
            images = ImageList(torch.empty(1, 3, *inner), [inner])
            anchors = self.anchor_generator(images, maps)[0].float()
            if self.second is not None:
                others = self.second.anchors_for(height, width) * (self.second.config.space_to_depth / scale)
                anchors = torch.cat([anchors, others])
            self._anchor_cache = {key: anchors}  # another thread may replace it at once
        return anchors


def build_detector(config: DetectorConfig) -> CrackDetector:
    """Build the detector; weights start from ``config.weights``, the rest from torch's current seed.

    Raises:
        ValueError: there is no such network.
    """
    config.check()  # again: a copy that was changed has not been
    return CrackDetector(config)


def pad_to_multiple(images: Tensor, multiple: int) -> Tensor:
    """Pad ``(B, C, H, W)`` with zeros at right and bottom so that both sides are a multiple of `multiple` px."""
    height, width = images.shape[-2:]
    return F.pad(images, (0, -width % multiple, 0, -height % multiple))


def detector_input(images: Tensor, config: DetectorConfig) -> Tensor:
    """Pad ``(B, 3, H, W)`` normalised pictures to the encoder's stride: ``(B, 3 n², H' / n, W' / n)``.

    Space to depth (n = ``config.space_to_depth``) makes the encoder as cheap as on a picture shrunk by n, yet its first
    convolution still sees every pixel: a crack 2 px wide fades in a shrunk picture, here it does not.
    """
    return F.pixel_unshuffle(pad_to_multiple(images, _own_multiple(config)), config.space_to_depth)


def detector_multiple(config: DetectorConfig) -> int:
    """Sides of a picture are made multiples of this, px, before it is shown; of two detectors the smaller one's."""
    own = _own_multiple(config)
    return own if config.second is None else min(own, detector_multiple(config.second))


def _own_multiple(config: DetectorConfig) -> int:
    """Stride of the encoder's last stage, px of the full frame, a power of two; P6 and P7 round up by themselves."""
    return (1 << config.deepest) * config.space_to_depth
