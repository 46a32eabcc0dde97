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


def test_what_the_decoder_does_not_read_is_not_there():
    shallow = build_segmenter(SegmenterConfig(weights="none", decoder_channels=(32, 16, 8)))
    deep = build_segmenter(SegmenterConfig(weights="none", decoder_channels=(64, 32, 16, 8, 8)))
    assert len(shallow.encoder.model.blocks) == 3
    assert len(deep.encoder.model.blocks) == 7
    for model in (shallow, deep):
        model(torch.zeros(2, 3, 64, 64)).mean().backward()
        unused = [name for name, parameter in model.encoder.named_parameters() if parameter.grad is None]
        assert unused == []
