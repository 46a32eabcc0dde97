from pipeline.datasets.base import Sample
from pipeline.reporting.review import review_cuts
from tests.pipeline.reporting.test_figures import painted


def test_review_cuts_show_each_mistake_once(sample: Sample) -> None:
    sample.mask[60, 100:104] = True
    cuts = review_cuts(sample, [[0, 5, 30, 20], [70, 40, 90, 70]], [0.9, 0.4])
    assert [(cut.kind, cut.weight) for cut in cuts] == [("false", 0.4), ("missed", 25.0), ("missed", 4.0)]
    assert all(cut.picture.shape == (240, 484, 3) for cut in cuts)
    assert painted(cuts[0].picture, "fp")[:, 244:].any()
    assert not painted(cuts[0].picture, "fp")[:, :240].any(), "the left half is bare"
    assert painted(cuts[1].picture, "missed").any()
    assert review_cuts(sample, [[0, 0, 120, 80]], [0.9]) == []
