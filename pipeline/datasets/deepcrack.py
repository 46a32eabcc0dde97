"""DeepCrack (Liu et al. 2019): cracks in asphalt and concrete at many scales."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.datasets.layout import require_layout
from pipeline.datasets.pairs import Pair, PairedDataset, pictures_by_stem, require_counterparts

_REMEDY = "Unpack the data set anew, whole, from https://github.com/yhlleo/DeepCrack."


class DeepCrack(PairedDataset):
    """Upstream layout: ``train_img``, ``train_lab``, ``test_img``, ``test_lab``; masks are black and white.

    Names carry their part, ``train-11116`` or ``test-11129``, since some occur in both.
    """

    key = "deepcrack"
    title = "DeepCrack"
    licence = "non-commercial research"

    @property
    def official_test_names(self) -> tuple[str, ...]:
        """Samples of the authors' own test part, sorted."""
        return tuple(name for name in self.names if name.startswith("test-"))

    def group(self, name: str) -> str:
        """The photograph that `name` was cut from: ``11116-2`` is a part of ``11116``."""
        stem = name.partition("-")[2]
        return SAME_SCENE.get(stem.partition("-")[0], stem.partition("-")[0])

    def _find(self) -> Mapping[str, Pair]:
        require_layout(self.root, "deepcrack", "train_img/, train_lab/, test_img/ and test_lab/")
        pairs: dict[str, Pair] = {}
        for part in ("train", "test"):
            image_folder, truth_folder = self.root / f"{part}_img", self.root / f"{part}_lab"
            images, truths = pictures_by_stem(image_folder), pictures_by_stem(truth_folder)
            require_counterparts(truths, images, truth_folder, what="mask", remedy=_REMEDY)
            require_counterparts(images, truths, image_folder, what="photograph", remedy=_REMEDY)
            pairs |= {f"{part}-{stem}": Pair(path, truths[stem]) for stem, path in images.items()}
        return pairs


SAME_SCENE = {"11158": "11216"}
"""Photographs under two names, one in each official part."""
