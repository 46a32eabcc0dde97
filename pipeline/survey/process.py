"""Photographs → what the cascade says of them, read ahead on threads: where a survey spends its time."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, TypeAlias

import torch

from models.runtimes import LARGEST_BATCH
from pipeline.arrays import Image, Mask
from pipeline.cascade.cascade import Cascade, CascadeResult
from pipeline.cascade.scale import brought_back, resampled
from pipeline.datasets.batches import batched
from pipeline.placing.camera_file import Camera
from pipeline.placing.road_region import cut_out, put_back, region_in, size_of
from pipeline.survey.ahead import work_ahead
from pipeline.survey.decode import FORMATS, decode
from pipeline.survey.listing.exif import fill_place, read_exif
from pipeline.survey.listing.photographs import Failure, Photograph, Refused
from pipeline.survey.listing.question import listed_digest
from pipeline.survey.listing.stores import LocalStore, Store
from pipeline.survey.settings import most_bytes
from pipeline.survey.valid import filled, only_valid

NEVER_FOUND = Failure(
    *("read", "never found"),
    "There is no file of this name, and there was none when the survey began. Check the line of the manifest; paths "
    "start from the manifest's folder, or from --root.",
)

LOCAL_LIMIT_S, REMOTE_LIMIT_S = 120.0, 600.0
"""Time in which a photograph is read and decoded, or it fails: a hundred times what a large one needs."""

LARGE_PX = 40_000_000
"""While a photograph with more pixels waits decoded, its thread reads no other."""


Hold: TypeAlias = Callable[[], AbstractContextManager[None]]
"""Makes a context in which the networks look, such as a turn on a GPU that they must have to themselves."""


class Picture(NamedTuple):
    """A photograph as it was read: with its pixels, or with why it has none.

    Attributes:
        image: ``(H, W, 3)`` uint8 RGB.
        sha256: of the file's content, where it could be read.
        read_ms: time to read and decode it.
        listed: what the list told of its time and place (`listed_digest`), before the file's own data filled it up.
        valid: ``(H, W)`` bool, False where the file says that there is no picture; None where all is picture.
        factor: how many times as large the cascade sees it (`pipeline.survey.to_scale`).
    """

    photograph: Photograph
    image: Image | None
    failure: Failure | None
    sha256: str | None
    read_ms: float
    listed: str = ""
    valid: Mask | None = None
    factor: float = 1.0


def process_pictures(
    cascade: Cascade, pictures: Iterable[Picture], camera: Camera | None = None, hold: Hold = nullcontext
) -> Iterator[list[tuple[Picture, CascadeResult | Failure]]]:
    """Run the cascade over pictures, batch by batch, in their order; one that it cannot do is a failure of its own.

    Args:
        cascade: that looks at them.
        pictures: as they were read.
        camera: that took them; beside its road nothing is looked at.
        hold: held while the networks look at a batch, and neither before nor after.
    """
    for batch in batches(pictures):
        done = _process(cascade, batch, camera, hold)
        batch.clear()
        yield done
        del done  # no picture outlives its turn: the next may be as large


def _process(
    cascade: Cascade, batch: list[Picture], camera: Camera | None, hold: Hold
) -> list[tuple[Picture, CascadeResult | Failure]]:
    looks = [_looked_at(cascade, picture, camera) for picture in batch]
    images = [look for look in looks if not isinstance(look, Failure)]
    with hold() if images else nullcontext():
        found = iter(_found(cascade, images))
    return [
        (p, look if isinstance(look, Failure) else _on_picture(cascade, next(found), p, camera))
        for p, look in zip(batch, looks, strict=True)
    ]


def _looked_at(cascade: Cascade, picture: Picture, camera: Camera | None) -> Image | Failure:
    try:
        image = looked_at(picture, camera)
    except Exception as error:
        return failed(error, cascade)
    return image if image is not None else picture.failure or Failure("read", "unreadable", "It has no pixels.")


def looked_at(picture: Picture, camera: Camera | None) -> Image | None:
    """What the cascade sees of a picture: road alone, at the scale that the cascade knows; None without pixels.

    Where the file holds no picture, what it does hold is mirrored (`filled`).
    """
    if picture.image is None:
        return None
    image = picture.image if picture.valid is None else filled(picture.image, picture.valid)
    return resampled(cut_out(image, region_in(camera, *image.shape[:2])), picture.factor)


def _on_picture(
    cascade: Cascade, found: CascadeResult | Failure, picture: Picture, camera: Camera | None
) -> CascadeResult | Failure:
    if isinstance(found, Failure) or picture.image is None:
        return found
    try:
        region = region_in(camera, *picture.image.shape[:2])
        if picture.factor != 1:
            own = size_of(picture.image.shape[:2], region)
            found = brought_back(found, own, cascade.thresholds)
        found = put_back(found, region)
        return found if picture.valid is None else only_valid(found, picture.valid)
    except Exception as error:
        return failed(error, cascade)


def batches(pictures: Iterable[Picture]) -> Iterator[list[Picture]]:
    """Pictures as the cascade is shown them: up to `LARGEST_BATCH` at a time, fewer of large ones."""
    return batched(pictures, _seen_px, LARGEST_BATCH)


def _seen_px(picture: Picture) -> float:
    """Pixels that the cascade will see of it, at the scale that it knows."""
    return 0.0 if picture.image is None else picture.image.shape[0] * picture.image.shape[1] * picture.factor**2


def read_picture(photograph: Photograph, store: Store, max_pixels: int) -> Picture:
    """Read and decode one photograph.

    Raises:
        DataError: the root is gone; no photograph could be read any more.
    """
    began = time.perf_counter()
    image, valid, failure, listed = None, None, photograph.failure, listed_digest(photograph._asdict())
    digest = None
    if failure is None:
        try:
            content = store.read(photograph.name, most_bytes(max_pixels))
            digest = hashlib.sha256(content).hexdigest()
            image, valid, _ = decode(content, max_pixels)
            photograph = fill_place(photograph, read_exif(content, FORMATS))
        except Refused as refused:
            failure = _since_when(refused.failure, photograph)
    return Picture(photograph, image, failure, digest, (time.perf_counter() - began) * 1e3, listed, valid)


def _since_when(failure: Failure, photograph: Photograph) -> Failure:
    """A file that has no stamp was not there when it was listed either."""
    return NEVER_FOUND if failure.kind == "vanished" and not photograph.stamp else failure


def read_ahead(photographs: Iterable[Photograph], store: Store, max_pixels: int) -> Iterator[Picture]:
    """Photographs as they were read, in order, on threads; one that takes too long is a failure of its own."""
    limit_s = LOCAL_LIMIT_S if isinstance(store, LocalStore) else REMOTE_LIMIT_S

    def too_slow(photograph: Photograph) -> Picture:
        told = f"It was not read and decoded within {limit_s:g} s. Open it and save it anew, or remove it."
        return Picture(photograph, None, Failure("decode", "too slow", told), None, limit_s * 1e3)

    return work_ahead(
        photographs,
        lambda photograph: read_picture(photograph, store, max_pixels),
        too_slow,
        limit_s,
        is_large=lambda picture: picture.image is not None and picture.image.size > 3 * LARGE_PX,
    )


def _found(cascade: Cascade, images: list[Image]) -> Sequence[CascadeResult | Failure]:
    try:
        return cascade.look(images)
    except Exception:  # some picture of the batch is to blame: each by itself tells which
        return [_look(cascade, image) for image in images]


def _look(cascade: Cascade, image: Image) -> CascadeResult | Failure:
    try:
        return cascade.look([image])[0]
    except Exception as error:
        return failed(error, cascade)


def failed(error: Exception, cascade: Cascade) -> Failure:
    """What went wrong with one photograph, as its failure.

    Raises:
        Exception: the error itself, where no other photograph could be done either.
    """
    if type(error).__name__ == "AcceleratorError":  # after one, a GPU refuses all further work of this process
        raise error
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        if cascade.device.type == "cuda":
            torch.cuda.empty_cache()
        return Failure("cascade", "out of memory", f"It is too large for the memory of this machine: {text}")
    known = isinstance(error, RuntimeError)  # PyTorch's and ONNX Runtime's own, whose text says it
    return Failure("cascade", "error", text if known else f"{type(error).__name__}: {text}")
