"""Which photographs of a survey a person should look at: the doubtful, and some of all the others."""

from __future__ import annotations

import numpy as np
import pandas as pd

SPREAD = 5
"""One photograph in so many is taken evenly from the whole survey: where nothing was found, something may be missed."""


def choose_to_correct(images: pd.DataFrame, detections: pd.DataFrame, count: int) -> pd.DataFrame:
    """Rows of the photographs to correct.

    A score is the probability, calibrated, that a box holds a crack. So one less the score, summed over a photograph's
    boxes, is how many of them are to be expected to hold none: the doubtful boxes. Neighbours in the survey show the
    same road, so one is passed over as long as there are others.

    Args:
        images: of one survey, in its order; `name` and `unfamiliar` among the columns.
        detections: of the same survey: `name` and `score`.
        count: how many are wanted.

    Returns:
        At most `count` rows of `images`, first those unlike what the bundle has learnt from, then by doubt; with two
        columns more, `doubtful_boxes` and `chosen_for`.
    """
    count = min(count, len(images))
    doubt = (1 - detections["score"]).groupby(detections["name"]).sum()
    doubtful = images["name"].map(doubt).fillna(0.0).to_numpy(float)
    strange = images["unfamiliar"].fillna(False).to_numpy(bool)
    ranked = np.lexsort((-doubtful, ~strange))
    spread = np.linspace(0, len(images) - 1, count // SPREAD + 2)[1:-1].round().astype(int)
    near = len(images) // (4 * count) if count else 0
    chosen = set(spread.tolist())
    for apart in (near, 0):
        for place in ranked.tolist():
            if len(chosen) < count and not any(other in chosen for other in range(place - apart, place + apart + 1)):
                chosen.add(place)
    why = np.full(len(images), "doubtful boxes", object)
    why[spread] = "a sample of all"
    why[strange] = "unfamiliar"
    rows = images.assign(doubtful_boxes=doubtful, chosen_for=why)
    return rows.iloc[[place for place in ranked.tolist() if place in chosen]]
