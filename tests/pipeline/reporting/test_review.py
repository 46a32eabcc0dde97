import numpy as np

from pipeline.datasets.base import Sample
from pipeline.reporting.review import MOST_CUTS, Review, ReviewCut
from tests.pipeline.reporting.test_figures import painted


def cuts_of(sample: Sample, boxes: list[list[float]], scores: list[float]) -> list[ReviewCut]:
    review = Review()
    review.add(sample, boxes, scores)
    return [*review.cuts["false"], *review.cuts["missed"]]


def test_cuts_show_each_mistake_once(sample: Sample) -> None:
    sample.mask[60, 100:104] = True
    cuts = cuts_of(sample, [[0, 5, 30, 20], [70, 40, 90, 70]], [0.9, 0.4])
    assert [(cut.kind, cut.weight) for cut in cuts] == [("false", 0.4), ("missed", 25.0), ("missed", 4.0)]
    assert all(cut.picture.shape == (240, 484, 3) for cut in cuts)
    assert painted(cuts[0].picture, "fp")[:, 244:].any()
    assert not painted(cuts[0].picture, "fp")[:, :240].any(), "the left half is bare"
    assert painted(cuts[1].picture, "missed").any()
    assert cuts_of(sample, [[0, 0, 120, 80]], [0.9]) == []


def test_the_worst_are_kept_and_all_are_counted(sample: Sample) -> None:
    sample.mask[:] = False
    scores = np.linspace(0.1, 0.9, 20)
    review = Review()
    for score in np.random.default_rng(0).permutation(scores):
        review.add(sample, [[70, 40, 90, 70]], [score])
    assert [cut.weight for cut in review.cuts["false"]] == sorted(scores, reverse=True)[:MOST_CUTS]
    assert review.totals == {"false": 20, "missed": 0}
