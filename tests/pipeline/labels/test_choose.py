import pandas as pd
import pytest

from pipeline.labels.choose import most_doubtful


def images_of(**unfamiliar: bool | None) -> pd.DataFrame:
    return pd.DataFrame({"name": list(unfamiliar), "unfamiliar": pd.array(list(unfamiliar.values()), "boolean")})


def test_the_unfamiliar_come_first_then_the_doubtful():
    images = images_of(sure=False, doubtful=False, empty=None, strange=True)
    boxes = pd.DataFrame({"name": ["sure", "doubtful", "doubtful"], "score": [0.9, 0.6, 0.5]})
    found = most_doubtful(images, boxes, 10)
    assert list(found["name"]) == ["strange", "doubtful", "sure", "empty"]
    assert list(found["doubtful_boxes"]) == pytest.approx([0, 0.9, 0.1, 0])
    assert list(most_doubtful(images, boxes, 2)["name"]) == ["strange", "doubtful"]


def test_equals_stand_by_name():
    boxes = pd.DataFrame({"name": [], "score": []})
    assert list(most_doubtful(images_of(b=False, a=False), boxes, 5)["name"]) == ["a", "b"]


def test_a_survey_without_photographs_has_none():
    boxes = pd.DataFrame({"name": pd.Series(dtype=str), "score": pd.Series(dtype=float)})
    assert most_doubtful(images_of(), boxes, 5).empty
