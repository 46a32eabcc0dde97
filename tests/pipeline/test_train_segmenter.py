import math

import numpy as np
import pytest
import torch

from models.segmenter import SegmenterConfig
from pipeline.datasets.base import Sample
from pipeline.settings import AugmentSettings, TrainSettings
from pipeline.train_segmenter import SegmenterTrainee, crack_loss, crop_around, segment, sheet_of
from pipeline.training import train
from tests.pipeline.test_train_detector import PLAIN, stroke

CONFIG = SegmenterConfig(encoder="resnet18", weights="none", decoder_channels=(16, 8, 8))


def test_it_learns_to_draw_a_stroke(tmp_path):
    settings = TrainSettings(epochs=12, batch=4, lr=5e-3, ema=0.5, validate_every=12, items_per_sample=2)
    samples = [stroke(f"t{row}", row) for row in range(4, 60, 7)]
    regions = {s.name: np.array([[10, 0, 80, 64]]) for s in samples}
    student = SegmenterTrainee(CONFIG, PLAIN, settings, 48, 3, samples, regions, [stroke("v", 30)])
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


def test_any_size_can_be_segmented():
    student = SegmenterTrainee(CONFIG, AugmentSettings(), TrainSettings(), 48, 3, [], {}, [])
    with torch.inference_mode():
        probability = segment(student.model.eval(), stroke("a", 5, 37, 51).image, CONFIG.multiple, torch.device("cpu"))
    assert probability.shape == (37, 51)
    assert ((probability >= 0) & (probability <= 1)).all()


def test_a_sheet_holds_crops_side_by_side_with_their_truth():
    image = np.full((100, 200, 3), 170, np.uint8)
    mask = np.zeros((100, 200), bool)
    mask[10:14, 20:80] = mask[60:64, 120:190] = True
    image[mask] = 20
    sample = Sample("s", "s", image, mask)
    regions = np.array([[10, 2, 90, 22], [110, 52, 198, 72], [0, 0, 200, 100]])
    torch.manual_seed(0)
    for count in (1, 2, 3):
        sheet, truth = sheet_of(sample, regions[:count], 96)
        assert sheet.shape == (96, 96, 3)
        assert ((sheet[..., 0] == 20) == truth).all()
        assert truth.any()
