import json
import os

import numpy as np
import pytest
import torch

from models.bundle import CARD, load_bundle, read_learnt, save_bundle
from models.detector import build_detector
from models.errors import BundleError
from models.learnt import LEARNT, Familiar, Learnt, parse_learnt, write_learnt
from models.segmenter import build_segmenter
from tests.tiny import DETECTOR, SEGMENTER, tiny_card


def some_learnt(pictures: int = 300, channels: int = 176, axes: int = 24) -> Learnt:
    draw = np.random.default_rng(0)
    familiar = Familiar(
        draw.normal(size=channels).astype(np.float32),
        draw.normal(size=(channels, axes)).astype(np.float32),
        np.ones(axes + 1, np.float32),
        draw.normal(size=(3 * pictures, axes)).astype(np.float32),
        *(4.5, 40.0, 0.5, 0.25),
    )
    return Learnt(draw.integers(0, 256, (1500, 32)).astype(np.uint8), True, familiar)


@pytest.fixture
def bundle(tmp_path):
    torch.manual_seed(0)
    networks = build_detector(DETECTOR), build_segmenter(SEGMENTER)
    return save_bundle(tmp_path / "bundle", *networks, tiny_card(), some_learnt())


def test_what_was_learnt_comes_back_from_a_small_file(bundle):
    expected, found = some_learnt(), read_learnt(bundle)
    assert (bundle / LEARNT).stat().st_size < 150_000
    np.testing.assert_array_equal(found.hashes, expected.hashes)
    assert found.whole
    for ours, theirs in zip(found.familiar, expected.familiar, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)


def test_a_bundle_without_it_loads_and_says_nothing(bundle, tmp_path):
    *networks, card = load_bundle(bundle)
    silent = save_bundle(tmp_path / "silent", *networks, card)
    assert read_learnt(silent) is None
    save_bundle(bundle, *networks, card)  # over one that has it
    assert read_learnt(bundle) is None
    assert not (bundle / LEARNT).exists()


def test_hashes_may_stand_without_a_description(tmp_path):
    write_learnt(Learnt(np.zeros((0, 32), np.uint8), False), tmp_path / LEARNT)
    found = parse_learnt(tmp_path / LEARNT)
    assert (found.hashes.shape, found.whole, found.familiar) == ((0, 32), False, None)


def test_an_altered_file_is_refused(bundle):
    content = bytearray((bundle / LEARNT).read_bytes())
    content[-1] ^= 1
    (bundle / LEARNT).write_bytes(bytes(content))
    with pytest.raises(BundleError, match="not the file its card describes"):
        read_learnt(bundle)
    (bundle / LEARNT).unlink()
    with pytest.raises(BundleError, match=f"lacks {LEARNT}"):
        read_learnt(bundle)


def broken(**changes):
    learnt = some_learnt(4, 6, 2)
    return Learnt(learnt.hashes, True, learnt.familiar._replace(**changes))


@pytest.mark.parametrize(
    "learnt",
    [
        Learnt(np.zeros((3, 31), np.uint8)),
        Learnt(np.zeros((3, 32), np.float32)),
        broken(bank=np.zeros((0, 2), np.float32)),
        broken(bank=np.zeros((3, 3), np.float32)),
        broken(mean=np.zeros(5, np.float32)),
        broken(scales=np.zeros(3, np.float32)),
        broken(farthest=float("nan")),
        broken(bank=np.zeros(4, np.float32)),
        broken(axes=np.zeros(4, np.float32)),
    ],
)
def test_what_does_not_fit_is_told(learnt, tmp_path):
    write_learnt(learnt, tmp_path / LEARNT)
    with pytest.raises(BundleError, match="cannot be read"):
        parse_learnt(tmp_path / LEARNT)


def test_a_pipe_or_any_other_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").write_text("no tensors")
    for name in ("pipe", "text", "missing"):
        with pytest.raises(BundleError, match=name):
            parse_learnt(tmp_path / name)


def test_the_card_names_the_file_and_the_scale(bundle, tmp_path):
    *networks, card = load_bundle(bundle)
    assert LEARNT in json.loads((bundle / CARD).read_text())["sha256"]
    scaled = save_bundle(tmp_path / "scaled", *networks, card.model_copy(update={"mm_per_px": 1.3}))
    assert load_bundle(scaled)[2].mm_per_px == 1.3
    assert card.mm_per_px is None
