"""CrackForest (Shi et al. 2016): 480×320 photographs of Beijing pavement, traced by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from models.errors import DataError
from pipeline.datasets.layout import require_layout
from pipeline.datasets.masks import Truth
from pipeline.datasets.matlab import load_matlab
from pipeline.datasets.pairs import Pair, PairedDataset, pictures_by_stem, require_counterparts

CRACK_LABELS = (2, 4)
"""1 is background, 3 is pavement that cracks enclose, 4 a faint second crack."""

LEFT_OUT = frozenset({"042"})
"""Its truth is 065's, byte for byte, and does not fit its photograph."""

SCENES: tuple[frozenset[str], ...] = tuple(
    frozenset(f"{number:03d}" for number in scene)
    for scene in (
        (4, 8), (1, 95), (84, 85), (12, 13), (16, 28), (64, 67, 115), (38, 103), (66, 114), (73, 109), (34, 102),
    )
)  # fmt: skip
"""Photographs of one and the same piece of road."""

NEGATIVES = frozenset({"201", "204", "205", "206", "207", "208", "321"})
"""Untraced photographs without cracks; 201, 206, 207 and 321 show stains that look like one."""

CLEAN = frozenset({"204", "205", "208"})
"""Those without anything that looks like a crack: kept for testing."""

_FIRST_UNTRACED = 200
_REMEDY = "Fetch the data set anew: `crack-survey data fetch crackforest`."


class CrackForest(PairedDataset):
    """Upstream layout: ``image/NNN.jpg``, ``groundTruth/NNN.mat``. 117 samples and 7 crack-free when complete."""

    key = "crackforest"
    title = "CrackForest"
    licence = "non-commercial research"

    @property
    def negative_names(self) -> tuple[str, ...]:
        """Crack-free photographs with stains, sorted: the ones worth training on."""
        return tuple(name for name in super().negative_names if name not in CLEAN)

    @property
    def clean_names(self) -> tuple[str, ...]:
        """Crack-free photographs kept for testing, sorted."""
        return tuple(name for name in super().negative_names if name in CLEAN)

    def _find(self) -> Mapping[str, Pair]:
        require_layout(self.root, "crackforest", "image/NNN.jpg and groundTruth/NNN.mat")
        image_folder, truth_folder = self.root / "image", self.root / "groundTruth"
        images = pictures_by_stem(image_folder)
        truths = {p.stem: p for p in sorted(truth_folder.glob("*.mat"))}
        traced = {n: p for n, p in images.items() if n.isdigit() and int(n) < _FIRST_UNTRACED and n not in LEFT_OUT}
        require_counterparts(truths, traced, truth_folder, what="mask", remedy=_REMEDY)
        require_counterparts(images, truths, image_folder, what="photograph", remedy=_REMEDY)
        pairs = {n: Pair(images[n], p) for n, p in truths.items() if n not in LEFT_OUT}
        return pairs | {n: Pair(p, None) for n, p in images.items() if n in NEGATIVES and n not in truths}

    def group(self, name: str) -> str:
        """The first photograph of the scene that `name` shows."""
        return next((min(scene) for scene in SCENES if name in scene), name)

    def _read_truth(self, path: Path) -> Truth:
        variables = load_matlab(path, _REMEDY)
        try:
            labels = np.asarray(variables["groundTruth"][0, 0]["Segmentation"])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise DataError(f"{path} holds no CrackForest ground truth: {str(error)[:200]}.", _REMEDY) from error
        if labels.ndim != 2 or labels.dtype.kind not in "buif":
            what = "numbers" if labels.dtype.kind in "buif" else "something else than numbers"
            raise DataError(f"{path} holds {what} of shape {labels.shape}, not a picture of labels.", _REMEDY)
        return Truth(np.isin(labels, CRACK_LABELS))
