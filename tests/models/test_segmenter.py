import torch

from models.segmenter import SegmenterConfig, build_segmenter


def test_one_logit_a_pixel():
    config = SegmenterConfig(encoder="resnet18", weights="none", decoder_channels=(32, 16, 8))
    model = build_segmenter(config).eval()
    assert config.multiple == 8
    with torch.inference_mode():
        assert model(torch.zeros(2, 3, 40, 56)).shape == (2, 1, 40, 56)


def test_encoder_starts_from_the_packages_weights():
    torch.manual_seed(0)
    trained = build_segmenter(SegmenterConfig()).encoder.state_dict()
    torch.manual_seed(0)
    fresh = build_segmenter(SegmenterConfig(weights="none")).encoder.state_dict()
    assert not torch.equal(trained["model.conv_stem.weight"], fresh["model.conv_stem.weight"])
