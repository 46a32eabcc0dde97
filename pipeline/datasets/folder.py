"""Anybody's own data: photographs in one folder, masks of the same names in another."""

from __future__ import annotations

from collections.abc import Mapping

from models.errors import DataError
from pipeline.datasets.layout import require_layout
from pipeline.datasets.pairs import Pair, PairedDataset, pictures_by_stem, require_counterparts
from pipeline.datasets.passed_over import left_out_of


class ImageFolder(PairedDataset):
    """``images/NAME.*`` with ``masks/NAME.*``, in any picture format; `masks.read_truth` says which values are crack.

    Every photograph is its own scene; folders within those two are not looked into. A list ``test.txt`` beside both
    folders keeps photographs for testing.
    """

    key = "folder"
    title = "Folder of photographs and masks"
    licence = "unknown (the owner's)"

    @property
    def notes(self) -> list[str]:
        """What was left out, and how the masks loaded so far were read: one line a kind."""
        return [*self._left_out, *super().notes]

    def _find(self) -> Mapping[str, Pair]:
        require_layout(self.root, "folder", "images/ and masks/ with files of the same names")
        image_folder, mask_folder = self.root / "images", self.root / "masks"
        images, masks = pictures_by_stem(image_folder), pictures_by_stem(mask_folder)
        self._left_out = left_out_of(image_folder, mask_folder)
        if not images:
            but = f" ({'; '.join(self._left_out)})" if self._left_out else ""
            raise DataError(f"{image_folder} holds no pictures{but}.", "Put JPEG, PNG, TIFF, WebP or BMP files there.")
        remedy = "Give mask and photograph the same name but for the suffix; an all-black mask means no crack."
        require_counterparts(masks, images, mask_folder, what="mask", remedy=remedy)
        require_counterparts(images, masks, image_folder, what="photograph", remedy=remedy)
        return {name: Pair(path, masks[name]) for name, path in images.items()}
