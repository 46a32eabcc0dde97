import pytest
import timm
import torch

from models.backbones import load_encoder_weights, normalise
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
