"""Stage *crop*: where in the training pictures the segmenter trains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from models.cells import CellBoxes
from pipeline.cascade.crops import plan_crops
from pipeline.settings import RunSettings
from pipeline.stages.detector import detector_alone
from pipeline.stages.prepare import BOX_COLUMNS, boxes_by_name, load_part

TRAINING_CELL, TRAINING_SCORE = 0.01, 0.2  # about what validation chose in most trainings so far
TRAINING_HALO_PX = 2  # who has learnt with little context minds no more of it


def crop(settings: RunSettings, prepared: Path, trained: Path, out: Path) -> None:
    """Write ``crops.parquet`` (name, box): where the segmenter trains.

    These are what the detector finds in the training pictures at `TRAINING_CELL` and `TRAINING_SCORE`, and the boxes of
    the masks themselves: the detector has seen these pictures and finds nearly all, but what it misses must not be
    missing from stage 2's lessons too. A run's own operating point does not matter here, so that another one does not
    train stage 2 again.
    """
    cascade = detector_alone(settings, trained)
    cascade.cells = CellBoxes(threshold=TRAINING_CELL, **settings.cells.model_dump())
    labels = boxes_by_name(pd.read_parquet(prepared / "boxes.parquet"))
    frames = []
    for sample in load_part(settings, prepared, "train"):
        ((found, _),) = cascade.detect([sample.image], TRAINING_SCORE)
        boxes = np.concatenate([found, labels.get(sample.name, np.zeros((0, 4)))])
        crops = plan_crops(boxes, sample.mask.shape, TRAINING_HALO_PX)
        frames.append(pd.DataFrame(crops, columns=BOX_COLUMNS).assign(name=sample.name))
    pd.concat(frames, ignore_index=True).to_parquet(out / "crops.parquet", index=False)
