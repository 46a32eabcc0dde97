"""Windows of one size out of training pictures of many: cut once, kept on disk, read one by one as training asks.

Frames of a survey vehicle are large and mostly free of cracks, close-ups small and full of them. Windows drawn where
cracks are and where they are not, at scales that vary, give every data set the share that it was told; memory does not
grow with the data.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.errors import DataError
from pipeline.arrays import Image, Mask
from pipeline.dataset_settings import PartSettings
from pipeline.datasets.base import NOT_JUDGED, Sample
from pipeline.datasets.drawn_cracks import draw_cracks
from pipeline.datasets.look_alikes import draw_look_alike
from pipeline.datasets.on_demand import OnDemand
from pipeline.datasets.open_cracks import draw_open_cracks
from pipeline.datasets.pool import Pool
from pipeline.datasets.relief import draw_relief
from pipeline.datasets.road_surface import road_of
from pipeline.datasets.window_labels import CRACK, EDGE_PX, disc, label_image
from pipeline.settings import WindowSettings
from pipeline.storage.stage_files import read_stage_table

T = TypeVar("T")

PIXELS, LIST = "windows.npy", "windows.parquet"
WITHIN = "/"  # between a picture's name and the number of a window: no picture's name holds it

MOST_THREADS = 8
"""Pictures in memory at once: of large ones a dozen would take more than training does."""


@dataclass(frozen=True)
class Drawn:
    """How often something is drawn into a window, 0 to 1."""

    look_alikes: float = 0
    thin_cracks: float = 0
    open_cracks: float = 0
    relief: float = 0

    @classmethod
    def of(cls, part: PartSettings) -> Self:
        """As a part of a pool says."""
        return cls(part.look_alikes, part.drawn_cracks, part.open_cracks, part.relief)


class Job(NamedTuple):
    """How many windows are cut from a picture of a part of a pool, or of a data set alone, ``""``, and how."""

    name: str
    windows: int
    part: str = ""
    fragmentary: bool = False
    drawn: Drawn | None = None


class Windows(OnDemand):
    """The windows that `cut_windows` has written, each read from disk when it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.names: list[str] = read_stage_table(folder / LIST)["name"].tolist()
        self.pixels = np.load(folder / PIXELS, mmap_mode="r")  # (N, H, W, 4) uint8: RGB and label
        super().__init__(len(self.names), self._window)

    def _window(self, number: int) -> Sample:
        name, window = self.names[number], self.pixels[number]
        label = np.array(window[..., 3])
        return Sample(name, name, np.array(window[..., :3]), label == CRACK, label == NOT_JUDGED)


def cut_windows(pool: Pool, names: Sequence[str], settings: WindowSettings, seed: int, out: Path) -> None:
    """Cut windows from a pool, as `write_windows` does.

    Args:
        pool: where the pictures come from.
        names: of the pictures that may be cut.
        settings: how many windows, how large, and what they show.
        seed: of every choice; equal seeds give equal windows.
        out: folder to write to.

    Raises:
        DataError: a part holds no crack and does not say so, or says so and holds one.
    """
    jobs = [
        Job(name, count, label, pool.parts[label].settings.fragmentary, Drawn.of(pool.parts[label].settings))
        for label, quotas in _quotas(pool, names, settings.count).items()
        for name, count in quotas
    ]
    cracked = write_windows(jobs, pool.load, settings, seed, out, lambda sample: bool(sample.mask.any()))
    for label in dict.fromkeys(job.part for job in jobs):
        of_part = [c for job, c in zip(jobs, cracked, strict=True) if job.part == label]
        _check_cracks(pool, label, of_part, sum(pool.label_of(name) == label for name in names))


def write_windows(
    jobs: Sequence[Job],
    load: Callable[[str], Sample],
    settings: WindowSettings,
    seed: int,
    out: Path,
    look: Callable[[Sample], T],
) -> list[T]:
    """Write ``windows.npy`` and ``windows.parquet`` (name, part, sample).

    Args:
        jobs: from which pictures, and how many.
        load: reads a picture; as many are in memory as there are threads.
        settings: how large windows are, and what they show.
        seed: of every choice; equal seeds give equal windows.
        out: folder to write to.
        look: what else is to be told of each picture while it is there.

    Returns:
        What `look` says of each.
    """
    shape = (sum(job.windows for job in jobs), settings.height, settings.width, 4)
    pixels = np.lib.format.open_memmap(out / PIXELS, mode="w+", dtype=np.uint8, shape=shape)
    starts = np.cumsum([0, *(job.windows for job in jobs)])

    def cut(start: int, job: Job) -> T:
        sample = load(job.name)
        labels = label_image(sample, job.fragmentary)
        for number in range(job.windows):
            rng = np.random.default_rng([seed, *job.name.encode(), number])
            pixels[start + number] = cut_window(sample.image, labels, settings, rng, job.drawn)
        return look(sample)

    threads = min(MOST_THREADS, len(os.sched_getaffinity(0)) + 1)
    with ThreadPoolExecutor(threads) as workers:  # decoding and resizing leave the interpreter free
        told = list(workers.map(cut, starts[:-1].tolist(), jobs))
    pixels.flush()
    rows = [(f"{job.name}{WITHIN}{number}", job.part, job.name) for job in jobs for number in range(job.windows)]
    pd.DataFrame(rows, columns=["name", "part", "sample"]).to_parquet(out / LIST, index=False)
    return told


def cut_window(
    image: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    settings: WindowSettings,
    rng: np.random.Generator,
    drawn: Drawn | None = None,
) -> NDArray[np.uint8]:
    """One window, ``(H, W, 4)`` uint8: RGB and label, at a random scale and place.

    A picture smaller than the window is enlarged to fill it.

    Args:
        image: ``(h, w, 3)`` uint8 RGB.
        labels: ``(h, w)`` of `label_image`.
        settings: size, scales and shares.
        rng: decides all.
        drawn: how often something is drawn in; None: never.
    """
    height, width = labels.shape
    wanted = math.exp(rng.uniform(math.log(settings.scale_min), math.log(settings.scale_max)))
    scale = max(wanted, settings.width / width, settings.height / height)
    w, h = min(width, round(settings.width / scale)), min(height, round(settings.height / scale))
    x, y = _place(labels == CRACK, (w, h), rng.random() < settings.on_cracks, rng)
    window, label = image[y : y + h, x : x + w], labels[y : y + h, x : x + w]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    size = (settings.width, settings.height)
    rgb = np.asarray(cv2.resize(window, size, interpolation=how), np.uint8)
    crack = cv2.resize((label == CRACK).astype(np.float32), size, interpolation=how)
    judged = cv2.resize((label != NOT_JUDGED).astype(np.float32), size, interpolation=how)
    made = np.zeros((settings.height, settings.width), np.uint8)
    made[(judged < 0.5) | (crack > 0.15)] = NOT_JUDGED
    made[crack >= 0.5 if scale >= 1 else crack >= 0.35] = CRACK  # a thin crack made smaller is a crack all the same
    return np.dstack(_drawn_in(rgb, made, drawn, rng) if drawn else [rgb, made])


def _drawn_in(
    rgb: Image, made: NDArray[np.uint8], drawn: Drawn, rng: np.random.Generator
) -> tuple[Image, NDArray[np.uint8]]:
    """A window and its labels with what is drawn into it; `made` is changed in place."""
    road = road_of(rgb)
    shares = drawn.relief, drawn.thin_cracks, drawn.open_cracks
    for share, draw in zip(shares, (draw_relief, draw_cracks, draw_open_cracks), strict=True):
        if share and rng.random() < share and road.any():
            rgb, cracked = draw(rgb, road, rng)
            beside = cv2.dilate(cracked.view(np.uint8), disc(EDGE_PX)) > 0
            made[beside & (made != CRACK)] = NOT_JUDGED
            made[cracked] = CRACK
    if rng.random() < drawn.look_alikes:
        rgb, covered = draw_look_alike(rgb, rng)
        made[covered & (made == CRACK)] = NOT_JUDGED
    return rgb, made


def _place(aim: Mask, size: tuple[int, int], aimed: bool, rng: np.random.Generator) -> tuple[int, int]:
    """Left and upper edge of a window of ``size`` (w, h): with a random pixel of `aim` inside, or anywhere."""
    height, width = aim.shape
    w, h = size
    pixels = np.flatnonzero(aim) if aimed else np.array([], np.int64)
    if not len(pixels):
        return int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
    aim_y, aim_x = divmod(int(pixels[rng.integers(len(pixels))]), width)
    x = int(np.clip(aim_x - rng.uniform(0.15, 0.85) * w, 0, width - w))
    y = int(np.clip(aim_y - rng.uniform(0.15, 0.85) * h, 0, height - h))
    return x, y


def _quotas(pool: Pool, names: Sequence[str], total: int) -> dict[str, list[tuple[str, int]]]:
    """Windows of each picture, by part: each part its weight, its pictures all alike, those with remainders first."""
    weights = {label: part.settings.weight for label, part in pool.learnt.items()}
    quotas = {}
    for label, weight in weights.items():
        mine = [name for name in names if pool.label_of(name) == label]
        if not mine:
            raise DataError(f"The part {label} has no training picture.", "Mend its split, or leave the part out.")
        count = max(1, round(total * weight / sum(weights.values())))
        order = np.random.default_rng([total, *label.encode()]).permutation(len(mine))
        each, more = divmod(count, len(mine))
        quotas[label] = [(mine[index], each + (rank < more)) for rank, index in enumerate(order) if each or rank < more]
    return quotas


def _check_cracks(pool: Pool, label: str, cracked: Sequence[bool], whole: int) -> None:
    """Refuse a part whose pictures that windows were cut from, of its `whole`, are not what it says."""
    clean = pool.parts[label].settings.clean
    if not clean and not any(cracked):
        few = f"None of the {len(cracked)} training pictures of the part {label} that got a window ({whole} there are)"
        raise DataError(
            f"{few if len(cracked) < whole else f'No training picture of the part {label}'} holds a crack.",
            ("Raise its weight or dataset.windows.count. " if len(cracked) < whole else "Check its masks. ")
            + "If all of it is meant to show what is not a crack, say clean: true.",
        )
    if clean and any(cracked):
        raise DataError(f"The part {label} is said to be clean, and holds cracks.", "Take clean: true away.")
