import math

import numpy as np
import pytest
import torch

from models.segmenter import SegmenterConfig
from pipeline.datasets.base import Sample
from pipeline.settings import SegmenterTrainSettings
from pipeline.training.augment import FLIP, FULL
from pipeline.training.loop import train
from pipeline.training.segmenter import SegmenterTrainee, canvas_of, crack_loss, crop_around, random_crop, segment
from tests.pipeline.training.test_detector import stroke

CONFIG = SegmenterConfig(encoder="resnet18", weights="none", decoder_channels=(16, 8, 8))


def test_it_learns_to_draw_a_stroke(tmp_path):
    settings = SegmenterTrainSettings(epochs=12, batch=4, lr=5e-3, ema=0.5, validate_every=12, items_per_sample=2)
    samples = [stroke(f"t{row}", row) for row in range(4, 60, 7)]
    regions = {s.name: np.array([[10, 0, 80, 64]]) for s in samples}
    student = SegmenterTrainee(CONFIG, FLIP, settings, 48, 3, samples, regions, [stroke("v", 30)])
    trained = train(student, settings, tmp_path, 3, torch.device("cpu"), lambda *_: None)
    assert trained.history["val_f1_2px"].iloc[-1] > 0.8


@pytest.mark.parametrize("size", [(64, 96), (30, 40)])
def test_windows_have_their_size_and_picture_and_mask_agree(size):
    sample = stroke("a", 12, *size)
    torch.manual_seed(0)
    for _ in range(10):
        image, mask = crop_around(sample, np.array([[5, 5, 20, 20]]), 48)
        assert image.shape == (48, 48, 3)
        assert ((image[..., 0] < 85) == mask).all()


def test_most_windows_lie_around_a_region():
    sample = stroke("a", 12, 400, 400)
    torch.manual_seed(0)
    hits = sum(crop_around(sample, np.array([[10, 12, 80, 16]]), 48)[1].any() for _ in range(60))
    assert 45 <= hits < 60  # a tenth comes from anywhere


def test_a_picture_without_regions_gives_windows_too():
    _, mask = crop_around(stroke("a", None), np.zeros((0, 4), np.int64), 32)
    assert mask.shape == (32, 32)
    assert not mask.any()


def test_loss_of_a_hand_worked_case():
    # Logits of 0 are probability ½: entropy is ln 2; Dice of ½ everywhere against one crack pixel of four is
    # (2 · ½ + 1) / (2 + 1 + 1) = ½.
    truth = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    assert float(crack_loss(torch.zeros(1, 2, 2), truth)) == pytest.approx(math.log(2) + 0.5)
    assert float(crack_loss(40 * (2 * truth - 1), truth)) == pytest.approx(0, abs=1e-4)


def test_loss_does_not_hang_on_pixels_not_to_be_judged():
    truth = torch.tensor([[[1.0, 0.0, 0.0, 1.0]]])
    judged = torch.tensor([[[True, True, True, False]]])
    logits = torch.tensor([[[2.0, -1.0, 0.5, -9.0]]])
    expected = crack_loss(logits[..., :3], truth[..., :3])
    for there in (-9.0, 0.0, 9.0):
        logits[..., 3] = there
        assert float(crack_loss(logits, truth, judged)) == pytest.approx(float(expected))
    assert float(crack_loss(logits, truth, torch.zeros_like(judged))) == 0


def test_items_carry_what_is_not_to_be_judged():
    plain = stroke("a", 10)
    ignore = np.zeros_like(plain.mask)
    ignore[20:50] = True
    sample = Sample("a", "a", plain.image, plain.mask, ignore)
    regions = {"a": np.array([[0, 0, 90, 60]])}
    settings = SegmenterTrainSettings(batch=4, items_per_sample=8)
    student = SegmenterTrainee(CONFIG, FLIP, settings, 64, 3, [sample], regions, [])
    for images, labels in student.batches(0):  # windows and canvases
        assert {0, 1, 255} <= set(labels.unique().tolist())
        assert torch.isfinite(student.loss((images, labels), torch.device("cpu")))


def test_any_size_can_be_segmented():
    student = SegmenterTrainee(CONFIG, FULL, SegmenterTrainSettings(), 48, 3, [], {}, [])
    with torch.inference_mode():
        probability = segment(student.model.eval(), stroke("a", 5, 37, 51).image, CONFIG.multiple, torch.device("cpu"))
    assert probability.shape == (37, 51)
    assert ((probability >= 0) & (probability <= 1)).all()


def test_a_canvas_holds_crops_of_several_pictures_side_by_side_with_their_truth():
    pieces = []
    for grey, height, width in ((170, 16, 80), (120, 16, 88), (90, 60, 50), (60, 30, 30)):
        image = np.full((height, width, 3), grey, np.uint8)
        mask = np.zeros((height, width), bool)
        mask[5:9, 4:-4] = True
        image[mask] = 20
        pieces.append((image, mask))
    for count in (1, 2, 4):
        canvas, truth = canvas_of(iter(pieces[:count]), 96)
        assert canvas.shape == (96, 96, 3)
        assert ((canvas[..., 0] == 20) == truth).all()
        assert len({grey for grey in (170, 120, 90, 60) if (canvas == grey).any()}) == count


def test_a_random_crop_is_a_region_cut_to_the_canvas():
    image = np.arange(100 * 200, dtype=np.uint8).reshape(100, 200, 1).repeat(3, axis=2)
    sample = Sample("s", "s", image, image[..., 0] > 200)
    torch.manual_seed(0)
    small, mask = random_crop(sample, np.array([[10, 20, 40, 60]]), 64)
    assert (small == image[20:60, 10:40]).all()
    assert (mask == sample.mask[20:60, 10:40]).all()
    assert random_crop(sample, np.array([[0, 0, 200, 100]]), 64)[1].shape == (64, 64)


def test_items_are_canvases_and_windows_and_the_same_for_the_same_seed():
    samples = [stroke("a", 10), stroke("b", 30), stroke("c", None)]
    regions = {"a": np.array([[0, 0, 90, 30]]), "b": np.array([[0, 20, 90, 50]]), "c": np.zeros((0, 4), np.int64)}
    first, again = (
        SegmenterTrainee(CONFIG, FLIP, SegmenterTrainSettings(batch=3, items_per_sample=4), 64, 3, samples, regions, [])
        for _ in range(2)
    )
    drawn = [torch.cat([images for images, _ in student.batches(0)]) for student in (first, again)]
    assert drawn[0].shape == (12, 3, 64, 64)
    assert torch.equal(*drawn)
    assert any((image[0] == 124).any() for image in drawn[0])  # ImageNet's mean colour: a canvas that is not full
