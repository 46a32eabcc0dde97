"""Stage *evaluate*: counts of the test part, pooled figures, and the curves over the threshold."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.datasets.masks import read_mask
from pipeline.metrics import RegionCounts, ap50, counts_at, curve_of, judged_boxes
from pipeline.settings import RunSettings
from pipeline.stages.detector import read_score_threshold, read_validation
from pipeline.stages.evaluation import COSTS, count_picture, headline
from pipeline.stages.prepare import BOX_COLUMNS, boxes_by_name, load_part
from pipeline.storage.stage_files import read_stage_json, read_stage_table
from pipeline.training.operating_point import SCORES


def evaluate(settings: RunSettings, prepared: Path, detected: Path, segmented: Path, out: Path) -> None:
    """Write ``counts.parquet`` (a row a test picture), ``curve.parquet`` (test and val) and ``metrics.json``."""
    threshold = read_score_threshold(detected)
    detections = read_stage_table(detected / "detections.parquet")
    costs = read_stage_table(segmented / "costs.parquet").set_index("name")
    labels = boxes_by_name(read_stage_table(prepared / "boxes.parquet"))
    rows, for_ap, at_scores = [], [], np.zeros((len(SCORES), len(fields(RegionCounts))), np.int64)
    for sample in load_part(settings, prepared, "test"):
        mine = detections[detections["name"] == sample.name]
        boxes, scores = mine[BOX_COLUMNS].to_numpy(), mine["score"].to_numpy()
        mask = read_mask(segmented / "masks" / f"{sample.name}.png")
        full_frame = read_mask(segmented / "full_frame" / f"{sample.name}.png")
        spent = dict(zip(COSTS, costs.loc[sample.name, list(COSTS)].to_numpy(float), strict=True))
        rows.append(count_picture(sample, boxes[scores >= threshold], mask, full_frame, spent))
        at_scores += counts_at(boxes, scores, sample.mask, SCORES, ignore=sample.ignore)
        judged = judged_boxes(boxes, sample.mask, sample.ignore)
        for_ap.append((boxes[judged], scores[judged], labels.get(sample.name, np.zeros((0, 4)))))
    counts = pd.DataFrame(rows)
    curve = curve_of(at_scores, SCORES).assign(part="test")
    on_val = read_stage_table(detected / "curve.parquet").assign(part="val")
    point = read_stage_json(segmented / "operating_point.json")
    metrics = headline(counts, ap50(for_ap)) | point | read_stage_json(prepared / "labels.json")
    metrics |= read_validation(detected)
    metrics["images"] = len(counts)
    if clean := read_stage_json(prepared / "split.json")["clean"]:  # beside those of the test part
        on_clean = detections[detections["name"].isin(clean) & (detections["score"] >= threshold)]
        in_test = counts[(counts["crack_px"] == 0) & (counts["frame_px"] > 0)]
        found = len(on_clean) + int(in_test["tp"].sum() + in_test["fp"].sum())
        metrics["boxes_per_clean_image"] = found / (len(clean) + len(in_test))
    counts.to_parquet(out / "counts.parquet", index=False)
    pd.concat([curve, on_val], ignore_index=True).to_parquet(out / "curve.parquet", index=False)
    (out / "metrics.json").write_text(json.dumps(metrics, indent=2))
