import numpy as np
import pytest
import torch

from models.graphs import DetectorGraph
from models.runtimes import Eager
from pipeline.cascade.stage1 import Stage1
from pipeline.datasets.base import Sample
from pipeline.settings import LabelSettings, TrainSettings
from pipeline.training.augment import FLIP
from pipeline.training.detector import DetectorTrainee, coarse_truth
from pipeline.training.loop import train
from tests.tiny import DETECTOR


def stroke(name, row, height=64, width=96):
    """Light pavement with one dark stroke; none for a row of None."""
    image = np.full((height, width, 3), 170, np.uint8)
    mask = np.zeros((height, width), bool)
    if row is not None:
        mask[row : row + 4, 10:80] = True
        image[mask] = 20
    return Sample(name, name, image, mask)


def trainee(settings, train_samples, val_samples, **config):
    return DetectorTrainee(
        DETECTOR.model_copy(update=config), LabelSettings(max_side=48), FLIP, settings, 3, train_samples, val_samples
    )


def test_it_learns_to_find_a_stroke(tmp_path):
    settings = TrainSettings(epochs=3, batch=4, lr=5e-3, ema=0.5, validate_every=3)
    samples = [
        stroke(f"t{row}", row) for row in range(4, 60, 7)
    ] * 5  # each epoch writes a snapshot, which takes longer
    student = trainee(settings, samples, [stroke("v", 30)])
    trained = train(student, settings, tmp_path, 3, torch.device("cpu"), lambda *_: None)
    assert trained.history["loss"].iloc[-1] < 0.6 * trained.history["loss"].iloc[0]
    with torch.inference_mode():
        student.model.eval()
        stage1 = Stage1(student.model, Eager(DetectorGraph(student.model)))
        ((boxes, scores),) = stage1.detect([stroke("n", 40).image])
    best = boxes[scores.argmax()]
    assert best[1] < 42 < best[3]


@pytest.mark.parametrize("n", [1, 2])
def test_boxes_follow_the_augmented_mask_with_space_to_depth_or_without(n):
    student = trainee(TrainSettings(batch=2), [stroke("a", 10), stroke("b", None)], [], space_to_depth=n)
    images, boxes, unjudged, masks = next(iter(student.batches(0)))
    assert images.shape == (2, 3, 64, 96)
    assert masks.shape == (2, 64, 96)
    assert masks.flatten(1).any(dim=1).tolist() == [len(b) > 0 for b in boxes]
    counts = sorted(len(b) for b in boxes)
    assert counts == [0, 2]  # the picture without a crack is trained on too
    assert torch.isfinite(student.loss((images, boxes, unjudged, masks), torch.device("cpu")))


def test_pictures_of_different_sizes_share_a_batch():
    student = trainee(TrainSettings(batch=2), [stroke("a", 10), stroke("b", 20, 80, 64)], [])
    images, _, _, labels = next(iter(student.batches(0)))
    assert images.shape == (2, 3, 80, 96)
    assert labels.shape == (2, 80, 96)
    assert (images.amin(dim=(2, 3)) == 20).all()  # filled up with the mean colour, as at work, and not with black
    assert sorted(images[:, :, -1, -1].tolist()) == sorted([[124, 116, 104]] * 2)


def test_pixels_not_to_be_judged_are_left_out_of_what_is_learnt(monkeypatch):
    plain = stroke("a", 10)
    ignore = np.zeros_like(plain.mask)
    ignore[12:50, 20:70] = True
    sample = Sample("a", "a", plain.image, plain.mask & ~ignore, ignore)
    student = trainee(TrainSettings(batch=1), [sample], [])
    images, boxes, unjudged, labels = next(iter(student.batches(0)))
    assert set(labels.unique().tolist()) == {0, 1, 255}
    assert len(boxes[0]) > 0
    assert len(unjudged[0]) > 0
    coarse_logits = torch.zeros(1, 16, 24, requires_grad=True)
    monkeypatch.setattr(student.model, "losses", lambda *_: (torch.zeros(()), coarse_logits))
    student.loss((images, boxes, unjudged, labels), torch.device("cpu")).backward()
    learnt = coarse_logits.grad[0] != 0
    unknown = coarse_truth(labels == 255, coarse_logits, DETECTOR)[0] > 0
    cracked = coarse_truth(labels == 1, coarse_logits, DETECTOR)[0] > 0
    assert (learnt == (cracked | ~unknown)).all()  # a coarse pixel with crack is one, whatever else it holds
    assert (cracked & unknown).any()


def test_the_coarse_truth_is_1_where_it_holds_a_crack_pixel():
    mask = torch.zeros(1, 10, 14)
    mask[0, 3, 4] = 1  # the last row of the first coarse pixel, the first column of the second
    mask[0, 9, 13] = 1  # in one that the picture cuts
    config = DETECTOR.model_copy(update={"space_to_depth": 2})
    truth = coarse_truth(mask, torch.zeros(1, 16, 16), config)
    assert truth.shape == (1, 16, 16)
    assert truth.nonzero().tolist() == [[0, 0, 1], [0, 2, 3]]
