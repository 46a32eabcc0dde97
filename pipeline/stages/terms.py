"""Whether what a run learns from allows what its settings say its networks are for."""

from __future__ import annotations

from pathlib import Path

from models.bundle import BundleCard, read_card
from models.errors import UsageError
from pipeline.datasets.base import CrackDataset
from pipeline.datasets.pool import Pool
from pipeline.settings import RunSettings


def start_folders(settings: RunSettings) -> list[Path]:
    """Folders of the bundles that training starts from, each once."""
    second = [settings.second_training] if settings.detector.second else []
    trainings = [settings.detector_training, *second, settings.segmenter_training]
    return list(dict.fromkeys(start for training in trainings for start in training.starts))


def starts_of(settings: RunSettings) -> list[BundleCard]:
    """Cards of the bundles that training starts from, each once."""
    return [read_card(start) for start in start_folders(settings)]


def check_terms(settings: RunSettings, dataset: CrackDataset) -> None:
    """Refuse data and starting bundles that do not allow commercial use, where the settings ask for that.

    Raises:
        UsageError: naming them.
    """
    if settings.licence == "any":
        return
    parts = dataset.learnt.items() if isinstance(dataset, Pool) else [(settings.dataset.name, dataset)]
    barred = [f"{label} ({part.licence})" for label, part in parts if not part.commercial]
    barred += [
        f"the start {card.name} ({card.training_data_licence})" for card in starts_of(settings) if not card.commercial
    ]
    if barred:
        raise UsageError(
            f"licence=commercial, but not allowed to be used so: {', '.join(barred)}.",
            "Leave them out, say commercial: true of a part whose terms you know, or take the setting away.",
        )


def starts_commercial(settings: RunSettings) -> bool:
    """Whether all bundles that training starts from may be used commercially."""
    return all(card.commercial for card in starts_of(settings))


def sources_of(dataset: CrackDataset) -> tuple[str, ...]:
    """Each part of a pool with whom its licence asks to name."""
    if not isinstance(dataset, Pool):
        return (f"{dataset.title}: {dataset.licence}",)
    return tuple(
        f"{label}: {part.settings.attribution or part.title} ({part.licence})" for label, part in dataset.learnt.items()
    )
