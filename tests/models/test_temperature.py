import pytest
import torch

from models.detector import build_detector, detector_input
from models.segmenter import build_segmenter
from models.temperature import COARSE_LOGITS, PIXEL_LOGITS, SCORE_LOGITS, divide_logits
from tests.tiny import DETECTOR, SEGMENTER, eager_detector


def pictures():
    return torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("head_norm", ["group", "none"])
def test_a_detectors_logits_come_divided_each_head_by_its_own(head_norm):
    torch.manual_seed(0)
    config = DETECTOR.model_copy(update={"head_norm": head_norm})
    plain, calibrated = eager_detector(config).eval(), build_detector(config).eval()
    weights = divide_logits(plain.state_dict(), {SCORE_LOGITS: 2.5, COARSE_LOGITS: 0.4})
    calibrated.load_state_dict(weights)
    with torch.inference_mode():
        before, after = (each.raw(detector_input(pictures(), config)) for each in (plain, calibrated))
        coarse = plain.backbone.see(detector_input(pictures(), config)).coarse_logits
    torch.testing.assert_close(after.logits, before.logits / 2.5)
    torch.testing.assert_close(after.coarse_mask, (coarse / 0.4).sigmoid())
    assert torch.equal(after.deltas, before.deltas)
    assert torch.equal(after.features, before.features)


def test_a_segmenters_logits_come_divided():
    torch.manual_seed(0)
    plain, calibrated = build_segmenter(SEGMENTER).eval(), build_segmenter(SEGMENTER).eval()
    calibrated.load_state_dict(divide_logits(plain.state_dict(), {PIXEL_LOGITS: 1.7}))
    with torch.inference_mode():
        torch.testing.assert_close(calibrated(pictures()), plain(pictures()) / 1.7)


def test_weights_are_given_anew_and_a_temperature_of_1_changes_none():
    plain = build_segmenter(SEGMENTER).state_dict()
    kept = plain[f"{PIXEL_LOGITS}.weight"].clone()
    divided = divide_logits(plain, {PIXEL_LOGITS: 2.0})
    assert torch.equal(plain[f"{PIXEL_LOGITS}.weight"], kept)
    assert {name for name in plain if not torch.equal(plain[name], divided[name])} <= {
        f"{PIXEL_LOGITS}.weight",
        f"{PIXEL_LOGITS}.bias",
    }
    assert all(torch.equal(weight, plain[name]) for name, weight in divide_logits(plain, {PIXEL_LOGITS: 1.0}).items())


def test_a_layer_that_is_not_there_is_an_error():
    with pytest.raises(KeyError, match="coarse_mask"):
        divide_logits(build_segmenter(SEGMENTER).state_dict(), {COARSE_LOGITS: 2.0})
