"""The bundle of a run: its networks, how they are used, and what they have learnt from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.bundle import BundleCard, save_bundle
from pipeline.settings import RunSettings
from pipeline.stages.keys import StageName
from pipeline.stages.learnt_from import learnt_from
from pipeline.stages.segmenter import load_cascade
from pipeline.stages.software import describe_software
from pipeline.stages.terms import starts_commercial, starts_of

LEARNT = re.compile("^((learnt|started) from [^:;]+: )+")  # before a term of an earlier bundle; older ones say started


def bundle_run(
    settings: RunSettings,
    folders: dict[StageName, Path],
    out: Path,
    metrics: dict[str, Any],
    described: dict[str, Any],
    device: str,
) -> Path:
    """Write the bundle of a run whose stages are done.

    Args:
        settings: of the run.
        folders: of its stages.
        out: folder to write to.
        metrics: of stage *evaluate*.
        described: of stage *prepare*: the split, and the terms of the data.
        device: that it ran and was trained on.
    """
    cascade = load_cascade(
        settings,
        folders["train-detector"],
        folders["train-segmenter"],
        folders["detect"],
        metrics,
    )
    card = BundleCard(
        name=f"{settings.dataset.name}-{settings.preset}",
        created_at=datetime.now(UTC),
        detector=settings.detector,
        segmenter=settings.segmenter,
        score_threshold=cascade.thresholds.score,
        coarse_boxes=cascade.stage1.boxes,
        probability_threshold=cascade.thresholds.probability,
        full_frame_threshold=cascade.thresholds.full_frame,
        flank_share=cascade.thresholds.flank_share,
        crop_halo=settings.crops.halo,
        detector_tta=settings.detector_tta,
        segmenter_tta=settings.segmenter_tta,
        dataset=settings.dataset.name,
        dataset_fingerprint=described["dataset_fingerprint"],
        split=settings.dataset.split,
        split_fingerprint=described["split_fingerprint"],
        seed=settings.seed,
        device=device,
        metrics={key: value for key, value in metrics.items() if not isinstance(value, str)},
        training_data_licence=_licence(settings, described["licence"]),
        commercial=described["commercial"] and starts_commercial(settings),
        sources=_sources(settings, described["sources"]),
        mm_per_px=described["mm_per_px"],
        versions=describe_software()[1],
    )
    learnt = learnt_from(settings, folders["prepare"], cascade.stage1)
    return save_bundle(out, cascade.stage1.detector, cascade.stage2.segmenter, card, learnt)


def _sources(settings: RunSettings, dataset: Sequence[str]) -> tuple[str, ...]:
    """Whom the licences of all data ask to name, those of earlier bundles' data too; each once."""
    earlier = (source for card in starts_of(settings) for source in card.sources)
    return tuple(dict.fromkeys([*dataset, *earlier]))


def _licence(settings: RunSettings, dataset: str) -> str:
    """Licence of all data that shaped the weights, earlier bundles' too; what was said is not said again."""
    terms = dataset.split("; ")
    for card in starts_of(settings):
        earlier = (LEARNT.sub("", term) for term in card.training_data_licence.split("; "))
        more = [term for term in dict.fromkeys(earlier) if term not in terms and not LEARNT.match(f"{term}: ")]
        terms += [f"learnt from {card.name}", *more]
    return "; ".join(dict.fromkeys(terms))
