"""One reader a format, all yielding the same `pipeline.datasets.base.Sample`.

``open_dataset`` is the way in. `base` says what a reader promises, `pairs` what the readers of files share, `layout`
tells data sets apart, `pictures` decodes, `masks` tells crack from background, `fetch` downloads, `info` describes.
"""

from __future__ import annotations

from models.errors import DataError, UsageError
from pipeline.arrays import Image, Mask
from pipeline.datasets.base import CrackDataset, Sample
from pipeline.datasets.crackforest import CrackForest
from pipeline.datasets.deepcrack import DeepCrack
from pipeline.datasets.dnit import Dnit
from pipeline.datasets.folder import ImageFolder
from pipeline.datasets.pairs import PairedDataset
from pipeline.datasets.pool import Part, Pool
from pipeline.mask_values import MaskValues
from pipeline.settings import DatasetSettings, PartSettings

__all__ = ["READERS", "CrackDataset", "Image", "Mask", "Sample", "open_dataset"]

READERS: dict[str, type[PairedDataset]] = {reader.key: reader for reader in (CrackForest, DeepCrack, Dnit, ImageFolder)}


def open_dataset(settings: DatasetSettings) -> CrackDataset:
    """Open the data set that `settings` name.

    Raises:
        UsageError: a root is lacking, or given for the generated sample or a pool; mask values are
            given where they do nothing.
        DataError: the root does not hold that data set, or files are missing.
    """
    if settings.name == "pool":
        if settings.mask_values is not None:
            raise UsageError("--mask-values does nothing for a pool.", "Give mask_values to the part that needs them.")
        if settings.root is not None:
            raise UsageError(
                f"--root {settings.root} does nothing for a pool.", "Each part has its own root: leave it out."
            )
        return Pool([Part(part, _open_part(part)) for part in settings.parts], settings.leave_out)
    if settings.name == "sample":
        if settings.mask_values is not None:
            raise UsageError("--mask-values does nothing for the generated sample.", "Leave it out.")
        if settings.root is not None:
            raise UsageError(
                f"The generated sample has no root, but --root {settings.root} was given.",
                "Leave --root out, or name the data set: --dataset " + ", ".join(READERS) + ".",
            )
        # Drawing pictures needs more than reading them does.
        from pipeline.datasets.generated.sample import GeneratedSample

        return GeneratedSample(settings.sample_count, settings.sample_seed, closest=settings.sample_closest)
    if settings.root is None:
        fetch = ", or `crack-survey data fetch crackforest` first" if settings.name == "crackforest" else ""
        raise UsageError(f"--dataset {settings.name} needs its folder.", f"Give --root DIR{fetch}.")
    reader = READERS[settings.name]
    if settings.mask_values is None:
        return reader(settings.root)
    if reader is CrackForest:
        raise UsageError("--mask-values does nothing for CrackForest, whose labels are known.", "Leave it out.")
    return reader(settings.root, MaskValues.parse(settings.mask_values))


def _open_part(part: PartSettings) -> CrackDataset:
    """One part of a pool; what is wrong with it is told of the part, which has no options of its own."""
    try:
        return open_dataset(_alone(part))
    except DataError as error:
        remedy = error.remedy.replace("--root", "its root").replace("--dataset", "as its name")
        raise DataError(f"Part {part.label!r} of the pool: {error.problem}", remedy) from error


def _alone(part: PartSettings) -> DatasetSettings:
    """One part of a pool as a data set by itself."""
    return DatasetSettings(
        name=part.name,
        root=part.root,
        mask_values=part.mask_values,
        sample_count=part.count,
        sample_closest=part.closest,
    )
