"""Networks as a runtime wants them: uint8 pixels in, batch norms fused, nothing that hangs on the picture's size."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from models.backbones import IMAGE_MEAN, normalise
from models.detector import CrackDetector, detector_multiple

Pixels = NDArray[np.uint8]  # (B, h, w, 3) RGB

MEAN_COLOUR = tuple(round(255 * mean) for mean in IMAGE_MEAN)  # within half a grey level of 0 once normalised


class Graph(nn.Module):
    """A network with its pre- and postprocessing of pixels.

    Args:
        network: what is between.
        multiple: sides of the input must be multiples of this, px.
    """

    def __init__(self, network: nn.Module, multiple: int) -> None:
        super().__init__()
        self.network = network
        self.multiple = multiple


class DetectorGraph(Graph):
    """``(B, h, w, 3)`` uint8 RGB → what `CrackDetector.answer` gives, in float32.

    The result is a tuple of three without a coarse mask, of four with one, for tracing.
    """

    def __init__(self, network: CrackDetector) -> None:
        super().__init__(network, detector_multiple(network.config))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Raw output; sides must be multiples of `multiple` px."""
        assert isinstance(self.network, CrackDetector)
        answer = self.network.answer(normalise(images.permute(0, 3, 1, 2)))
        return tuple(output.float() for output in answer if output is not None)


class SegmenterGraph(Graph):
    """``(B, h, w, 3)`` uint8 RGB → a tuple of the probability of crack ``(B, h, w)`` float32, 0–1."""

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Probabilities; sides must be multiples of `multiple` px."""
        logits: Tensor = self.network(normalise(images.permute(0, 3, 1, 2)))
        return (logits[:, 0].float().sigmoid(),)


def padded_pixels(images: Sequence[NDArray[np.uint8]], multiple: int) -> Pixels:
    """Pictures of one size as a batch, padded at right and bottom with ImageNet's mean colour, about 0 once normalised.

    Args:
        images: each ``(H, W, 3)`` uint8 RGB, at least one.
        multiple: both sides of the batch become multiples of this, px; for the detector `detector_multiple`.

    Returns:
        ``(B, h, w, 3)`` uint8; a single picture to which nothing is to do comes back as a view.
    """
    height, width = images[0].shape[:2]
    below, right = -height % multiple, -width % multiple
    if len(images) == 1 and not below and not right:
        return images[0][None]
    pixels = np.empty((len(images), height + below, width + right, 3), np.uint8)
    pixels[:, height:] = MEAN_COLOUR
    pixels[:, :height, width:] = MEAN_COLOUR
    for target, image in zip(pixels, images, strict=True):
        target[:height, :width] = image
    return pixels


def check_sides(images: Pixels, multiple: int) -> None:
    """Make sure that a batch is not empty and that its sides are multiples of `multiple` px."""
    batch, height, width, _ = images.shape
    if batch == 0 or height % multiple or width % multiple:
        raise ValueError(f"images {images.shape}: not empty, and sides must be multiples of {multiple} px")


@torch.no_grad()
def fuse_batch_norm(graph: Graph) -> Graph:
    """Copy a graph for inference: each batch norm becomes part of the convolution before it, padding becomes fixed.

    The result equals the original up to rounding, for sides that are multiples of the graph's `multiple`.

    Args:
        graph: a `DetectorGraph` or `SegmenterGraph`, in any mode; it is left as it is.
    """
    graph = copy.deepcopy(graph).eval()
    for name, module in list(graph.named_modules()):
        if isinstance(module, Conv2dSame):
            _replace(graph, name, _FixedPadding(module))
    for convolution, norm in _pairs(graph):
        assert norm.running_mean is not None
        assert norm.running_var is not None
        convolution.weight, convolution.bias = fuse_conv_bn_weights(
            convolution.weight,
            convolution.bias,
            norm.running_mean,
            norm.running_var,
            norm.eps,
            norm.weight,
            norm.bias,
        )
        name = next(name for name, module in graph.named_modules() if module is norm)
        _replace(graph, name, getattr(norm, "act", nn.Identity()))  # timm's norms carry their activation
    return graph.requires_grad_(False)


class _FixedPadding(nn.Module):
    """TensorFlow's SAME padding for sides that are multiples of the stride: then it is a constant, not a formula."""

    def __init__(self, source: Conv2dSame) -> None:
        super().__init__()
        sides: list[int] = []
        for kernel, stride in zip(reversed(source.kernel_size), reversed(source.stride), strict=True):
            total = max(kernel - stride, 0)
            sides += [total // 2, total - total // 2]
        self.sides = sides
        self.convolution = nn.Conv2d(
            source.in_channels,
            source.out_channels,
            cast("tuple[int, int]", source.kernel_size),
            cast("tuple[int, int]", source.stride),
            groups=source.groups,
            bias=source.bias is not None,
        )
        self.convolution.weight = source.weight
        self.convolution.bias = source.bias

    def forward(self, x: Tensor) -> Tensor:
        return self.convolution(F.pad(x, self.sides))  # type: ignore[no-any-return]


def _pairs(graph: nn.Module) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Convolutions and the batch norms that take their output, watched in one forward pass."""
    made_by: dict[int, nn.Conv2d] = {}
    alive: list[Tensor] = []  # an id names one tensor only for as long as that lives
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d]] = []

    def note(module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(module, nn.Conv2d)
        made_by[id(output)] = module
        alive.append(output)

    def match(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(module, nn.BatchNorm2d)
        if id(inputs[0]) in made_by:
            pairs.append((made_by[id(inputs[0])], module))

    handles = []
    for module in graph.modules():
        if isinstance(module, nn.Conv2d):
            handles.append(module.register_forward_hook(note))
        elif isinstance(module, nn.BatchNorm2d):
            handles.append(module.register_forward_pre_hook(match))
    device = next(graph.parameters()).device
    graph(torch.zeros(1, 64, 64, 3, dtype=torch.uint8, device=device))
    for handle in handles:
        handle.remove()
    return pairs


def _replace(root: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(root.get_submodule(parent), last, module)
