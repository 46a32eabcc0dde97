import hashlib
import json
import os
import pickle
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.bundle import CARD, DETECTOR, MOST_WEIGHTS_BYTES, SEGMENTER, load_bundle, save_bundle
from models.coarse_mask import CoarseBoxes
from models.detector import build_detector
from models.detector_config import DetectorConfig
from models.errors import BundleError
from models.segmenter import SegmenterConfig, build_segmenter
from tests.tiny import tiny_card

DETECTOR_CONFIG = DetectorConfig(backbone="resnet18", weights="none", fpn_channels=8, head_convs=1)
SEGMENTER_CONFIG = SegmenterConfig(encoder="resnet18", weights="none", decoder_channels=(8, 8, 8))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    torch.manual_seed(1)
    card = tiny_card(detector=DETECTOR_CONFIG, segmenter=SEGMENTER_CONFIG, metrics={"precision": 1.0, "ap50": None})
    folder = tmp_path_factory.mktemp("saved") / "tiny"
    return save_bundle(folder, build_detector(DETECTOR_CONFIG), build_segmenter(SEGMENTER_CONFIG), card)


@pytest.fixture
def bundle(saved, tmp_path):
    """A copy that the test may spoil: making the networks anew takes longer."""
    return shutil.copytree(saved, tmp_path / "tiny")


def test_a_bundle_comes_back_as_it_was_saved(bundle):
    torch.manual_seed(1)
    expected = build_detector(DETECTOR_CONFIG).state_dict()
    detector, _segmenter, card = load_bundle(bundle)
    assert card.score_threshold == 0.3
    for name, tensor in detector.state_dict().items():
        assert torch.equal(tensor, expected[name]), name
    assert sorted(path.name for path in bundle.iterdir()) == sorted([CARD, DETECTOR, SEGMENTER])


def test_whoever_may_read_the_card_may_read_the_weights(saved):
    assert len({path.stat().st_mode for path in saved.iterdir()}) == 1


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


def test_a_card_of_a_later_format_is_not_called_altered(bundle):
    card = json.loads((bundle / CARD).read_text()) | {"format": "crack-survey bundle 4", "novel": 1}
    (bundle / CARD).write_text(json.dumps(card))
    with pytest.raises(BundleError, match="is of bundle format 4") as told:
        load_bundle(bundle)
    assert "Install" in told.value.remedy


def test_a_folder_of_other_things_is_not_overwritten(bundle, tmp_path):
    detector, segmenter, card = load_bundle(bundle)
    other = tmp_path / "photographs"
    other.mkdir()
    (other / "keep.jpg").write_bytes(b"x")
    with pytest.raises(BundleError, match="not a bundle"):
        save_bundle(other, detector, segmenter, card)
    assert (other / "keep.jpg").exists()


def test_two_detectors_are_kept_in_one_file(tmp_path):
    second = DETECTOR_CONFIG.model_copy(update={"space_to_depth": 1, "levels": (4, 5), "anchor_sizes": (28.0, 64.0)})
    config = DETECTOR_CONFIG.model_copy(update={"second": second})
    detector = build_detector(config)
    card = tiny_card(detector=config, segmenter=SEGMENTER_CONFIG)
    again, _, read = load_bundle(save_bundle(tmp_path / "two", detector, build_segmenter(SEGMENTER_CONFIG), card))
    assert read.detector == config
    assert all(torch.equal(again.state_dict()[name], own) for name, own in detector.state_dict().items())
    assert any(name.startswith("second.") for name in detector.state_dict())


def test_a_bundle_of_the_format_before_is_read_under_todays_names(tmp_path):
    """Its card and its weights call things otherwise; what it says stays."""
    second = DETECTOR_CONFIG.model_copy(update={"space_to_depth": 1, "levels": (4, 5), "anchor_sizes": (28.0, 64.0)})
    config = DETECTOR_CONFIG.model_copy(update={"second": second})
    boxes = CoarseBoxes(min_mass=3, min_saving_px=32, threshold=0.02)
    card = tiny_card(detector=config, segmenter=SEGMENTER_CONFIG, coarse_boxes=boxes, detector_tta=True)
    card = card.model_copy(update={"segmenter_tta": True})
    folder = save_bundle(tmp_path / "old", build_detector(config), build_segmenter(SEGMENTER_CONFIG), card)
    expected, _, today = load_bundle(folder)
    weights = load_file(folder / DETECTOR)
    save_file({k.replace(".coarse_mask.", ".cells."): weight for k, weight in weights.items()}, folder / DETECTOR)
    old = json.loads((folder / CARD).read_text()) | {"format": "crack-survey bundle 2", "look_again": True}
    old["cells"] = {"least": 3, "saving_px": 32, "threshold": 0.02}
    for renamed in ("coarse_boxes", "detector_tta", "segmenter_tta"):
        del old[renamed]
    for each in (old["detector"], old["detector"]["second"]):
        each["fold"], each["cells"] = each.pop("space_to_depth"), each.pop("coarse_mask")
    digest = hashlib.sha256((folder / DETECTOR).read_bytes()).hexdigest()
    old["sha256"][DETECTOR] = digest
    (folder / CARD).write_text(json.dumps(old))
    detector, _, card = load_bundle(folder)
    assert card.model_copy(update={"sha256": today.sha256}) == today
    assert all(torch.equal(weight, detector.state_dict()[name]) for name, weight in expected.state_dict().items())


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("which", [0, 1])
def test_weights_that_are_not_finite_are_refused(bundle, tmp_path, number, which):
    *networks, card = load_bundle(bundle)
    next(networks[which].parameters()).data.view(-1)[0] = number
    broken = save_bundle(tmp_path / "broken", *networks, card)
    with pytest.raises(BundleError, match="not finite"):
        load_bundle(broken)


@pytest.mark.parametrize(
    "content",
    [
        '{"seed": ' + "9" * 10_000 + "}",
        "[" * 200_000,
        '{"a": "' + "x" * 2_000_000 + '"}',
        "{" + ",".join(f'"k{n}": 1' for n in range(20_000)) + "}",
        "null",
        "[1]",
        "\ud800".encode("utf-8", "surrogatepass"),
    ],
)
def test_a_card_that_somebody_made_up_is_told_in_a_screenful(bundle, content):
    (bundle / CARD).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BundleError) as told:
        load_bundle(bundle)
    assert len(str(told.value)) < 3000


@pytest.mark.parametrize(
    "change", [{"k" * 500_000: 1}, {"name": "n" * 900_000}, {"name": "a\x1b[2J"}, {"mm_per_px": float("inf")}]
)
def test_a_card_with_values_that_none_has_is_told_in_a_screenful(bundle, change):
    card = json.loads((bundle / "bundle.json").read_text()) | change
    (bundle / "bundle.json").write_text(json.dumps(card))
    with pytest.raises(BundleError) as told:
        load_bundle(bundle)
    assert len(str(told.value)) < 1000


def test_a_card_that_is_a_pipe_is_not_waited_for(bundle):
    (bundle / CARD).unlink()
    os.mkfifo(bundle / CARD)
    with pytest.raises(BundleError, match="pipe"):
        load_bundle(bundle)


def test_weights_that_are_links_out_of_the_bundle_are_refused(bundle, tmp_path):
    (bundle / DETECTOR).rename(tmp_path / "elsewhere")
    (bundle / DETECTOR).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="outside the bundle"):
        load_bundle(bundle)


@pytest.mark.parametrize("name", ["fpn_channels", "head_convs"])
def test_a_card_cannot_ask_for_a_network_without_end(bundle, name):
    card = json.loads((bundle / CARD).read_text())
    card["detector"][name] = 10**6
    (bundle / CARD).write_text(json.dumps(card))
    with pytest.raises(BundleError, match=r"1e|head_convs"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("network", "change"),
    [
        ("detector", {"fpn_channels": 2048, "head_convs": 4}),
        ("segmenter", {"decoder_channels": [2048] * 5}),
        ("detector", {"levels": [3] * 2000, "anchor_sizes": [12.0] * 2000}),
        ("detector", {"levels": [2000], "anchor_sizes": [12.0]}),
        ("detector", {"levels": [3, 4, 5], "anchor_sizes": [12.0]}),
        ("detector", {"anchor_sizes": [-1.0, 0.0, 5.0]}),
    ],
)
def test_a_card_cannot_ask_for_more_than_any_network_has(bundle, network, change, monkeypatch):
    monkeypatch.setattr("models.bundle.fill", lambda *_: pytest.fail("it was built"))
    card = json.loads((bundle / CARD).read_text())
    card[network] |= change
    (bundle / CARD).write_text(json.dumps(card))
    with pytest.raises(BundleError, match="copy"):
        load_bundle(bundle)


def test_weights_without_end_are_refused_unread(bundle):
    with (bundle / SEGMENTER).open("r+b") as file:
        file.truncate(MOST_WEIGHTS_BYTES + 1)  # a hole: no disk is taken
    with pytest.raises(BundleError, match="more than"):
        load_bundle(bundle)
