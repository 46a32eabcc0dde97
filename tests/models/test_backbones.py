import pytest
import timm
import torch
import torch.nn.functional as F

from models.backbones import load_encoder_weights, normalise, space_to_depth_stem
from models.errors import UserError


def test_lite0_weights_come_from_the_installed_package():
    encoder = timm.create_model("tf_efficientnet_lite0", features_only=True)
    before = encoder.conv_stem.weight.clone()
    load_encoder_weights(encoder, "efficientnet_lite0", "package")
    assert not torch.equal(before, encoder.conv_stem.weight)
    assert (
        float(encoder.conv_stem.weight.detach().abs().mean()) > 0.05
    )  # trained stems are far from their initial scale


def test_the_package_carries_no_other_weights():
    with pytest.raises(UserError, match="resnet18") as caught:
        load_encoder_weights(timm.create_model("resnet18", features_only=True), "resnet18", "package")
    assert "weights=none" in caught.value.remedy


def test_weights_of_another_network_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        load_encoder_weights(timm.create_model("resnet18", features_only=True), "efficientnet_lite0", "package")


def test_a_failed_download_is_told_with_its_remedy(monkeypatch):
    def offline(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(UserError, match="no route to host") as caught:
        load_encoder_weights(torch.nn.Identity(), "resnet18", "timm")
    assert "weights=none" in caught.value.remedy


def test_normalise_takes_bytes_and_fractions_alike():
    pixels = torch.randint(0, 256, (1, 3, 4, 4), dtype=torch.uint8)
    torch.testing.assert_close(normalise(pixels), normalise(pixels.float() / 255))


@pytest.mark.parametrize("n", [1, 2])
def test_a_stem_after_space_to_depth_starts_with_the_answer_to_the_shrunk_picture(n):
    torch.manual_seed(0)
    weight, picture = torch.randn(5, 3, 3, 3), torch.randn(1, 3, 16, 16)
    expected = F.conv2d(F.avg_pool2d(picture, n), weight)
    answer = F.conv2d(F.pixel_unshuffle(picture, n), space_to_depth_stem(weight, 3 * n**2))
    torch.testing.assert_close(answer, expected, atol=1e-5, rtol=1e-5)
