"""What a user would pick instead, as it comes: eager PyTorch, untrained, since time does not hang on weights."""

from __future__ import annotations

from collections.abc import Callable

import segmentation_models_pytorch as smp
import torch
from torchvision.models.detection import retinanet_resnet50_fpn_v2

from models.backbones import normalise
from models.detector import pad_to_multiple
from pipeline.arrays import Image


def unet_resnet34(device: torch.device) -> Callable[[Image], float]:
    """segmentation-models-pytorch's U-Net with ResNet-34 over the full frame, ``(H, W, 3)`` uint8 each."""
    network = smp.Unet("resnet34", encoder_weights=None).eval().to(device, memory_format=torch.channels_last)

    @torch.inference_mode()
    def run(image: Image) -> float:
        pixels = normalise(torch.from_numpy(image).permute(2, 0, 1)[None].to(device))
        inputs = pad_to_multiple(pixels, 32).contiguous(memory_format=torch.channels_last)
        return float(network(inputs).sigmoid().sum())

    return run


def torchvision_retinanet(device: torch.device) -> Callable[[Image], float]:
    """Torchvision's RetinaNet as it comes, which resizes every picture to 800 px."""
    network = retinanet_resnet50_fpn_v2(weights=None, weights_backbone=None, num_classes=2).eval().to(device)

    @torch.inference_mode()
    def run(image: Image) -> float:
        detections = network([torch.from_numpy(image).permute(2, 0, 1).to(device).float() / 255])
        return float(detections[0]["scores"].sum())

    return run
