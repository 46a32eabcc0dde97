"""A bundle's networks as ONNX files, for runtimes other than those of `models.runtimes`."""

from __future__ import annotations

import importlib.util
import os
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from models.bundle import MOST_WEIGHTS_BYTES, BundleCard
from models.detector import CrackDetector
from models.errors import BundleError, UsageError
from models.given import open_given
from models.graphs import DetectorGraph, Graph, SegmenterGraph, fuse_batch_norm

OPSET = 17
CARD_KEY = "crack_survey"


class Exported(NamedTuple):
    """The files of an export."""

    detector: Path
    segmenter: Path


def export_onnx(detector: CrackDetector, segmenter: nn.Module, card: BundleCard, folder: Path) -> Exported:
    """Write ``detector.onnx`` and ``segmenter.onnx``; each replaces its older one only when it is whole.

    Both take ``images``, ``(B, h, w, 3)`` uint8 RGB of any size whose sides are multiples of the network's, and
    normalise them inside. The detector gives ``logits (B, A)`` and ``deltas (B, A, 4)`` (`models.detections` is
    how they become boxes; `CrackDetector.anchors_for` lists the anchors, those of a second detector last),
    ``features (B, C)`` (`models.learnt` is how they tell familiar pictures) and the probability
    ``coarse_mask (B, h / c, w / c)``, where it has a head for it; the segmenter gives ``probability (B, h, w)``. The
    card stands in both files' metadata as JSON under ``crack_survey``: how the networks are built, thresholds and all.

    Raises:
        UsageError: the package onnx is not installed.
        BundleError: the folder cannot be written, or holds a file of such a name that is no export.
    """
    if importlib.util.find_spec("onnx") is None:
        raise UsageError("ONNX is not installed.", "pip install 'crack-survey[onnx]'")
    files = Exported(folder / "detector.onnx", folder / "segmenter.onnx")
    for path in files:
        _require_ours(path)
    first = fuse_batch_norm(DetectorGraph(detector.cpu()))
    second = fuse_batch_norm(SegmenterGraph(segmenter.cpu(), card.segmenter.multiple))
    outputs = ["logits", "deltas", "features", *(["coarse_mask"] if detector.config.coarse_mask else [])]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".export.") as temporary:
            _write(first, outputs, card, Path(temporary) / "detector.onnx")
            _write(second, ["probability"], card, Path(temporary) / "segmenter.onnx")
            for path in files:
                (Path(temporary) / path.name).replace(path)
    except OSError as error:
        raise BundleError(f"Cannot write to {folder}: {error}", "Free some space or mend its rights.") from error
    return files


def _require_ours(path: Path) -> None:
    """Refuse to replace a file that no export wrote: an export carries the card."""
    import onnx

    if not os.path.lexists(path):
        return
    try:
        with open_given(path, MOST_WEIGHTS_BYTES) as file:
            properties = onnx.load_model_from_string(file.read()).metadata_props
        ours = not path.is_symlink() and any(one.key == CARD_KEY for one in properties)
    except Exception:  # a pipe, too large, or whatever a parser stumbles over
        ours = False
    if not ours:
        raise BundleError(f"{path} is not one that crack-survey wrote.", "Give another folder with --out, or move it.")


def _write(graph: Graph, outputs: list[str], card: BundleCard, path: Path) -> None:
    import onnx

    picture, anchors = {0: "batch", 1: "height", 2: "width"}, {0: "batch", 1: "anchors"}
    free = {"images": picture, "coarse_mask": picture, "probability": picture, "logits": anchors, "deltas": anchors}
    free["features"] = {0: "batch"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # By tracing: the exporter that is the default needs minutes for a free picture size.
        torch.onnx.export(
            graph,
            (torch.zeros(1, 64, 96, 3, dtype=torch.uint8),),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=["images"],
            output_names=outputs,
            dynamic_axes={name: free[name] for name in ("images", *outputs)},
        )
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {CARD_KEY: card.model_dump_json()})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
