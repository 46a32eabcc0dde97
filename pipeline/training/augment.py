"""Random changes to a training picture and its mask, by `torchvision.transforms.v2`.

Boxes are derived from the changed mask afterwards, so that they stay tight whatever the rotation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from pipeline.training.cameras import OtherCamera


@dataclass(frozen=True)
class Augmentation:
    """Random changes to a training picture; all zero or False means none.

    Attributes:
        flip: mirrored, left for right and upside down.
        rotate_deg: turned so far at most, either way.
        scale_min: shrunk so far at most.
        scale_max: enlarged so far at most.
        brightness: changed by this share at most.
        contrast: likewise.
        gamma: brightness raised to a power between ``1 / (1 + gamma)`` and ``1 + gamma``.
        blur: share of pictures that are blurred.
        noise: standard deviation of added noise at most, on a 0–1 scale.
        shadow: share of pictures that get a soft shadow.
        other_cameras: as other cameras would have taken them (`pipeline.training.cameras`).
    """

    flip: bool = True
    rotate_deg: float = 15
    scale_min: float = 0.8
    scale_max: float = 1.4
    brightness: float = 0.3
    contrast: float = 0.3
    gamma: float = 0.2
    blur: float = 0.1
    noise: float = 0.02
    shadow: float = 0.2
    other_cameras: bool = False


FULL = Augmentation()
# What Carr et al. 2018 did to their pictures.
FLIP = Augmentation(
    rotate_deg=0, scale_min=1, scale_max=1, brightness=0, contrast=0, gamma=0, blur=0, noise=0, shadow=0
)
AUGMENTATIONS = {"full": FULL, "flip": FLIP}


def make_augmentation(settings: Augmentation) -> v2.Compose:
    """Compose the transforms that `settings` ask for.

    The result takes and returns ``(tv_tensors.Image (3, H, W) uint8, tv_tensors.Mask (H, W) uint8)`` of equal size
    and draws from torch's global random state.
    """
    steps: list[v2.Transform] = []
    if settings.flip:
        steps += [v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()]
    if settings.rotate_deg or settings.scale_min != 1 or settings.scale_max != 1:
        steps.append(ReflectedAffine(settings.rotate_deg, (settings.scale_min, settings.scale_max)))
    if settings.other_cameras:
        steps.append(OtherCamera())
    if settings.brightness or settings.contrast:
        steps.append(v2.ColorJitter(settings.brightness, settings.contrast))
    if settings.gamma:
        steps.append(RandomGamma(settings.gamma))
    if settings.shadow:
        steps.append(v2.RandomApply([SoftShadow()], settings.shadow))
    if settings.blur:
        steps.append(v2.RandomApply([v2.GaussianBlur(3, (0.3, 1.0))], settings.blur))
    if settings.noise:
        steps.append(SensorNoise(settings.noise))
    return v2.Compose(steps or [v2.Identity()])


class ReflectedAffine(v2.Transform):
    """Turn and scale about the middle; what comes in from outside is the mirrored picture, not black.

    By OpenCV, which takes a twentieth of the time of `v2.RandomAffine` on padded pictures.
    """

    _transformed_types = (tv_tensors.Image, tv_tensors.Mask)

    def __init__(self, degrees: float, scale: tuple[float, float]) -> None:
        super().__init__()
        self.degrees = degrees
        self.scale = scale

    def make_params(self, flat_inputs: list[object]) -> dict[str, float]:
        turn, growth = torch.rand(2).tolist()
        low, high = self.scale
        return {"angle": (2 * turn - 1) * self.degrees, "scale": low + growth * (high - low)}

    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        height, width = inpt.shape[-2:]
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), params["angle"], params["scale"])
        picture = isinstance(inpt, tv_tensors.Image)
        pixels = inpt.permute(1, 2, 0).numpy() if picture else inpt.numpy()
        how = cv2.INTER_LINEAR if picture else cv2.INTER_NEAREST
        turned = cv2.warpAffine(pixels, matrix, (width, height), flags=how, borderMode=cv2.BORDER_REFLECT_101)
        changed = torch.from_numpy(turned)
        wrapped: Tensor = tv_tensors.wrap(changed.permute(2, 0, 1).contiguous() if picture else changed, like=inpt)
        return wrapped


class RandomGamma(v2.Transform):
    """Raise brightness to a power between ``1 / (1 + strength)`` and ``1 + strength``: pictures only."""

    _transformed_types = (tv_tensors.Image,)

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.limit = math.log1p(strength)

    def make_params(self, flat_inputs: list[object]) -> dict[str, float]:
        return {"gamma": math.exp((torch.rand(()).item() * 2 - 1) * self.limit)}

    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        # Each grey level once instead of each pixel: the same values in a tenth of the time.
        levels = v2.functional.adjust_gamma(torch.arange(256, dtype=torch.uint8)[None, None], params["gamma"])
        changed: Tensor = tv_tensors.wrap(torch.from_numpy(cv2.LUT(inpt.numpy(), levels.numpy().ravel())), like=inpt)
        return changed


class SoftShadow(v2.Transform):
    """Darken one side of a random line by 20–60 % with a soft edge, as a tree or a car would: pictures only."""

    _transformed_types = (tv_tensors.Image,)

    def make_params(self, flat_inputs: list[object]) -> dict[str, float]:
        angle, offset, softness, depth = torch.rand(4).tolist()
        return {
            "angle": angle * 2 * math.pi,
            "offset": offset - 0.5,
            "softness": 0.01 + 0.1 * softness,
            "depth": 0.2 + 0.4 * depth,
        }

    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        height, width = inpt.shape[-2:]
        y = torch.linspace(-0.5, 0.5, height)[:, None]
        x = torch.linspace(-0.5, 0.5, width)[None, :]
        distance = x * math.cos(params["angle"]) + y * math.sin(params["angle"]) - params["offset"]
        light = 1 - params["depth"] * torch.sigmoid(distance / params["softness"])
        changed: Tensor = tv_tensors.wrap((inpt.float() * light).round().to(torch.uint8), like=inpt)
        return changed


class SensorNoise(v2.Transform):
    """Add Gaussian noise of a strength drawn up to `most` (0–1 scale): pictures only."""

    _transformed_types = (tv_tensors.Image,)

    def __init__(self, most: float) -> None:
        super().__init__()
        self.most = most

    def make_params(self, flat_inputs: list[object]) -> dict[str, float]:
        return {"sigma": torch.rand(()).item() * self.most}

    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        noise = torch.randn(inpt.shape) * (params["sigma"] * 255)
        changed: Tensor = tv_tensors.wrap((inpt.float() + noise).round().clamp(0, 255).to(torch.uint8), like=inpt)
        return changed
