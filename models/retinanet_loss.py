"""RetinaNet's losses over a whole batch at once.

torchvision takes them picture by picture, some 340 small operations each: on a GPU that costs ten times what the
network itself does. The values are torchvision's (``RetinaNet.compute_loss`` and the losses of its heads).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.ops import box_iou, generalized_box_iou_loss, sigmoid_focal_loss

BACKGROUND, LEFT_OUT = Matcher.BELOW_LOW_THRESHOLD, Matcher.BETWEEN_THRESHOLDS  # of an anchor without a box
NO_BOX = -1.0  # overlap of an anchor with what only fills up a picture's list of boxes: less than any


def stacked(boxes: Sequence[Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
    """Boxes of each picture, ``(N, 4)``, as one ``(B, M, 4)`` filled up with zeros, and which are boxes: ``(B, M)``."""
    counts = torch.tensor([len(each) for each in boxes])
    padded = pad_sequence(list(boxes), batch_first=True)
    real = torch.arange(padded.shape[1])[None] < counts[:, None]
    return padded.to(device), real.to(device)


def match_anchors(boxes: Tensor, real: Tensor, anchors: Tensor, matcher: Matcher) -> Tensor:
    """Index of each anchor's box, `BACKGROUND` or `LEFT_OUT`: ``(B, A)`` int64, as `Matcher` says of each picture.

    Args:
        boxes: ``(B, M, 4)`` xyxy px.
        real: ``(B, M)`` bool, False where a picture has fewer boxes.
        anchors: ``(A, 4)`` xyxy px.
        matcher: torchvision's, with its thresholds; every box's best anchor is its own however little they overlap.
    """
    batch, most = real.shape
    if not most:
        return torch.full((batch, len(anchors)), BACKGROUND, dtype=torch.int64, device=anchors.device)
    overlaps = box_iou(boxes.flatten(0, 1), anchors).view(batch, most, -1)
    overlaps = overlaps.masked_fill(~real[..., None], NO_BOX)
    overlap, box = overlaps.max(dim=1)  # (B, A)
    matched = box.masked_fill(overlap < matcher.high_threshold, LEFT_OUT)
    matched = matched.masked_fill(overlap < matcher.low_threshold, BACKGROUND)
    best_of_a_box = ((overlaps == overlaps.amax(dim=2, keepdim=True)) & real[..., None]).any(dim=1)
    return torch.where(best_of_a_box, box, matched)


def match_judged(
    boxes: Sequence[Tensor], unjudged: Sequence[Tensor], anchors: Tensor, matcher: Matcher
) -> tuple[Tensor, Tensor]:
    """Matches, and the boxes they mean: ``(B, A)`` int64 and ``(B, M, 4)``.

    Of `unjudged` boxes nobody knows whether they hold crack: an anchor that they would make no background, and that
    `boxes` make background, is left out.
    """
    given, real = stacked(boxes, anchors.device)
    matched = match_anchors(given, real, anchors, matcher)
    unknown = match_anchors(*stacked(unjudged, anchors.device), anchors, matcher) != BACKGROUND
    return matched.masked_fill(unknown & (matched == BACKGROUND), LEFT_OUT), given


def retinanet_loss(
    logits: Tensor,
    deltas: Tensor,
    anchors: Tensor,
    matched: Tensor,
    boxes: Tensor,
    coder: BoxCoder,
    box_loss: Literal["giou", "l1"],
) -> Tensor:
    """Focal loss of all anchors that are judged plus the loss of boxes, each by the picture's number of matches.

    Args:
        logits: ``(B, A)`` float32, of crack.
        deltas: ``(B, A, 4)`` float32.
        anchors: ``(A, 4)`` xyxy px.
        matched: ``(B, A)`` int64, of `match_judged`.
        boxes: ``(B, M, 4)`` xyxy px that `matched` counts.
        coder: of boxes into deltas.
        box_loss: generalised IoU (Rezatofighi et al. 2019), or the distance of deltas.
    """
    crack = matched >= 0
    share = 1 / (crack.sum(dim=1).clamp(min=1) * len(logits))  # (B,): of one anchor's loss in the batch's
    focal = sigmoid_focal_loss(logits, crack.to(logits.dtype), reduction="none")
    of_class = (focal.masked_fill(matched == LEFT_OUT, 0).sum(dim=1) * share).sum()
    picture, anchor = crack.nonzero(as_tuple=True)
    wanted, found, base = boxes[picture, matched[picture, anchor]], deltas[picture, anchor], anchors[anchor]
    if box_loss == "giou":
        each = generalized_box_iou_loss(coder.decode_single(found, base), wanted, reduction="none")
    else:
        each = F.l1_loss(found, coder.encode_single(wanted, base), reduction="none").sum(dim=1)
    loss: Tensor = of_class + (each * share[picture]).sum()
    return loss
