"""Which photographs of a survey are most worth a person's look: the unfamiliar, then those with most doubtful boxes."""

from __future__ import annotations

import pandas as pd


def most_doubtful(images: pd.DataFrame, detections: pd.DataFrame, count: int) -> pd.DataFrame:
    """Rows of the photographs to correct first.

    A score is the probability, calibrated, that a box holds a crack. So one less the score, summed over a photograph's
    boxes, is how many of them are to be expected to hold none.

    Args:
        images: of one survey, `name` and `unfamiliar` among the columns.
        detections: of the same survey: `name` and `score`.
        count: how many are wanted.

    Returns:
        At most `count` rows of `images`, first those unlike what the bundle has learnt from, then by doubt, then by
        name; with one column more, `doubtful_boxes`.
    """
    doubt = (1 - detections["score"]).groupby(detections["name"]).sum()
    rows = images.assign(
        doubtful_boxes=images["name"].map(doubt).fillna(0.0).astype(float),
        strange=images["unfamiliar"].fillna(False).astype(bool),
    )
    order = ["strange", "doubtful_boxes", "name"]
    return rows.sort_values(order, ascending=[False, False, True]).head(count).drop(columns="strange")
