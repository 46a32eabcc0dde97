"""Stages *train segmenter* and *segment*: from crops to stitched crack masks of whole pictures."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.bundle import fill
from models.segmenter import build_segmenter
from models.start import mean_of_starts
from pipeline.arrays import Mask, ProbabilityMap
from pipeline.cascade.cascade import Cascade, CascadeThresholds
from pipeline.cascade.crack_pixels import without_flanks
from pipeline.cascade.stage1 import Stage1
from pipeline.cascade.stage2 import Stage2
from pipeline.datasets.base import Sample
from pipeline.datasets.on_demand import batches_of
from pipeline.metrics import choose_pixels, mask_counts_at, mask_curve_of
from pipeline.settings import RunSettings
from pipeline.stages.detector import load_detector, read_coarse_boxes, read_score_threshold, run_on
from pipeline.stages.evaluation import ROUNDS, TOLERANCES, median_times, timed_batch
from pipeline.stages.prepare import boxes_by_name, load_part, read_split, sets_of
from pipeline.storage.stage_files import read_stage_table
from pipeline.training.augment import FULL
from pipeline.training.by_set import pictures_by_set
from pipeline.training.calibrate import on_validation, read_calibration, told
from pipeline.training.calibrate_segmenter import calibrate_segmenter
from pipeline.training.from_start import train_from
from pipeline.training.loop import Report, pick_device
from pipeline.training.segmenter import SegmenterTrainee

PROBABILITIES = np.round(np.arange(0.1, 0.96, 0.01), 2)
POINT = ("probability_threshold", "full_frame_threshold", "flank_share")
FLANK_SHARES = (0.0, 0.4, 0.5, 0.6, 0.7)


def train_segmenter(settings: RunSettings, prepared: Path, cropped: Path, out: Path, report: Report) -> None:
    """Train stage 2 on windows around the crops of ``train`` and calibrate it on ``val``.

    Leaves what `pipeline.training.loop.train` leaves, and ``calibration.json`` (`pipeline.training.calibrate`).
    """
    samples = load_part(settings, prepared, "train")
    crops = boxes_by_name(read_stage_table(cropped / "crops.parquet"))
    nothing = np.zeros((0, 4), np.int64)
    val = load_part(settings, prepared, "val")
    trainee = SegmenterTrainee(
        settings.segmenter,
        replace(FULL, other_cameras=settings.other_cameras),
        settings.segmenter_training,
        settings.crops.train_side,
        settings.seed,
        samples,
        {sample.name: crops.get(sample.name, nothing).astype(np.int64) for sample in samples},
        val,
    )
    training = settings.segmenter_training
    start = mean_of_starts(training.starts, settings.segmenter) if training.start else {}
    device = pick_device(settings.device)
    trained = train_from(start, trainee, training, out, settings.seed, device, report)
    sets = sets_of(settings, read_split(prepared).val)
    report(1, 1, told(calibrate_segmenter(trained.weights, settings.segmenter, val, sets, device)))


def load_cascade(
    settings: RunSettings, detector: Path, segmenter: Path, detected: Path, point: Mapping[str, float]
) -> Cascade:
    """Both trained networks at an operating point.

    Args:
        settings: of the run.
        detector: folder of stage *train-detector*.
        segmenter: folder of stage *train-segmenter*.
        detected: folder of stage *detect*, where the score threshold stands.
        point: what `choose_probability_thresholds` returns, maybe among other figures.
    """
    runtime = run_on(settings)
    network = build_segmenter(settings.segmenter.model_copy(update={"weights": "none"}))
    fill(network, segmenter / "best.safetensors")
    boxes = read_coarse_boxes(detected)
    stage1 = Stage1.on(runtime, load_detector(settings, detector), boxes, settings.detector_tta)
    stage2 = Stage2(runtime, network, settings.segmenter, settings.crops, settings.segmenter_tta)
    thresholds = CascadeThresholds(read_score_threshold(detected), *(point[name] for name in POINT))
    return Cascade(stage1, stage2, thresholds, runtime)


def segment(
    settings: RunSettings, prepared: Path, detector: Path, detected: Path, segmenter: Path, out: Path, report: Report
) -> None:
    """Run the cascade and, side by side, the same U-Net on the full frame, over the test part.

    Each of both ways gets the probability threshold that is best for it on validation. Writes
    ``operating_point.json``, ``costs.parquet`` (`pipeline.stages.evaluation.COSTS`) and, a picture each, ``masks/``,
    ``full_frame/`` (0 or 255) and ``probability/`` (0–255 for 0–1).
    """
    fixed = settings.thresholds.probability
    point = dict(zip(POINT, (0.5 if fixed is None else fixed,) * 2 + (0.0,), strict=True))
    cascade = load_cascade(settings, detector, segmenter, detected, point)
    if fixed is None:
        sets = sets_of(settings, read_split(prepared).val)
        fragments = {part.label for part in settings.dataset.parts if part.fragmentary}
        point = choose_probability_thresholds(cascade, load_part(settings, prepared, "val"), sets, fragments)
        cascade.thresholds = CascadeThresholds(cascade.thresholds.score, *(point[name] for name in POINT))
    stage_1 = {
        "score_threshold": cascade.thresholds.score,
        "coarse_threshold": cascade.stage1.boxes.threshold if settings.detector.coarse_mask else None,
    }
    calibrated = on_validation(read_calibration(segmenter))
    (out / "operating_point.json").write_text(json.dumps(stage_1 | point | calibrated, indent=2))
    for folder in ("masks", "full_frame", "probability"):
        (out / folder).mkdir(exist_ok=True)
    samples = load_part(settings, prepared, "test")
    rows: list[dict[str, Any]] = []
    for batch in batches_of(samples):
        images = [sample.image for sample in batch]
        if not rows:
            timed_batch(cascade, images)  # warm up: the first batch is slow
        timed = [timed_batch(cascade, images) for _ in range(ROUNDS)]
        results, full_frames, _ = timed[-1]
        times = median_times([times for *_, times in timed])
        for sample, result, full_frame in zip(batch, results, full_frames, strict=True):
            _write_grey(out / "masks" / f"{sample.name}.png", result.mask)
            _write_grey(out / "full_frame" / f"{sample.name}.png", full_frame >= cascade.thresholds.full_frame)
            _write_grey(out / "probability" / f"{sample.name}.png", result.probability)
            rows.append({"name": sample.name} | times | {"segmented_share": result.segmented_share})
        boxes = sum(len(result.boxes) for result in results)
        report(len(rows), len(samples), f"{len(rows)} of {len(samples)} pictures, {boxes} boxes in {len(batch)}")
    pd.DataFrame(rows).to_parquet(out / "costs.parquet", index=False)


def choose_probability_thresholds(
    cascade: Cascade,
    samples: Iterable[Sample],
    sets: Sequence[str] | None = None,
    fragments: Collection[str] = (),
) -> dict[str, float]:
    """``probability_threshold``, ``flank_share`` and ``full_frame_threshold``, the best of each way on validation data.

    Best is the highest mean of F1 at 0 and at 2 px, as in training, over data sets where there are several. Pictures of
    a set without any crack, whose F1 is 0 with the first pixel, are counted with each of the others.

    The ways differ: where a detector has ruled out most of what looks like a crack, fainter pixels can be believed. On
    the full frame, where only sure pixels can be, no flank share is better than none (docs/ablations/segmenter.md).

    Args:
        cascade: with any thresholds.
        samples: of the validation part.
        sets: data set of each; none: all are of one.
        fragments: sets whose masks are fragments. Where a crack is found that nobody labelled they ask for a threshold
            that overlooks it: they have no say where there are others.
    """
    counted, cracked = [], []
    for batch in batches_of(samples):
        images = [sample.image for sample in batch]
        probabilities = [result.probability for result in cascade.look(images)]
        for sample, found, full_frame in zip(batch, probabilities, cascade.stage2.full_frame(images), strict=True):
            maps = [full_frame, found, *(without_flanks(found, share) for share in FLANK_SHARES[1:])]
            counted.append([_counts_of(probability, sample) for probability in maps])
            cracked.append(bool(sample.mask.any()))
    counts = np.array(counted)  # of pictures, ways, tolerances, thresholds, fields
    by_set = pictures_by_set(sets or [""] * len(cracked), cracked)
    by_set = {name: some for name, some in by_set.items() if name not in fragments} or by_set

    def curves(way: int) -> list[pd.DataFrame]:
        pooled = [at_tolerance for some in by_set.values() for at_tolerance in counts[some, way].sum(axis=0)]
        return [mask_curve_of(each, PROBABILITIES) for each in pooled]

    everywhere, *shared = (curves(way) for way in range(1 + len(FLANK_SHARES)))
    threshold, share = choose_pixels(dict(zip(FLANK_SHARES, shared, strict=True)))
    return dict(zip(POINT, (threshold, choose_pixels({0.0: everywhere})[0], share), strict=True))


def _counts_of(probability: ProbabilityMap, sample: Sample) -> list[NDArray[np.int64]]:
    """`mask_counts_at` at `PROBABILITIES`, by tolerance."""
    return [mask_counts_at(probability, sample.mask, PROBABILITIES, near, sample.ignore) for near in TOLERANCES]


def _write_grey(path: Path, values: Mask | ProbabilityMap) -> None:
    _, encoded = cv2.imencode(".png", np.round(values.astype(np.float32) * 255).astype(np.uint8))
    path.write_bytes(encoded.tobytes())  # cv2.imwrite would keep quiet about a full disk
