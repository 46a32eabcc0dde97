import json
import pickle

import pytest
import torch

from models.bundle import CARD, DETECTOR, SEGMENTER, load_bundle, save_bundle, starting_weights
from models.detector import DetectorConfig, build_detector
from models.errors import BundleError
from models.segmenter import SegmenterConfig, build_segmenter
from tests.tiny import tiny_card

DETECTOR_CONFIG = DetectorConfig(backbone="resnet18", weights="none", fpn_channels=8, head_convs=1)
SEGMENTER_CONFIG = SegmenterConfig(encoder="resnet18", weights="none", decoder_channels=(8, 8, 8))


@pytest.fixture
def bundle(tmp_path):
    torch.manual_seed(1)
    card = tiny_card(detector=DETECTOR_CONFIG, segmenter=SEGMENTER_CONFIG, metrics={"precision": 1.0, "ap50": None})
    return save_bundle(tmp_path / "tiny", build_detector(DETECTOR_CONFIG), build_segmenter(SEGMENTER_CONFIG), card)


def test_a_bundle_comes_back_as_it_was_saved(bundle):
    torch.manual_seed(1)
    expected = build_detector(DETECTOR_CONFIG).state_dict()
    detector, _segmenter, card = load_bundle(bundle)
    assert card.score_threshold == 0.3
    for name, tensor in detector.state_dict().items():
        assert torch.equal(tensor, expected[name]), name
    assert sorted(path.name for path in bundle.iterdir()) == sorted([CARD, DETECTOR, SEGMENTER])


def test_half_precision_weights_load_into_full_precision_networks(bundle, tmp_path):
    detector, segmenter, card = load_bundle(bundle)
    halved = save_bundle(tmp_path / "half", detector.half(), segmenter.half(), card)
    again, _, _ = load_bundle(halved)
    assert {p.dtype for p in again.parameters()} == {torch.float32}
    assert (halved / DETECTOR).stat().st_size < 0.6 * (bundle / DETECTOR).stat().st_size


@pytest.mark.parametrize("name", [DETECTOR, SEGMENTER])
def test_a_changed_weights_file_is_refused(bundle, name):
    content = bytearray((bundle / name).read_bytes())
    content[-1] ^= 1
    (bundle / name).write_bytes(bytes(content))
    with pytest.raises(BundleError, match=name):
        load_bundle(bundle)


def test_a_pickle_is_refused_unopened(bundle, tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("sprung").touch, ())

    (bundle / DETECTOR).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(BundleError, match="not the file its card describes"):
        load_bundle(bundle)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", [DETECTOR, SEGMENTER, CARD])
def test_a_missing_file_is_named(bundle, name):
    (bundle / name).unlink()
    with pytest.raises(BundleError, match=name):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("change", "named"),
    [({"score_threshold": 2}, "score_threshold"), ({"surprise": 1}, "surprise"), ({"format": "other"}, "format")],
)
def test_a_card_that_does_not_fit_is_named(bundle, change, named):
    card = json.loads((bundle / CARD).read_text()) | change
    (bundle / CARD).write_text(json.dumps(card))
    with pytest.raises(BundleError, match=named):
        load_bundle(bundle)


def test_a_folder_of_other_things_is_not_overwritten(bundle, tmp_path):
    detector, segmenter, card = load_bundle(bundle)
    other = tmp_path / "photographs"
    other.mkdir()
    (other / "keep.jpg").write_bytes(b"x")
    with pytest.raises(BundleError, match="not a bundle"):
        save_bundle(other, detector, segmenter, card)
    assert (other / "keep.jpg").exists()


def test_training_starts_from_a_bundle_of_the_same_architecture_only(bundle):
    # where its own training started, and what is done with its output
    pretrained = DETECTOR_CONFIG.model_copy(update={"weights": "package", "nms_iou": 0.3, "max_detections": 7})
    detector, segmenter = starting_weights(bundle, pretrained), starting_weights(bundle, SEGMENTER_CONFIG)
    expected, network, _ = load_bundle(bundle)
    assert all(torch.equal(tensor, detector[name]) for name, tensor in expected.state_dict().items())
    assert all(torch.equal(tensor, segmenter[name]) for name, tensor in network.state_dict().items())
    with pytest.raises(BundleError, match="differs in fpn_channels"):
        starting_weights(bundle, DETECTOR_CONFIG.model_copy(update={"fpn_channels": 16}))


def test_shorter_heads_start_from_the_first_convolutions_of_longer_ones(tmp_path):
    longer = DETECTOR_CONFIG.model_copy(update={"head_convs": 2})
    card = tiny_card(detector=longer, segmenter=SEGMENTER_CONFIG)
    folder = save_bundle(tmp_path / "longer", build_detector(longer), build_segmenter(SEGMENTER_CONFIG), card)
    shorter = build_detector(DETECTOR_CONFIG)
    shorter.load_state_dict(starting_weights(folder, DETECTOR_CONFIG))  # all of its own, and nothing else
    assert torch.equal(
        shorter.head.classification_head.conv[0][0].weight,
        load_bundle(folder)[0].head.classification_head.conv[0][0].weight,
    )
    with pytest.raises(BundleError, match="is smaller, without head"):
        starting_weights(folder, DETECTOR_CONFIG.model_copy(update={"head_convs": 3}))


def test_a_shorter_encoder_starts_from_the_first_stages_of_a_longer_one(bundle):
    shorter = DETECTOR_CONFIG.model_copy(update={"deepest": 4, "levels": (3, 4), "anchor_sizes": (14.0, 30.0)})
    weights = starting_weights(bundle, shorter)
    build_detector(shorter).load_state_dict(weights)
    assert len(weights) < len(load_bundle(bundle)[0].state_dict())


def test_a_detector_of_another_fold_starts_from_what_fits(bundle):
    unfolded = DETECTOR_CONFIG.model_copy(update={"fold": 1, "levels": (4, 5), "anchor_sizes": (28.0, 64.0)})
    own, folded = build_detector(unfolded).state_dict(), load_bundle(bundle)[0].state_dict()
    weights = starting_weights(bundle, unfolded)
    assert all(
        torch.equal(tensor, folded[name]) and tensor.shape == own[name].shape for name, tensor in weights.items()
    )
    heads = {name for name in own if name.startswith("head.")}
    encoder = {name for name in own if name.startswith("backbone.body.")}
    assert weights.keys() >= heads
    assert len(encoder - weights.keys()) == 1  # the first convolution has other inputs
