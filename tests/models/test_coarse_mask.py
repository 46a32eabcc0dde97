import torch

from models.coarse_mask import CoarseMaskHead
from models.detector import build_detector, detector_input
from models.detector_config import DetectorConfig

SMALL = DetectorConfig(backbone="resnet18", weights="none", fpn_channels=16, head_convs=1)


def test_the_answer_has_the_size_of_the_finest_stage():
    head = CoarseMaskHead(64, [16, 24]).eval()
    skips = [torch.zeros(2, 16, 40, 60), torch.zeros(2, 24, 20, 30)]
    assert head(torch.zeros(2, 64, 10, 15), skips).shape == (2, 40, 60)


def test_every_stage_and_the_pyramid_have_a_say():
    torch.manual_seed(0)
    head = CoarseMaskHead(8, [4, 4]).eval()
    inputs = [torch.randn(1, 8, 2, 2), torch.randn(1, 4, 8, 8), torch.randn(1, 4, 4, 4)]
    for which in range(3):
        tensors = [x.clone().requires_grad_(index == which) for index, x in enumerate(inputs)]
        head(tensors[0], tensors[1:]).sum().backward()
        assert tensors[which].grad.abs().sum() > 0


@torch.inference_mode()
def test_a_coarse_mask_has_pixels_of_4_px_with_space_to_depth_or_without():
    for n in (1, 2):
        config = SMALL.model_copy(update={"space_to_depth": n})
        raw = build_detector(config).eval().raw(detector_input(torch.zeros(1, 3, 128, 192), config))
        assert raw.coarse_mask.shape == (1, 128 // config.coarse_px, 192 // config.coarse_px)
        assert config.coarse_px == 4
    plain = SMALL.model_copy(update={"coarse_mask": False})
    assert build_detector(plain).eval().raw(detector_input(torch.zeros(1, 3, 128, 192), plain)).coarse_mask is None


def test_the_head_for_boxes_is_the_same_with_or_without_the_one_for_the_coarse_mask():
    plain = build_detector(SMALL.model_copy(update={"coarse_mask": False}))
    both = build_detector(SMALL)
    names = set(both.state_dict()) - set(plain.state_dict())
    assert names
    assert all(name.startswith("backbone.coarse_mask.") for name in names)
    assert set(plain.state_dict()) < set(both.state_dict())


def test_the_coarse_mask_is_a_probability_outside_training_and_logits_in_it():
    torch.manual_seed(0)
    model = build_detector(SMALL).eval()
    pixels = detector_input(torch.randn(1, 3, 64, 64), SMALL)
    with torch.no_grad():
        _, logits = model.losses(pixels, [torch.zeros(0, 4)])
        torch.testing.assert_close(model.raw(pixels).coarse_mask, logits.sigmoid())
