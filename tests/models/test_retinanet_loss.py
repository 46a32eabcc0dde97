"""The losses of a batch are torchvision's of its pictures."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.ops import box_iou

import models.detector
from models.detector import BACKGROUND_IOU, FOREGROUND_IOU, build_detector
from models.detector_config import DetectorConfig
from models.retinanet_loss import BACKGROUND, LEFT_OUT, match_anchors, match_judged, retinanet_loss, stacked

SMALL = DetectorConfig(backbone="resnet18", weights="none", space_to_depth=1, fpn_channels=16, head_convs=1)
MATCHER = Matcher(FOREGROUND_IOU, BACKGROUND_IOU, allow_low_quality_matches=True)
NONE = torch.zeros(0, 4)


def boxes_of(*rows):
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)


@pytest.fixture(scope="module")
def anchors():
    return build_detector(SMALL).anchors_for(64, 96)


@pytest.mark.parametrize("box_loss", ["giou", "l1"])
@pytest.mark.parametrize(
    "boxes",
    [
        [boxes_of([8, 8, 40, 40]), NONE],
        [NONE, NONE],
        [boxes_of([8, 8, 40, 40], [50, 3, 60, 20], [50, 4, 61, 20]), boxes_of([70, 40, 90, 60])],
    ],
)
def test_losses_and_gradients_are_those_of_torchvision(boxes, box_loss):
    torch.manual_seed(0)
    model = build_detector(SMALL.model_copy(update={"box_loss": box_loss})).train()
    model.head.regression_head._loss_type = box_loss
    for norm in model.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.eval()
    images = torch.randn(2, 3, 64, 96)
    weights = list(model.head.parameters())
    targets = [{"boxes": b, "labels": torch.zeros(len(b), dtype=torch.int64)} for b in boxes]
    theirs = sum(model(list(images), targets).values())
    ours = model.losses(images, boxes)[0]
    torch.testing.assert_close(ours, theirs)
    for our, their in zip(torch.autograd.grad(ours, weights), torch.autograd.grad(theirs, weights), strict=True):
        torch.testing.assert_close(our, their, rtol=1e-4, atol=1e-6)


@st.composite
def pictures(draw):
    corner, side = st.floats(0, 60), st.floats(1, 60)
    one = st.tuples(corner, corner, side, side).map(lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]])
    return [boxes_of(*draw(st.lists(one, max_size=5))) for _ in range(draw(st.integers(1, 3)))]


@settings(max_examples=40, deadline=None)
@given(boxes=pictures())
def test_each_picture_is_matched_as_torchvision_matches_it_alone(anchors, boxes):
    matched = match_anchors(*stacked(boxes, anchors.device), anchors, MATCHER)
    for ours, picture in zip(matched, boxes, strict=True):
        theirs = MATCHER(box_iou(picture, anchors)) if len(picture) else torch.full((len(anchors),), BACKGROUND)
        assert torch.equal(ours, theirs)


def test_anchors_over_what_is_not_to_be_judged_are_no_background(anchors):
    boxes, unjudged = boxes_of([4, 4, 30, 30]), boxes_of([60, 30, 84, 60])
    logits = torch.zeros(1, len(anchors), requires_grad=True)
    matched, stack = match_judged([boxes], [unjudged], anchors, MATCHER)
    deltas = torch.zeros(1, len(anchors), 4)
    retinanet_loss(logits, deltas, anchors, matched, stack, BoxCoder((1, 1, 1, 1)), "giou").backward()
    counted = logits.grad[0] != 0
    over = box_iou(anchors, unjudged)[:, 0]
    assert not counted[over >= BACKGROUND_IOU].any()
    assert counted[(over < 0.1) & (box_iou(anchors, boxes)[:, 0] < 0.1)].all()
    assert counted[box_iou(anchors, boxes)[:, 0] >= FOREGROUND_IOU].all()


def test_what_fills_up_a_list_of_boxes_matches_nothing():
    anchors = boxes_of([0, 0, 10, 10], [20, 20, 30, 30], [0, 0, 14, 10])
    matched = match_anchors(
        *stacked([boxes_of([0, 0, 10, 10], [20, 20, 30, 30]), NONE], anchors.device), anchors, MATCHER
    )
    assert matched.tolist() == [[0, 1, 0], [BACKGROUND] * 3]
    matched = match_anchors(*stacked([boxes_of([0, 0, 10, 6])], anchors.device), anchors, MATCHER)
    assert matched.tolist() == [[0, BACKGROUND, LEFT_OUT]]  # overlaps of 0.6, 0 and 0.43


def test_anchors_keep_their_places_where_the_network_answers_coarsely(monkeypatch):
    seen = []
    real = models.detector.match_judged

    def kept(boxes, unjudged, anchors, matcher):
        seen.append(anchors)
        return real(boxes, unjudged, anchors, matcher)

    monkeypatch.setattr(models.detector, "match_judged", kept)
    model = build_detector(SMALL).train()
    with torch.autocast("cpu", torch.bfloat16):
        model.losses(torch.randn(1, 3, 64, 320), [boxes_of([8, 8, 40, 40])])
    assert seen[0].dtype == torch.float32
    assert torch.equal(seen[0], model.anchors_for(64, 320))
