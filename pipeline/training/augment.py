"""Random changes to a training picture and its mask, by `torchvision.transforms.v2`.

Boxes are derived from the changed mask afterwards, so that they stay tight whatever the rotation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from pipeline.training.cameras import OtherCamera, picture_of, pixels_of


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
    if settings.brightness or settings.contrast or settings.gamma:
        steps.append(RandomTones(settings.brightness, settings.contrast, settings.gamma))
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
        pixels = pixels_of(inpt) if picture else inpt.numpy()
        how = cv2.INTER_LINEAR if picture else cv2.INTER_NEAREST
        turned = cv2.warpAffine(pixels, matrix, (width, height), flags=how, borderMode=cv2.BORDER_REFLECT_101)
        if picture:
            return picture_of(np.asarray(turned, np.uint8), inpt)
        wrapped: Tensor = tv_tensors.wrap(torch.from_numpy(turned), like=inpt)
        return wrapped


class RandomTones(v2.Transform):
    """Change brightness, contrast and gamma: pictures only.

    By one table of the 256 grey levels, which takes a tenth of the time of `v2.ColorJitter` on every pixel.
    """

    _transformed_types = (tv_tensors.Image,)

    def __init__(self, brightness: float, contrast: float, gamma: float) -> None:
        super().__init__()
        self.brightness, self.contrast, self.gamma = brightness, contrast, math.log1p(gamma)

    def make_params(self, flat_inputs: list[object]) -> dict[str, float]:
        brightness, contrast, gamma = (2 * torch.rand(3) - 1).tolist()
        return {
            "brightness": 1 + brightness * self.brightness,
            "contrast": 1 + contrast * self.contrast,
            "gamma": math.exp(gamma * self.gamma),
        }

    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        pixels = pixels_of(inpt)
        levels = np.minimum(np.arange(256) * params["brightness"], 255)
        middle = levels[int(pixels.mean())]  # contrast is about the picture's mean, and leaves that as it is
        levels = np.clip(middle + (levels - middle) * params["contrast"], 0, 255)
        table = np.rint(255 * (levels / 255) ** params["gamma"]).astype(np.uint8)
        return picture_of(np.asarray(cv2.LUT(pixels, table), np.uint8), inpt)


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
        return {"sigma": torch.rand(()).item() * self.most, "seed": int(torch.randint(2**31, ()).item())}

    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        # OpenCV draws in a third of torch's time. Its seed is the thread's own, and set for each picture.
        cv2.setRNGSeed(int(params["seed"]))
        pixels = pixels_of(inpt)
        noise = np.empty((pixels.size, 1), np.int16)
        cv2.randn(noise, 0, params["sigma"] * 255)  # type: ignore[call-overload]
        noisy = cv2.add(pixels, noise.reshape(pixels.shape), dtype=cv2.CV_8U)
        return picture_of(np.asarray(noisy, np.uint8), inpt)
