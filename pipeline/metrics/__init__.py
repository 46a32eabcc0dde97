"""The equations: regions (the paper's section III), masks, and what the labels themselves could reach.

Every metric comes from integer counts of one picture that add up, so pooling a split is `sum(counts, RegionCounts())`.
"""

from pipeline.metrics.average_precision import ap50
from pipeline.metrics.labels import Oracle, anchor_recall, oracle
from pipeline.metrics.pooling import Counts, bootstrap_interval, mean_over_pictures
from pipeline.metrics.regions import (
    RegionCounts,
    counts_at,
    curve_of,
    judged_boxes,
    region_counts,
    region_curve,
    skeleton_of,
)
from pipeline.metrics.segmentation import (
    SegmentationCounts,
    choose_pixels,
    mask_counts_at,
    mask_curve_of,
    segmentation_counts,
)

__all__ = [
    "Counts",
    "Oracle",
    "RegionCounts",
    "SegmentationCounts",
    "anchor_recall",
    "ap50",
    "bootstrap_interval",
    "choose_pixels",
    "counts_at",
    "curve_of",
    "judged_boxes",
    "mask_counts_at",
    "mask_curve_of",
    "mean_over_pictures",
    "oracle",
    "region_counts",
    "region_curve",
    "segmentation_counts",
    "skeleton_of",
]
