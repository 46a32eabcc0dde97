from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipeline.datasets.base import Sample
from pipeline.settings import LabelSettings
from pipeline.stages import evaluation
from pipeline.stages.evaluation import (
    COSTS,
    ROUNDS,
    TIMES,
    count_picture,
    figures_by_set,
    headline,
    images_table,
    median_times,
)
from pipeline.storage.schemas import SCHEMAS

NO_COSTS = dict.fromkeys(COSTS, 1.0)


def line(name="a", row=5):
    mask = np.zeros((20, 30), bool)
    mask[row, 5:25] = True
    return Sample(name, name, np.zeros((20, 30, 3), np.uint8), mask)


def test_figures_of_a_hand_worked_picture():
    # The truth is 20 px in row 5. One box holds the first 15 of them, another none.
    # The cascade finds 15 px, two of them one row too low; the full frame finds all 20.
    sample = line()
    boxes = np.array([[0, 4, 20, 8], [0, 15, 10, 20]])
    mask = np.zeros((20, 30), bool)
    mask[5, 5:18] = mask[6, 18:20] = True
    counts = pd.DataFrame([count_picture(sample, boxes, mask, sample.mask, NO_COSTS)])
    figures = headline(counts, 0.5)
    assert figures["precision"] == 0.5
    assert figures["segmentation_error"] == 5 / 20
    assert figures["data_reduction"] == pytest.approx(1 - (20 * 4 + 10 * 5) / 600)
    assert figures["strict_precision"] == 0.5
    assert figures["boxes_per_image"] == 2
    assert figures["f1_0px"] == pytest.approx(2 * 13 / (15 + 20))
    assert figures["iou_0px"] == pytest.approx(13 / (15 + 20 - 13))
    # At 2 px all 15 are right, and the truth is met from x = 5 to x = 20: (5, 21) is √5 px away from (6, 19). 16 of 20.
    assert figures["precision_2px"] == 1
    assert figures["recall_2px"] == 16 / 20
    assert figures["full_frame_f1_0px"] == figures["full_frame_f1_2px_mean"] == 1
    assert figures["cascade_ms"] == figures["segmented_share"] == 1


def test_pooling_weighs_pixels_and_means_weigh_pictures():
    small = Sample("b", "b", np.zeros((20, 30, 3), np.uint8), np.zeros((20, 30), bool))
    small.mask[3, 3:7] = True
    nothing = np.zeros((20, 30), bool)
    whole = np.array([[0, 0, 30, 20]])
    rows = [
        count_picture(line(), whole, line().mask, line().mask, NO_COSTS),
        count_picture(small, whole, nothing, nothing, NO_COSTS),
    ]
    figures = headline(pd.DataFrame(rows), 0.0)
    assert figures["f1_0px"] == pytest.approx(2 * 20 / (20 + 24))
    assert figures["f1_2px_mean"] == 0.5
    assert figures["data_reduction"] == 0


def test_what_stage_2_looks_at_is_pooled_by_pixels():
    none = np.zeros((0, 4))
    large = Sample("b", "b", np.zeros((40, 30, 3), np.uint8), np.zeros((40, 30), bool))
    rows = [
        count_picture(sample, none, sample.mask, sample.mask, NO_COSTS | {"segmented_share": share})
        for sample, share in ((line(), 3.0), (large, 0.0))
    ]
    assert headline(pd.DataFrame(rows), 0.0)["segmented_share"] == 1


def test_each_data_set_of_a_pool_has_its_own_figures():
    half, whole, none = (np.array(boxes).reshape(-1, 4) for boxes in ([[5, 4, 15, 8]], [[0, 0, 30, 20]], []))
    clean = Sample("c", "c", np.zeros((20, 30, 3), np.uint8), np.zeros((20, 30), bool))
    pairs = ((line(), half), (line(), whole), (line(), whole), (clean, none))
    rows = [count_picture(sample, boxes, sample.mask, sample.mask, NO_COSTS) for sample, boxes in pairs]
    table = figures_by_set(pd.DataFrame(rows), ["a", "b", "b", "c"]).set_index("set")
    assert table["segmentation_error"].tolist()[:2] == [0.5, 0]
    assert table["images"].tolist() == [1, 2, 1]
    assert np.isnan(table.loc["c", "precision"])
    assert table.loc["c", "data_reduction"] == 1


@pytest.mark.parametrize(("pictures", "told"), [("cnnc", 1.5), ("nc", 2), ("n", 2), ("cc", None), ("cu", None)])
def test_boxes_where_there_is_nothing_to_find(pictures, told):
    """Of pictures with a crack (c), with none (n; the first has two boxes, others one), and not judged (u)."""
    none, shape = np.zeros((20, 30), bool), (20, 30, 3)
    clean = Sample("n", "n", np.zeros(shape, np.uint8), none)
    samples = {"c": line(), "n": clean, "u": Sample("u", "u", clean.image, none, ~none)}
    two = np.array([[0, 0, 9, 9], [9, 9, 20, 20]])
    boxes = [two[: 2 if at == pictures.find("n") else 1] for at in range(len(pictures))]
    chosen = [samples[kind] for kind in pictures]
    rows = [count_picture(one, found, none, none, NO_COSTS) for one, found in zip(chosen, boxes, strict=True)]
    assert headline(pd.DataFrame(rows), 0.0).get("boxes_per_clean_image") == told


@pytest.mark.parametrize(("side", "looks"), [(64, 1 + ROUNDS), (1500, 1)])
def test_a_large_picture_is_looked_at_once(monkeypatch, side, looks):
    """Four times the seconds that one takes passed before a first word was said."""
    looked = []

    def timed(_cascade, images):
        looked.append(len(images))
        none = np.zeros((side, side), np.float32)
        found = SimpleNamespace(boxes=np.zeros((0, 4)), mask=none > 0, segmented_share=0.0)
        return [found], [none], dict.fromkeys(TIMES, 1.0)

    monkeypatch.setattr(evaluation, "timed_batch", timed)
    cascade = SimpleNamespace(
        thresholds=SimpleNamespace(full_frame=0.5),
        stage1=SimpleNamespace(detect=lambda images: [(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))]),
    )
    mask = np.zeros((side, side), bool)
    mask[5, 5:25] = True
    sample = Sample("a", "a", np.zeros((side, side, 3), np.uint8), mask)
    evaluation.evaluate_cascade(cascade, [sample], 1, LabelSettings(), lambda *_: None)
    assert len(looked) == looks


def test_pictures_fit_the_record():
    counts = pd.DataFrame([count_picture(line(), np.zeros((0, 4)), line().mask, line().mask, NO_COSTS)])
    table = images_table(counts)
    assert set(table) <= set(SCHEMAS["images"].names)
    assert table.loc[0, "boxes"] == 0
    assert table.loc[0, "missed_px"] == 20


def test_times_are_medians():
    rounds = [dict.fromkeys(TIMES, value) for value in (3.0, 100.0, 2.0)]
    assert median_times(rounds) == dict.fromkeys(TIMES, 3.0)
