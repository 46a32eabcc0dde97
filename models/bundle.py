"""A trained cascade on disk: safetensors files and ``bundle.json``, checked whole before anything is used."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from models.backbones import IMAGE_MEAN, IMAGE_STD
from models.coarse_mask import CoarseBoxes
from models.detector import CrackDetector, build_detector
from models.detector_config import DetectorConfig
from models.errors import BundleError
from models.finite import check_weights
from models.format_2 import convert_card
from models.given import read_given, size
from models.learnt import LEARNT, Learnt, parse_learnt, write_learnt
from models.segmenter import MOST_HALO_PX, SegmenterConfig, build_segmenter

CARD = "bundle.json"
DETECTOR = "detector.safetensors"
SEGMENTER = "segmenter.safetensors"
MOST_CARD_BYTES, MOST_TOLD = 1_000_000, 8
MOST_WEIGHTS_BYTES = 2_000_000_000
# Memory is bounded before a network is built: each size (channels, convolutions, px of an anchor), and layers times
# channels², which weights grow with; the paper's RetinaNet has 1.3 million of these.
LARGEST_SIZE, MOST_CHANNEL_PAIRS = 2048, 8_000_000
FORMAT: Literal["crack-survey bundle 3"] = "crack-survey bundle 3"


class BundleCard(BaseModel):
    """``bundle.json``: how to build the networks again, where to cut their scores, and what they were made from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["crack-survey bundle 3"] = FORMAT
    name: str = Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
    created_at: AwareDatetime
    detector: DetectorConfig
    segmenter: SegmenterConfig
    image_mean: tuple[float, float, float] = IMAGE_MEAN
    image_std: tuple[float, float, float] = IMAGE_STD
    classes: tuple[str, ...] = ("crack",)
    score_threshold: float = Field(ge=0, le=1)
    coarse_boxes: CoarseBoxes = Field(CoarseBoxes(), description="How boxes are drawn around a coarse mask")
    probability_threshold: float = Field(ge=0, le=1)
    full_frame_threshold: float | None = Field(None, ge=0, le=1, description="For the segmenter over whole pictures")
    flank_share: float = Field(0, ge=0, lt=1, description="What is below it, of the highest nearby, is no crack")
    crop_halo: int = Field(ge=0, le=MOST_HALO_PX)
    detector_tta: bool = Field(False, description="Test-time augmentation of stage 1: the picture turned round too")
    segmenter_tta: bool = Field(False, description="The same of stage 2: mirror images and enlarged ones")
    dataset: str
    dataset_fingerprint: str
    split: str
    split_fingerprint: str
    seed: int
    device: str
    metrics: dict[str, float | None]
    training_data_licence: str
    commercial: bool = Field(False, description="All its data, earlier bundles' too, may be used commercially")
    sources: tuple[str, ...] = Field((), description="Data it learnt from whose licence asks to be named, and how")
    mm_per_px: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Scale that it knows best; none: its data do not say"
    )
    versions: dict[str, str]
    sha256: dict[str, str] = Field(default_factory=dict, description="Of each other file; filled on saving")


def save_bundle(
    folder: Path, detector: nn.Module, segmenter: nn.Module, card: BundleCard, learnt: Learnt | None = None
) -> Path:
    """Write a bundle, weights as they are (save halved networks for fp16); an unfinished folder is never left.

    Args:
        folder: to write to; a bundle that is there is replaced.
        detector: stage 1.
        segmenter: stage 2.
        card: how both are built and used.
        learnt: what both have learnt from; none: the bundle will not be able to say.

    Raises:
        BundleError: the folder exists and is no bundle, or cannot be written.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / CARD).exists():
        raise BundleError(f"{folder} holds something that is not a bundle.", "Give a new or empty folder.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
            fresh = Path(temporary)
            for name, network in ((DETECTOR, detector), (SEGMENTER, segmenter)):
                weights = {key: value.cpu().contiguous() for key, value in network.state_dict().items()}
                save_file(weights, fresh / name)
            if learnt is not None:
                write_learnt(learnt, fresh / LEARNT)
            digests = {path.name: _sha256(path) for path in sorted(fresh.iterdir())}
            signed = card.model_copy(update={"sha256": digests})
            (fresh / CARD).write_text(signed.model_dump_json(indent=2) + "\n")
            for name in digests:  # safetensors hides its files from everyone but their owner
                (fresh / name).chmod((fresh / CARD).stat().st_mode)
            folder.mkdir(exist_ok=True)
            (folder / CARD).unlink(missing_ok=True)  # without its card a half-replaced folder is no bundle
            (folder / LEARNT).unlink(missing_ok=True)
            for name in (*digests, CARD):
                (fresh / name).replace(folder / name)
    except OSError as error:
        raise BundleError(f"Cannot write the bundle {folder}: {error}", "Free space or mend its rights.") from error
    return folder


def read_card(folder: Path) -> BundleCard:
    """Read and check ``bundle.json`` alone.

    Raises:
        BundleError: there is none, or it does not fit the schema.
    """
    folder = folder.expanduser()
    path = folder / CARD
    try:
        card = BundleCard.model_validate(convert_card(json.loads(read_given(path, MOST_CARD_BYTES)), FORMAT, path))
    except FileNotFoundError as error:
        raise BundleError(
            f"{folder} is not a bundle: it has no {CARD}.",
            "Give a folder with detector.safetensors, segmenter.safetensors and bundle.json, "
            "such as data/bundles/NAME or the bundle/ of a run.",
        ) from error
    except ValidationError as error:
        wrong = "; ".join(f"{_short('.'.join(map(str, e['loc'])))}: {e['msg']}" for e in error.errors()[:MOST_TOLD])
        raise BundleError(
            f"{path} does not fit the bundle's schema: {wrong}",
            "It was altered or made by another version: copy it again, or train a new one with `crack-survey run`.",
        ) from error
    except (OSError, ValueError, RecursionError) as error:  # no file, no JSON, no Unicode, digits or depth without end
        raise BundleError(
            f"{path} cannot be read: {error}", "Copy the bundle again from where it came from."
        ) from error
    for name in ("detector", "segmenter"):
        if (largest := _largest(getattr(card, name).model_dump())) > LARGEST_SIZE:
            raise BundleError(
                f"{path} asks for a {name} with a size of {largest:g}, more than any has: {LARGEST_SIZE}.",
                "It was altered: copy the bundle again from where it came from.",
            )
    if (pairs := _channel_pairs(card)) > MOST_CHANNEL_PAIRS:
        raise BundleError(
            f"{path} asks for networks larger than any: {pairs:,} pairs of channels, where {MOST_CHANNEL_PAIRS:,} "
            "are allowed.",
            "It was altered: copy the bundle again from where it came from.",
        )
    return card


def _short(text: str, most: int = 80) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def load_bundle(folder: Path) -> tuple[CrackDetector, nn.Module, BundleCard]:
    """Build both networks and fill them; every file is checked against the digest in the card first.

    Raises:
        BundleError: naming what is missing, altered or does not fit.
    """
    folder = folder.expanduser()
    card = read_card(folder)
    if card.image_mean != IMAGE_MEAN or card.image_std != IMAGE_STD:
        raise BundleError(f"{folder} was trained with another normalisation.", "Train it again with this version.")
    for name in (DETECTOR, SEGMENTER):
        _check_file(folder, name, card)
    try:
        detector = build_detector(card.detector.model_copy(update={"weights": "none"}))
        segmenter = build_segmenter(card.segmenter.model_copy(update={"weights": "none"}))
    except ValueError as error:
        raise BundleError(
            f"{folder / CARD} describes networks that cannot be: {error}.",
            "It was altered: copy the bundle again from where it came from.",
        ) from error
    fill(detector, folder / DETECTOR)
    fill(segmenter, folder / SEGMENTER)
    return detector, segmenter, card


def read_learnt(folder: Path) -> Learnt | None:
    """What a bundle has learnt from; None where it does not say, as bundles of earlier versions do not.

    Raises:
        BundleError: naming what is missing, altered or does not fit.
    """
    folder = folder.expanduser()
    card = read_card(folder)
    if LEARNT not in card.sha256:
        return None
    _check_file(folder, LEARNT, card)
    return parse_learnt(folder / LEARNT)


def _check_file(folder: Path, name: str, card: BundleCard) -> None:
    path = folder / name
    if not path.is_file():
        raise BundleError(f"{folder} lacks {name}.", "Copy the whole bundle: its files belong together.")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BundleError(
            f"{path} is a link to {path.resolve()}, outside the bundle.", "Put the file itself into the folder."
        )
    if path.stat().st_size > MOST_WEIGHTS_BYTES:
        raise BundleError(f"{path} has more than {size(MOST_WEIGHTS_BYTES)}.", "It is no file of this bundle's.")
    if _sha256(path) != card.sha256.get(name):
        raise BundleError(f"{path} is not the file its card describes.", "It is damaged or altered: copy it again.")


def fill(network: nn.Module, path: Path) -> None:
    """Load a safetensors file into a network; half-precision weights widen to the network's own.

    Raises:
        BundleError: the file cannot be read, does not fit the network, or holds numbers that are not finite.
    """
    try:
        weights = load_file(path)
        check_weights(weights, str(path))
        network.load_state_dict(weights)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise BundleError(f"{path} cannot be loaded: {error}", "It is damaged or of another architecture.") from error


def _largest(value: object) -> float:
    """The largest number, or length of a list, in nested settings."""
    if isinstance(value, dict):
        return max(map(_largest, value.values()), default=0)
    if isinstance(value, list | tuple):
        return max(len(value), *map(_largest, value)) if value else 0
    return value if isinstance(value, int | float) else 0


def _channel_pairs(card: BundleCard) -> int:
    """Layers times channels² of the larger network."""
    detectors = [one for one in (card.detector, card.detector.second) if one is not None]
    decoder = card.segmenter.decoder_channels
    return max(
        *(len(one.levels) * one.head_convs * one.fpn_channels**2 for one in detectors), len(decoder) * max(decoder) ** 2
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
