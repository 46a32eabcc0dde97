import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from models.errors import DataError
from pipeline.labels.coco import CRACK
from pipeline.labels.corrected import read_coco


def write(path: Path, told: object) -> Path:
    path.write_text(json.dumps(told))
    return path


def told_of(segmentation: object, width: int = 7, height: int = 5, category: str = CRACK) -> dict[str, object]:
    """A file of one photograph with one annotation."""
    return {
        "images": [{"id": 3, "file_name": "images/a.jpg", "width": width, "height": height}],
        "annotations": [{"id": 9, "image_id": 3, "category_id": 2, "segmentation": segmentation}],
        "categories": [{"id": 2, "name": category}],
    }


@pytest.mark.parametrize(
    "segmentation",
    [
        [[1, 1, 4, 1, 4, 3, 1, 3]],
        {"size": [5, 7], "counts": [6, 2, 3, 2, 3, 2, 17]},
        {"size": [5, 7], "counts": "623000>"},
    ],
    ids=["polygon", "run lengths", "packed run lengths"],
)
def test_all_that_tools_write_is_read(tmp_path, segmentation):
    (picture,) = read_coco(write(tmp_path / "a.json", told_of(segmentation)))
    expected = np.zeros((5, 7), np.bool_)
    expected[1:3, 1:4] = True
    assert picture.name == "a.jpg"
    np.testing.assert_array_equal(picture.mask, expected)


def test_other_categories_are_no_crack(tmp_path):
    told = told_of([[1, 1, 4, 1, 4, 3, 1, 3]], category="pothole")
    told["categories"] += [{"id": 5, "name": "Crack"}]
    (picture,) = read_coco(write(tmp_path / "a.json", told))
    assert not picture.mask.any()


def test_the_only_category_is_crack_whatever_its_name(tmp_path):
    (picture,) = read_coco(write(tmp_path / "a.json", told_of([[1, 1, 4, 1, 4, 3, 1, 3]], category="Riss")))
    assert picture.mask.sum() == 6


def test_what_is_not_taken_is_counted(tmp_path):
    told = told_of([[1, 1, 4, 1, 4, 3, 1, 3]])
    told["categories"] += [{"id": 5, "name": "Fuge"}]
    seen = {"image_id": 3, "category_id": 2}
    told["annotations"] += [
        {**seen, "segmentation": [[20, 20, 30, 20, 30, 30]]},  # beside the photograph
        {**seen, "segmentation": [[1, 1, 6, 1, 6, 1]]},  # too thin
        {**seen, "category_id": 5, "segmentation": None, "bbox": [1, 1, 2, 2]},
    ]
    (picture,) = read_coco(write(tmp_path / "a.json", told))
    assert (picture.pieces, picture.without_pixels, picture.others) == (1, 2, ["Fuge"])
    assert picture.mask.sum() == 6


def test_a_polygon_of_many_parts_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.labels.corrected.MOST_BYTES", 1_000_000)  # so much is taken before a file is read
    parts = [[x, y, x + 4, y, x + 4, y + 4, x, y + 4] for x in range(0, 3000, 200) for y in range(0, 3000, 100)]
    path = write(tmp_path / "a.json", told_of(parts, width=3000, height=3000))
    tracemalloc.start()
    (picture,) = read_coco(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert picture.mask.sum() == len(parts) * 16
    assert most < 4 * picture.mask.size  # not once for each of the 450


def test_byte_order_marks_and_names_as_identifiers_are_read(tmp_path):
    told = told_of([[1, 1, 4, 1, 4, 3, 1, 3]])
    told["annotations"][0]["id"] = "65f0-c1"
    told["images"][0]["file_name"] = "C:\\photos\\8:30.jpg"
    (tmp_path / "a.json").write_text(json.dumps(told), encoding="utf-8-sig")
    (picture,) = read_coco(tmp_path / "a.json")
    assert (picture.name, picture.pieces) == ("8:30.jpg", 1)


def test_two_categories_neither_of_which_is_crack_are_refused(tmp_path):
    told = told_of([], category="Riss")
    told["categories"] += [{"id": 5, "name": "Fuge"}]
    with pytest.raises(DataError, match=r"no category 'crack', or several: Riss, Fuge"):
        list(read_coco(write(tmp_path / "a.json", told)))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ([1, 2], "no COCO file of masks"),
        ({"images": [], "annotations": []}, "categories: Field required"),
        (told_of([]), "annotation 9 of images/a.jpg has no pixels"),
        (told_of([[1, 1, 4]]), "annotation 9 of images/a.jpg cannot be read"),
        (told_of({"size": [7, 5], "counts": [35]}), r"is of a picture of \(5, 7\) px, not \(7, 5\)"),
        (told_of({"size": [5, 7], "counts": [6, 2]}), "cannot be read"),
        (told_of({"size": [5, 7], "counts": [6, 2, 900]}), "cannot be read"),
        (told_of({"size": [5, 7], "counts": "§"}), "cannot be read"),
        (told_of([], width=10**9), "less than or equal to 100000"),
        (told_of({"size": [90_000, 90_000], "counts": "1"}, 90_000, 90_000), "more than any photograph has"),
        (told_of({"size": [5, 7], "counts": "62"}), "cannot be read"),
        (told_of({"size": [5, 7], "counts": [6, -2, 31]}), "are not those of 35 pixels"),
        (told_of([[1, 1, 4, 1, 1e9, 3]]), "a corner is no place within 100,000 px"),
        (told_of([[1, 1, 4, 1, float("nan"), 3]]), "a corner is no place within"),
        (told_of(None), "annotation 9 of images/a.jpg has no pixels"),
        (told_of([]) | {"images": []}, "a photograph 3, which it does not list"),
        (told_of([]) | {"images": [told_of([])["images"][0]] * 2}, "two photographs one id"),
        (told_of([]) | {"categories": [{"id": 1, "name": "crack"}]}, "a category 2, which it does not list"),
    ],
)
def test_what_cannot_be_understood_is_named(tmp_path, told, message):
    with pytest.raises(DataError, match=message) as caught:
        list(read_coco(write(tmp_path / "a.json", told)))
    assert caught.value.remedy


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\xff\xfe\x00", b"[" * 100_000])
def test_what_is_no_json_is_named(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.json is no JSON"):
        list(read_coco(tmp_path / "a.json"))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.json cannot be read"):
        list(read_coco(tmp_path / "none.json"))
