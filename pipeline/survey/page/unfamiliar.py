"""Photographs of a survey that are unlike what its bundle has learnt from: how many of each kind, and some to see."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice, zip_longest
from typing import Any, NamedTuple

import pyarrow.compute as pc

from pipeline.survey.plan import Survey
from pipeline.survey.published import read_batches


class Unfamiliar(NamedTuple):
    """What is unfamiliar in a survey.

    Attributes:
        kinds: photographs by reason, most frequent first.
        rows: of the table ``images``, each reason in turn.
    """

    kinds: Counter[str]
    rows: list[dict[str, Any]]


def find_unfamiliar(survey: Survey, most: int) -> Unfamiliar:
    """Count the unfamiliar photographs of a survey whose tables are published, and keep `most` rows of them."""
    counts: Counter[str] = Counter()
    kept: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for batch in read_batches(survey, "images"):
        for row in batch.filter(pc.fill_null(batch["unfamiliar"], False)).to_pylist():
            why = row["unfamiliar_why"]
            counts[why] += 1
            if len(kept[why]) < most:
                kept[why].append(row)
    kinds = Counter(dict(counts.most_common()))
    in_turn = (row for rows in zip_longest(*(kept[why] for why in kinds)) for row in rows if row is not None)
    return Unfamiliar(kinds, list(islice(in_turn, most)))
