import numpy as np
import pytest
import torch

from models.detections import NMS_IOU, decode_detections
from models.detector import RawOutput, build_detector, detector_input, detector_multiple
from models.detector_config import DetectorConfig

SMALL = DetectorConfig(backbone="resnet18", weights="none", space_to_depth=1, fpn_channels=16, head_convs=1)


@pytest.fixture(scope="module")
def detector():
    torch.manual_seed(0)
    model = build_detector(SMALL).eval()
    torch.nn.init.normal_(model.head.classification_head.cls_logits.weight, std=0.5)  # spread the scores
    return model


@torch.inference_mode()
def test_raw_and_decode_agree_with_torchvisions_own_inference(detector):
    pictures = torch.randn(2, 3, 64, 96)
    detector.score_thresh, detector.nms_thresh, detector.topk_candidates = 0.2, NMS_IOU, 10**6
    theirs = detector(list(pictures))
    inputs = detector_input(pictures, SMALL)
    ours = decode_detections(detector.raw(inputs), detector.anchors_for(64, 96), (64, 96), SMALL, 0.2)
    for mine, expected in zip(ours, theirs, strict=True):
        assert len(expected["boxes"]) > 5
        torch.testing.assert_close(torch.from_numpy(mine.scores), expected["scores"])
        torch.testing.assert_close(torch.from_numpy(mine.boxes), expected["boxes"])


@torch.inference_mode()
def test_anchors_are_those_that_torchvision_lays(detector):
    from torchvision.models.detection.image_list import ImageList

    pictures = torch.zeros(1, 3, 64, 96)
    features = list(detector.backbone(pictures).values())
    expected = detector.anchor_generator(ImageList(pictures, [(64, 96)]), features)[0]
    torch.testing.assert_close(detector.anchors_for(64, 96), expected)


def test_decode_keeps_pictures_apart_and_at_most_so_many(monkeypatch):
    monkeypatch.setattr("models.detections.MAX_DETECTIONS", 2)
    anchors = torch.tensor([[0.0, 0, 10, 10], [20, 20, 30, 30], [40, 40, 50, 50]])
    logits = torch.tensor([[0.0, 2.0, 1.0], [3.0, -9.0, -9.0]])
    raw = RawOutput(logits, torch.zeros(2, 3, 4), torch.zeros(2, 1))
    first, second = decode_detections(raw, anchors, (100, 100), SMALL, min_score=0.1)
    assert first.boxes.tolist() == [[20, 20, 30, 30], [40, 40, 50, 50]]
    assert second.boxes.tolist() == [[0, 0, 10, 10]]
    assert first.scores.tolist() == pytest.approx(torch.tensor([2.0, 1.0]).sigmoid().tolist())
    assert second.scores.tolist() == pytest.approx(torch.tensor([3.0]).sigmoid().tolist())


def test_decode_of_nothing_is_empty():
    raw = RawOutput(torch.full((2, 4), -20.0), torch.zeros(2, 4, 4), torch.zeros(2, 1))
    detections = decode_detections(raw, torch.zeros(4, 4), (8, 8), SMALL, 0.1)
    assert [(each.boxes.shape, each.scores.shape) for each in detections] == [((0, 4), (0,))] * 2


def test_space_to_depth_gives_boxes_of_the_full_frame():
    config = SMALL.model_copy(update={"space_to_depth": 2})
    raw = RawOutput(torch.tensor([[5.0]]), torch.zeros(1, 1, 4), torch.zeros(1, 1))
    (detections,) = decode_detections(raw, torch.tensor([[4.0, 4, 8, 8]]), (64, 64), config, 0.5)
    assert detections.boxes.tolist() == [[8, 8, 16, 16]]
    assert detector_input(torch.zeros(1, 3, 100, 200), config).shape == (1, 12, 64, 128)


def test_training_on_a_picture_without_boxes_is_finite():
    torch.manual_seed(0)
    loss, coarse_logits = build_detector(SMALL).train().losses(torch.randn(2, 3, 64, 64), [torch.zeros(0, 4)] * 2)
    assert torch.isfinite(loss)
    assert coarse_logits.shape == (2, 64 // SMALL.coarse_px, 64 // SMALL.coarse_px)


def test_the_papers_architecture_builds():
    config = DetectorConfig(
        space_to_depth=1,
        backbone="resnet50",
        weights="none",
        levels=(3, 4, 5, 6, 7),
        fpn_channels=256,
        head_norm="none",
        anchor_sizes=(32, 64, 128, 256, 512),
        coarse_mask=False,
    )
    model = build_detector(config).eval()
    with torch.inference_mode():
        logits, *_ = model.raw(detector_input(torch.zeros(1, 3, 320, 480), config))
    assert logits.shape[1] == len(model.anchors_for(320, 480)) == 9 * (2400 + 600 + 150 + 40 + 12)


def test_a_coarse_mask_needs_a_stage_below_the_pyramid():
    with pytest.raises(ValueError, match="above 2"):
        build_detector(SMALL.model_copy(update={"space_to_depth": 1, "levels": (2, 3, 4)}))


def test_anchor_sizes_must_match_levels():
    with pytest.raises(ValueError, match="2 anchor sizes for 3 levels"):
        build_detector(SMALL.model_copy(update={"anchor_sizes": (8, 16)}))


@torch.inference_mode()
def test_a_detector_without_the_encoders_last_stage_pads_less_and_keeps_its_coarse_mask():
    light = SMALL.model_copy(update={"deepest": 4, "levels": (3, 4), "anchor_sizes": (14.0, 30.0), "space_to_depth": 2})
    pixels = detector_input(torch.zeros(1, 3, 320, 480), light)
    assert pixels.shape == (1, 12, 160, 240)
    model = build_detector(light).eval()
    logits, _, _, coarse_mask = model.raw(pixels)
    assert logits.shape[1] == len(model.anchors_for(320, 480)) == 9 * (600 + 150)
    assert coarse_mask.shape == (1, 80, 120)
    assert sum(p.numel() for p in model.parameters()) < sum(p.numel() for p in build_detector(SMALL).parameters())


def test_a_level_above_the_last_stage_in_use_is_refused():
    with pytest.raises(ValueError, match="no pyramid level 5 above the encoder's stage 4"):
        build_detector(SMALL.model_copy(update={"deepest": 4}))


SECOND = SMALL.model_copy(update={"levels": (4, 5), "anchor_sizes": (28.0, 64.0)})
PAIR = SMALL.model_copy(update={"space_to_depth": 2, "second": SECOND})


@pytest.fixture(scope="module")
def pair():
    torch.manual_seed(0)
    model = build_detector(PAIR).eval()
    for each in (model, model.second):
        torch.nn.init.normal_(each.head.classification_head.cls_logits.weight, std=0.5)
    return model


def detected_by(detector, config, pictures):
    raw = detector.answer(pictures)
    size = pictures.shape[-2:]
    return raw, decode_detections(raw, detector.anchors_for(*size), size, config, 0.3)[0]


@torch.inference_mode()
@pytest.mark.parametrize("width", [128, 96], ids=["", "the first needs a wider picture than the second"])
def test_two_detectors_say_what_each_says_alone(pair, width, monkeypatch):
    monkeypatch.setattr("models.detections.NMS_IOU", 1.0)
    monkeypatch.setattr("models.detections.MAX_DETECTIONS", 10**6)
    first = build_detector(PAIR.model_copy(update={"second": None})).eval()
    first.load_state_dict(
        {name: weight for name, weight in pair.state_dict().items() if not name.startswith("second.")}
    )
    pictures = torch.randn(1, 3, 64, width)
    raw, both = detected_by(pair, PAIR, pictures)
    raw_1, one = detected_by(first, first.config, pictures)
    raw_2, two = detected_by(pair.second, SECOND, pictures)
    masks = [each.coarse_mask[:, :16, : width // 4] for each in (raw_1, raw_2)]
    torch.testing.assert_close(raw.coarse_mask, (masks[0] + masks[1]) / 2)
    assert len(one.boxes) > 5 < len(two.boxes)
    order = np.argsort(-np.concatenate([one.scores, two.scores]), kind="stable")
    np.testing.assert_allclose(both.boxes, np.concatenate([one.boxes, two.boxes])[order], atol=1e-3, rtol=1e-4)


def test_a_picture_is_padded_for_the_one_that_needs_least():
    assert detector_multiple(PAIR) == 32
    assert detector_multiple(SECOND.model_copy(update={"second": SMALL.model_copy(update={"space_to_depth": 2})})) == 32
    assert detector_multiple(SMALL.model_copy(update={"space_to_depth": 2})) == 64


def test_detectors_with_other_coarse_masks_cannot_be_joined():
    with pytest.raises(ValueError, match="coarse masks of 4 and 8 px"):
        build_detector(SMALL.model_copy(update={"second": SMALL.model_copy(update={"space_to_depth": 4})}))
    with pytest.raises(ValueError, match="not three"):
        build_detector(SMALL.model_copy(update={"second": PAIR}))
    with pytest.raises(ValueError, match="2 anchor sizes for 3 levels"):
        build_detector(SMALL.model_copy(update={"second": SECOND.model_copy(update={"levels": (3, 4, 5)})}))
    with pytest.raises(ValueError, match="cannot be joined"):
        build_detector(SMALL.model_copy(update={"second": SECOND.model_copy(update={"coarse_mask": False})}))
