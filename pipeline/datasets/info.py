"""What a folder holds: counted, measured and checked picture by picture."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import DataError
from pipeline.datasets import READERS, open_dataset
from pipeline.datasets.base import CrackDataset
from pipeline.datasets.layout import contents, recognise, require_folder
from pipeline.settings import DatasetSettings


@dataclass(frozen=True, slots=True)
class _Measured:
    height_px: int
    width_px: int
    crack_px: int
    ignored_px: int


def describe_root(root: Path, mask_values: str | None = None) -> dict[str, Any]:
    """Recognise the data set in `root` and describe it, its masks read by `mask_values` where these are given.

    Raises:
        DataError: there is no data set that we know, or it is incomplete.
    """
    root = Path(root).expanduser()
    require_folder(root, "Check the path.")
    key = recognise(root)
    if key is None:
        inside = [child.name for child in sorted(root.iterdir()) if recognise(child) is not None]
        raise DataError(
            f"{root} holds no data set that is known here; found {contents(root)}.",
            f"Data sets lie deeper, name one of them: {', '.join(inside)}."
            if inside
            else f"Known are {', '.join(READERS)}; a plain folder has photographs in images/ and masks in masks/.",
        )
    return {"root": str(root), **describe(open_dataset(DatasetSettings(name=key, root=root, mask_values=mask_values)))}


def describe(dataset: CrackDataset) -> dict[str, Any]:
    """Read every sample and sum up.

    Returns:
        JSON-safe: ``dataset``, ``title``, ``licence``; counts ``samples``, ``negatives``, ``groups`` and
        ``official_test``; ``sizes`` (list of ``width_px``, ``height_px``, ``samples``, the commonest first),
        ``crack_share`` and ``ignored_share`` (pixels of crack, and those not to be judged, over all, 0–1),
        ``samples_without_crack``, ``fingerprint`` (None when files cannot be read), ``problems`` (list of messages,
        empty when all is well) and ``notes`` (what was left out, and how unusual masks were read).
    """
    names = (*dataset.names, *dataset.negative_names, *dataset.clean_names)
    with ThreadPoolExecutor() as pool:  # decoding leaves the interpreter free
        results = list(pool.map(lambda name: _measure(dataset, name), names))
    labelled = [r for r in results[: len(dataset)] if isinstance(r, _Measured)]
    sizes = Counter((m.width_px, m.height_px) for m in labelled)
    pixels = sum(m.width_px * m.height_px for m in labelled)
    problems = [r for r in results if isinstance(r, str)]
    return {
        "dataset": dataset.key,
        "title": dataset.title,
        "licence": dataset.licence,
        "samples": len(dataset),
        "negatives": len(dataset.negative_names) + len(dataset.clean_names),
        "groups": len({dataset.group(name) for name in dataset.names}),
        "official_test": len(getattr(dataset, "official_test_names", ())),
        "sizes": [{"width_px": w, "height_px": h, "samples": count} for (w, h), count in sizes.most_common()],
        "crack_share": sum(m.crack_px for m in labelled) / pixels if pixels else 0.0,
        "ignored_share": sum(m.ignored_px for m in labelled) / pixels if pixels else 0.0,
        "samples_without_crack": sum(m.crack_px == 0 for m in labelled),
        "fingerprint": None if problems else dataset.fingerprint(),
        "problems": problems,
        "notes": dataset.notes,
    }


def _measure(dataset: CrackDataset, name: str) -> _Measured | str:
    try:
        sample = dataset.load(name)
    except DataError as error:
        return str(error)
    mask = sample.mask
    return _Measured(
        mask.shape[0], mask.shape[1], int(mask.sum()), 0 if sample.ignore is None else int(sample.ignore.sum())
    )
