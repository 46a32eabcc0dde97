import json

import numpy as np
import pandas as pd
import pytest

from models.bundle import read_learnt, save_bundle
from models.learnt import Learnt
from pipeline.cascade.familiarity import distance
from pipeline.datasets import open_dataset
from pipeline.datasets.likeness import ALIKE_BITS, perceptual_hash
from pipeline.datasets.windows import LIST
from pipeline.settings import DatasetSettings, PartSettings, RunSettings
from pipeline.stages.learnt_from import learnt_from, learnt_test_pictures, names_learnt, pictures_learnt, spread
from tests.tiny import tiny_card, tiny_cascade

SAMPLE = DatasetSettings(sample_count=6)


@pytest.fixture
def prepared(tmp_path):
    names = open_dataset(SAMPLE).names
    split = {"train": names[:3], "val": names[3:5], "test": names[5:], "negatives": []}
    (tmp_path / "split.json").write_text(json.dumps({part: list(of) for part, of in split.items()}))
    return tmp_path


@pytest.fixture(scope="module")
def cascade():
    return tiny_cascade()


def hash_of(name):
    return perceptual_hash(open_dataset(SAMPLE).load(name).image)


def is_known(learnt, name):
    return np.bitwise_count(learnt.hashes ^ hash_of(name)).sum(axis=1).min() <= ALIKE_BITS


def test_training_and_validation_pictures_are_kept_and_those_of_the_test_are_not(prepared, cascade):
    learnt = learnt_from(RunSettings(dataset=SAMPLE), prepared, cascade.stage1)
    names = open_dataset(SAMPLE).names
    assert [is_known(learnt, name) for name in names] == [True] * 5 + [False]
    assert pictures_learnt(open_dataset(SAMPLE), names, learnt) == list(names[:5])
    assert learnt.whole
    assert learnt.hashes.shape == (5, 32)
    assert len(learnt.familiar.bank) == 3 * 3
    near = [
        distance(learnt.familiar, found.features)
        for found in cascade.look([open_dataset(SAMPLE).load(name).image for name in names[:3]])
    ]
    assert max(near) < learnt.familiar.farthest * 2


@pytest.mark.parametrize(("start_says", "whole"), [(True, True), (False, False)])
def test_what_the_start_had_learnt_is_learnt_too(prepared, cascade, tmp_path, start_says, whole):
    older = Learnt(hash_of(open_dataset(SAMPLE).names[5])[None])
    networks = cascade.stage1.detector, cascade.stage2.segmenter
    start = save_bundle(tmp_path / "start", *networks, tiny_card(), older if start_says else None)
    settings = RunSettings(dataset=SAMPLE, detector_training={"start": start})
    learnt = learnt_from(settings, prepared, cascade.stage1)
    assert is_known(learnt, open_dataset(SAMPLE).names[5]) == start_says
    assert learnt.whole == whole
    assert read_learnt(start) is None or len(learnt.hashes) == 6


@pytest.mark.parametrize(("knows", "whole", "told"), [(5, True, 1), (5, False, 1), (0, True, 0), (0, False, None)])
def test_test_pictures_that_the_start_knows_are_counted(prepared, cascade, tmp_path, knows, whole, told):
    older = Learnt(hash_of(open_dataset(SAMPLE).names[knows])[None], whole)  # the sixth is the test picture
    networks = cascade.stage1.detector, cascade.stage2.segmenter
    start = save_bundle(tmp_path / "start", *networks, tiny_card(), older)
    settings = RunSettings(dataset=SAMPLE, segmenter_training={"start": start})
    assert learnt_test_pictures(settings, prepared) == told


def test_a_run_without_a_start_knows_no_test_picture(prepared):
    assert learnt_test_pictures(RunSettings(dataset=SAMPLE), prepared) == 0


def test_of_a_pool_those_pictures_count_that_windows_were_cut_from(tmp_path):
    pool = DatasetSettings(name="pool", parts=(PartSettings(name="sample", label="a", count=6),))
    names = open_dataset(pool).names
    (tmp_path / "split.json").write_text(json.dumps({"train": names, "val": [names[5]], "negatives": []}))
    pd.DataFrame({"name": ["w0", "w1"], "sample": [names[2]] * 2}).to_parquet(tmp_path / LIST)
    assert names_learnt(open_dataset(pool), tmp_path) == ([names[2]], [], [names[5]])


def test_names_are_spread_over_all_and_over_parts():
    assert spread([f"{n:03}" for n in range(100)], 3, pooled=False) == ["000", "049", "099"]
    pooled = [f"{label}--{n}" for label, count in (("a", 2), ("b", 50)) for n in range(count)]
    assert [name[0] for name in spread(pooled, 10, pooled=True)] == ["a"] * 2 + ["b"] * 5
    assert spread([], 5, pooled=False) == []
