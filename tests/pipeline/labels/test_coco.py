import json
from pathlib import Path

import numpy as np
from faster_coco_eval import COCO
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pipeline.labels.coco import to_coco
from pipeline.labels.corrected import read_coco

MASKS = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40).flatmap(lambda shape: arrays(np.bool_, shape))


def write(path: Path, told: object) -> Path:
    path.write_text(json.dumps(told))
    return path


@given(st.lists(MASKS, min_size=1, max_size=3))
def test_masks_come_back_as_they_went(tmp_path_factory, masks):
    names = [f"p{number}.jpg" for number in range(len(masks))]
    path = write(tmp_path_factory.mktemp("coco") / "a.json", to_coco(zip(names, masks, strict=True)))
    found = list(read_coco(path))
    assert [picture.name for picture in found] == names
    for picture, mask in zip(found, masks, strict=True):
        np.testing.assert_array_equal(picture.mask, mask)
        assert (picture.pieces > 0) == mask.any()


def test_another_reader_of_coco_sees_the_same(tmp_path):
    mask = np.zeros((50, 80), np.bool_)
    mask[10, 5:40] = True  # one pixel wide: a polygon would lose it
    mask[30:36, 50:60] = True
    mask[32, 53:57] = False  # a hole
    told = COCO(str(write(tmp_path / "a.json", to_coco([("a.jpg", mask), ("clean.jpg", ~mask & mask)]))))
    assert [told.imgs[key]["file_name"] for key in told.getImgIds()] == ["a.jpg", "clean.jpg"]
    pieces = told.loadAnns(told.getAnnIds(imgIds=[1]))
    assert [piece["bbox"] for piece in pieces] == [[5, 10, 35, 1], [50, 30, 10, 6]]
    assert [piece["area"] for piece in pieces] == [35, 56]
    np.testing.assert_array_equal(sum(told.annToMask(piece) for piece in pieces), mask)
    assert told.getAnnIds(imgIds=[2]) == []


def test_fragments_close_together_are_one_piece():
    mask = np.zeros((40, 120), np.bool_)
    mask[20, [*range(10, 40), *range(50, 70), *range(100, 115)]] = True
    told = to_coco([("a.jpg", mask)])
    assert [piece["area"] for piece in told["annotations"]] == [50, 15]
