"""Tell data sets apart by the folders and files they are made of."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from models.errors import DataError
from pipeline.settings import DatasetName

_FETCH = {
    "crackforest": "`crack-survey data fetch crackforest` downloads it.",
    "deepcrack": "Get it from https://github.com/yhlleo/DeepCrack and unpack it there.",
    "dnit": "Get it from https://github.com/biankatpas/Cracks-and-Potholes-in-Road-Images-Dataset and unpack it there.",
    "folder": "Put photographs in images/ and masks of the same name in masks/.",
}
_SEEN_AT_MOST = 6


def recognise(root: Path) -> DatasetName | None:
    """Name the data set that lies in `root`, judged by names alone; None if there is none."""
    if not root.is_dir():
        return None
    try:
        return next((name for name, fits in _LAYOUTS.items() if fits(root)), None)
    except PermissionError:
        return None


def require_layout(root: Path, key: DatasetName, expected: str) -> None:
    """Check that `root` holds the data set `key`.

    Args:
        root: folder that the user named.
        key: the data set it should be.
        expected: the layout in words, for the message.

    Raises:
        DataError: it does not; the message tells what was found and what to do.
    """
    require_folder(root, f"Check --root. {_FETCH[key]}")
    found = recognise(root)
    if found == key:
        return
    problem = f"{root} is not a {key} data set: expected {expected}; found {contents(root)}."
    if found is not None:
        raise DataError(problem, f"It looks like another data set: use --dataset {found}.")
    for child in sorted(p for p in root.iterdir() if p.is_dir()):
        if recognise(child) == key:
            raise DataError(problem, f"It lies one folder deeper: use --root {child}.")
    raise DataError(problem, f"Check --root. {_FETCH[key]}")


def require_folder(root: Path, remedy: str) -> None:
    """Check that `root` is a folder that may be listed.

    Raises:
        DataError: it is not, and `remedy` says what to do.
    """
    if not root.exists():
        raise DataError(f"The folder {root} does not exist.", remedy)
    if not root.is_dir():
        raise DataError(f"{root} is a file, not a folder.", remedy)
    if not os.access(root, os.R_OK | os.X_OK):
        raise DataError(f"The folder {root} may not be read.", "Give yourself leave to read it (chmod u+rx).")


def contents(root: Path) -> str:
    """Say in a few words what lies in `root`."""
    names = sorted(f"{p.name}/" if p.is_dir() else p.name for p in root.iterdir() if not p.name.startswith("."))
    if not names:
        return "an empty folder"
    rest = len(names) - _SEEN_AT_MOST
    return ", ".join(names[:_SEEN_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")


def _folders(*names: str) -> Callable[[Path], bool]:
    return lambda root: all((root / name).is_dir() for name in names)


def _is_dnit(root: Path) -> bool:
    return any(next(p.glob("*_RAW.jpg"), None) is not None for p in root.iterdir() if p.is_dir())


_LAYOUTS: dict[DatasetName, Callable[[Path], bool]] = {
    "crackforest": _folders("image", "groundTruth"),
    "deepcrack": _folders("train_img", "train_lab", "test_img", "test_lab"),
    "folder": _folders("images", "masks"),
    "dnit": _is_dnit,
}
