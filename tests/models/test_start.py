import pytest
import torch

from models.bundle import load_bundle, save_bundle
from models.detector import build_detector
from models.detector_config import DetectorConfig
from models.errors import BundleError
from models.segmenter import SegmenterConfig, build_segmenter
from models.start import mean_of_starts, starting_weights
from tests.tiny import tiny_card

DETECTOR_CONFIG = DetectorConfig(backbone="resnet18", weights="none", fpn_channels=8, head_convs=1)
SEGMENTER_CONFIG = SegmenterConfig(encoder="resnet18", weights="none", decoder_channels=(8, 8, 8))
FULL = DETECTOR_CONFIG.model_copy(update={"space_to_depth": 1, "levels": (4, 5), "anchor_sizes": (28.0, 64.0)})


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    card = tiny_card(detector=DETECTOR_CONFIG, segmenter=SEGMENTER_CONFIG)
    folder = tmp_path_factory.mktemp("bundle") / "tiny"
    return save_bundle(folder, build_detector(DETECTOR_CONFIG), build_segmenter(SEGMENTER_CONFIG), card)


def test_training_starts_from_a_bundle_of_the_same_architecture_only(bundle):
    # where its wanted training started, and what is done with its output
    pretrained = DETECTOR_CONFIG.model_copy(update={"weights": "package"})
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
    shorter.load_state_dict(starting_weights(folder, DETECTOR_CONFIG))  # all that it has, and nothing else
    assert torch.equal(
        shorter.head.classification_head.conv[0][0].weight,
        load_bundle(folder)[0].head.classification_head.conv[0][0].weight,
    )


def test_a_longer_head_and_more_levels_start_from_what_there_is(bundle):
    larger = DETECTOR_CONFIG.model_copy(update={"head_convs": 2, "levels": (3, 4), "anchor_sizes": (14.0, 30.0)})
    wanted, weights = build_detector(larger).state_dict(), starting_weights(bundle, larger)
    assert weights.keys() < wanted.keys()
    assert {name for name in wanted if name.startswith("backbone.body.")} <= weights.keys()
    assert any(name.startswith("head.") for name in weights)


def test_a_longer_encoder_cannot_start_from_a_shorter_one(tmp_path):
    shorter = DETECTOR_CONFIG.model_copy(update={"deepest": 4, "levels": (3, 4), "anchor_sizes": (14.0, 30.0)})
    card = tiny_card(detector=shorter, segmenter=SEGMENTER_CONFIG)
    folder = save_bundle(tmp_path / "shorter", build_detector(shorter), build_segmenter(SEGMENTER_CONFIG), card)
    with pytest.raises(BundleError, match=r"is smaller, without backbone\.body"):
        starting_weights(folder, DETECTOR_CONFIG)


def test_a_shorter_encoder_starts_from_the_first_stages_of_a_longer_one(bundle):
    shorter = DETECTOR_CONFIG.model_copy(update={"deepest": 4, "levels": (3, 4), "anchor_sizes": (14.0, 30.0)})
    weights = starting_weights(bundle, shorter)
    build_detector(shorter).load_state_dict(weights)
    assert len(weights) < len(load_bundle(bundle)[0].state_dict())


def test_a_detector_of_another_space_to_depth_starts_from_what_fits(bundle):
    wanted, given = build_detector(FULL).state_dict(), load_bundle(bundle)[0].state_dict()
    weights = starting_weights(bundle, FULL)
    assert all(
        torch.equal(tensor, given[name]) and tensor.shape == wanted[name].shape for name, tensor in weights.items()
    )
    heads = {name for name in wanted if name.startswith("head.")}
    encoder = {name for name in wanted if name.startswith("backbone.body.")}
    assert weights.keys() >= heads
    assert len(encoder - weights.keys()) == 1  # the first convolution has other inputs


def test_of_two_detectors_each_starts_from_its_own(tmp_path):
    config = DETECTOR_CONFIG.model_copy(update={"second": FULL})
    pair, segmenter = build_detector(config), build_segmenter(SEGMENTER_CONFIG)
    folder = save_bundle(tmp_path / "two", pair, segmenter, tiny_card(detector=config, segmenter=SEGMENTER_CONFIG))
    build_detector(DETECTOR_CONFIG).load_state_dict(starting_weights(folder, DETECTOR_CONFIG))
    second = starting_weights(folder, FULL)
    assert all(torch.equal(second[name], wanted) for name, wanted in pair.second.state_dict().items())


def test_several_bundles_start_from_their_mean(bundle, tmp_path):
    card = tiny_card(detector=DETECTOR_CONFIG, segmenter=SEGMENTER_CONFIG)
    torch.manual_seed(5)
    other = save_bundle(tmp_path / "other", build_detector(DETECTOR_CONFIG), build_segmenter(SEGMENTER_CONFIG), card)
    for config in (DETECTOR_CONFIG, SEGMENTER_CONFIG):
        one, two = starting_weights(bundle, config), starting_weights(other, config)
        mean = mean_of_starts([bundle, other], config)
        assert mean.keys() == one.keys()
        for name, weight in mean.items():
            expected = (one[name] + two[name]) / 2 if weight.is_floating_point() else one[name]
            assert torch.allclose(weight, expected)
        assert all(torch.equal(weight, one[name]) for name, weight in mean_of_starts([bundle], config).items())
