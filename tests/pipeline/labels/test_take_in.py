import json
import shutil

import cv2
import numpy as np
import pytest

from models.errors import DataError
from pipeline.labels.coco import to_coco
from pipeline.labels.take_in import take_in

CRACK = np.zeros((20, 30), np.bool_)
CRACK[5, 4:20] = True


@pytest.fixture
def root(tmp_path):
    """A folder with photographs `a.jpg` and `b.png`, 30×20 px."""
    (tmp_path / "set" / "images").mkdir(parents=True)
    for name in ("a.jpg", "b.png"):
        cv2.imwrite(str(tmp_path / "set" / "images" / name), np.full((20, 30, 3), 128, np.uint8))
    return tmp_path / "set"


def exported(root, *pictures):
    path = root.parent / "exported.json"
    path.write_text(json.dumps(to_coco(pictures)))
    return path


def test_each_photograph_gets_a_mask(root):
    done = take_in(exported(root, ("a.jpg", CRACK), ("b.png", CRACK & ~CRACK)), root)
    assert (done.photographs, done.cracked, done.pieces) == (2, 1, 1)
    for name, mask in (("a.png", CRACK), ("b.png", CRACK & ~CRACK)):
        np.testing.assert_array_equal(cv2.imread(str(root / "masks" / name), cv2.IMREAD_GRAYSCALE), mask * 255)


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        ([("a.jpg", CRACK)], r"tells nothing of b\.png"),
        ([("a.jpg", CRACK), ("b.png", CRACK), ("c.jpg", CRACK)], r"tells of c\.jpg, which does not lie in images"),
        ([("a.png", CRACK), ("b.png", CRACK)], r"tells of a\.png, which does not lie in images"),
        ([("a.jpg", CRACK), ("b.png", CRACK), ("a.jpg", CRACK)], r"tells of a\.jpg twice"),
        ([("a.jpg", CRACK.T), ("b.png", CRACK)], r"a\.jpg with 20×30 px, but it has 30×20 px"),
    ],
)
def test_what_does_not_fit_is_named_and_writes_nothing(root, pictures, message):
    with pytest.raises(DataError, match=message) as caught:
        take_in(exported(root, *pictures), root)
    assert caught.value.remedy
    assert [path.name for path in root.iterdir()] == ["images"]


def test_annotations_that_draw_nothing_are_told(root):
    told = to_coco([("a.jpg", CRACK), ("b.png", CRACK & ~CRACK)])
    told["categories"] += [{"id": 7, "name": "pothole"}]
    corners = [[1, 1, 9, 1, 9, 9]]
    told["annotations"] += [{"image_id": 2, "category_id": 7, "segmentation": corners} for _ in range(2)]
    told["annotations"] += [{"image_id": 2, "category_id": 1, "segmentation": [[90, 1, 99, 1, 99, 9]]}]
    path = root.parent / "exported.json"
    path.write_text(json.dumps(told))
    done = take_in(path, root)
    assert (done.cracked, done.pieces) == (1, 1)
    assert done.notes == [
        "Annotations of crack cover no pixel, being too thin or beside the photograph: b.png (1).",
        "Annotations of other categories than crack are left out: pothole (2).",
    ]
    assert take_in_again(root).notes == []


def take_in_again(root):
    shutil.rmtree(root / "masks")
    return take_in(exported(root, ("a.jpg", CRACK), ("b.png", CRACK & ~CRACK)), root)


def test_masks_that_are_there_stay(root):
    whole = exported(root, ("a.jpg", CRACK), ("b.png", CRACK))
    take_in(whole, root)
    before = (root / "masks" / "a.png").read_bytes()
    with pytest.raises(DataError, match="masks is in use already"):
        take_in(exported(root, ("a.jpg", ~CRACK), ("b.png", CRACK)), root)
    assert (root / "masks" / "a.png").read_bytes() == before


def test_a_folder_without_photographs_is_told(tmp_path):
    with pytest.raises(DataError, match="images does not exist"):
        take_in(tmp_path / "a.json", tmp_path)
    (tmp_path / "images").write_text("")
    with pytest.raises(DataError, match="images is a file, not a folder"):
        take_in(tmp_path / "a.json", tmp_path)


def test_photographs_that_may_not_be_listed_are_told(root, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, _: path != root / "images")
    with pytest.raises(DataError, match="images may not be read"):
        take_in(exported(root), root)
