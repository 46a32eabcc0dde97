"""Stage *crop*: where in the training pictures the segmenter trains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from models.coarse_mask import CoarseBoxes
from pipeline.cascade.crops import plan_crops
from pipeline.cascade.stage1 import Stage1
from pipeline.settings import RunSettings
from pipeline.stages.detector import load_detector, run_on
from pipeline.stages.prepare import BOX_COLUMNS, boxes_by_name, load_part
from pipeline.storage.stage_files import read_stage_table
from pipeline.training.calibrate import coarse_temperature
from pipeline.training.temperature import tempered

TRAINING_COARSE, TRAINING_SCORE = 0.01, 0.2  # about what validation chose before calibration
TRAINING_HALO_PX = 2  # a U-Net trained with little context gains nothing from more of it


def crop(settings: RunSettings, prepared: Path, trained: Path, out: Path) -> None:
    """Write ``crops.parquet`` (name, box): where the segmenter trains.

    These are what the detector finds in the training pictures at `TRAINING_COARSE` and `TRAINING_SCORE`, and the boxes
    of the masks themselves: the detector has seen these pictures and finds nearly all, but what it misses must not be
    missing from the training of stage 2 too. A run's own operating point does not matter here, so that another one does
    not train stage 2 again.
    """
    coarse = tempered(TRAINING_COARSE, coarse_temperature(trained))
    boxes = CoarseBoxes(threshold=coarse, **settings.box_splitting.model_dump())
    stage1 = Stage1.on(run_on(settings), load_detector(settings, trained), boxes)
    labels = boxes_by_name(read_stage_table(prepared / "boxes.parquet"))
    rows: list[tuple[object, ...]] = []
    for sample in load_part(settings, prepared, "train"):
        ((detected, _),) = stage1.detect([sample.image], TRAINING_SCORE)
        regions = np.concatenate([detected, labels.get(sample.name, np.zeros((0, 4)))])
        crops = plan_crops(regions, sample.mask.shape, TRAINING_HALO_PX)
        rows += [(*box, sample.name) for box in crops.tolist()]
    pd.DataFrame(rows, columns=[*BOX_COLUMNS, "name"]).to_parquet(out / "crops.parquet", index=False)
