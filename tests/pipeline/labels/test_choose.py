import itertools

import pandas as pd
import pytest

from pipeline.labels.choose import SPREAD, choose_to_correct


def images_of(**unfamiliar: bool | None) -> pd.DataFrame:
    return pd.DataFrame({"name": list(unfamiliar), "unfamiliar": pd.array(list(unfamiliar.values()), "boolean")})


def boxes_of(**scores: list[float]) -> pd.DataFrame:
    rows = [(name, score) for name, own in scores.items() for score in own]
    return pd.DataFrame({"name": [row[0] for row in rows], "score": pd.Series([row[1] for row in rows], dtype=float)})


def road(photographs: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A survey, and a box in each photograph of its second half, the more doubtful the later."""
    names = [f"p{number:03d}" for number in range(photographs)]
    late = names[photographs // 2 :]
    boxes = boxes_of(**{name: [1 - number / len(late)] for number, name in enumerate(late)})
    return images_of(**dict.fromkeys(names, False)), boxes


def test_the_unfamiliar_come_first_then_the_doubtful():
    images = images_of(sure=False, doubtful=False, empty=None, strange=True)
    boxes = boxes_of(sure=[0.9], doubtful=[0.6, 0.5])
    found = choose_to_correct(images, boxes, 10)
    assert list(found["name"]) == ["strange", "doubtful", "sure", "empty"]
    assert list(found["doubtful_boxes"]) == pytest.approx([0, 0.9, 0.1, 0])
    assert list(found["chosen_for"]) == ["unfamiliar", *["doubtful boxes"] * 3]
    assert list(choose_to_correct(images, boxes, 2)["name"]) == ["strange", "doubtful"]


def test_some_come_from_all_over_the_survey():
    images, boxes = road(200)
    found = choose_to_correct(images, boxes, 20)
    sample = found[found["chosen_for"] == "a sample of all"]
    assert len(found) == 20
    assert list(sample["name"]) == ["p159", "p119", "p040", "p080"]
    assert len(sample) == 20 // SPREAD
    assert set(found[found["chosen_for"] == "doubtful boxes"]["name"]) <= set(boxes["name"])


def test_neighbours_are_passed_over_while_there_are_others():
    images, boxes = road(200)
    places = sorted(images.index[images["name"].isin(choose_to_correct(images, boxes, 20)["name"])])
    assert min(b - a for a, b in itertools.pairwise(places)) > 200 // (4 * 20)
    assert len(choose_to_correct(images, boxes, 199)) == 199


@pytest.mark.parametrize("count", [1, 7, 500])
def test_as_many_as_are_wanted_and_each_once(count):
    images, boxes = road(60)
    found = choose_to_correct(images, boxes, count)
    assert len(found) == min(count, 60)
    assert found["name"].is_unique


def test_a_survey_without_photographs_has_none():
    assert choose_to_correct(images_of(), boxes_of(), 5).empty
