"""Labels of training pictures: crack, none, or not to be judged."""

import numpy as np

from pipeline.datasets.base import NOT_JUDGED
from pipeline.datasets.window_labels import CRACK, label_image
from tests.pipeline.datasets.test_windows import sample_of


def test_beside_a_crack_one_pixel_is_not_judged_and_beyond_a_fragment_eight() -> None:
    mask = np.zeros((40, 80), bool)
    mask[20, 20:41] = True
    plain, fragment = (label_image(sample_of(mask), fragmentary) for fragmentary in (False, True))
    assert (plain[20, 20], plain[19, 30], plain[18, 30]) == (CRACK, NOT_JUDGED, 0)
    assert (plain[20, 41], plain[20, 42]) == (NOT_JUDGED, 0)
    assert (fragment[20, 48], fragment[20, 49]) == (NOT_JUDGED, 0)  # eight px beyond the last, at 40
    assert fragment[17, 30] == 0  # beside the middle of it as without
    assert ((plain == CRACK) == mask).all()


def test_a_gap_between_fragments_is_not_judged_and_what_is_ignored_stays_so() -> None:
    mask = np.zeros((40, 80), bool)
    mask[20, 10:30] = mask[20, 36:60] = True
    assert (label_image(sample_of(mask), True)[20, 30:36] == NOT_JUDGED).all()
    ignore = np.zeros_like(mask)
    ignore[5, 5] = True
    assert label_image(sample_of(mask, ignore), False)[5, 5] == NOT_JUDGED
