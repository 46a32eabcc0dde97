from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import DataError
from pipeline.datasets.dnit import Dnit, Frame, parse_frame

from .conftest import Maker


def test_frames_know_their_place(make_dnit: Maker) -> None:
    dataset = Dnit(make_dnit())
    assert len(dataset) == 5
    assert dataset.frame(dataset.names[0]) == Frame(1000, "RS", "386", "386RS124739", 29840)


def test_neighbours_share_a_group(make_dnit: Maker) -> None:
    dataset = Dnit(make_dnit())
    assert [dataset.group(n) for n in dataset.names] == [
        *["386RS124739/29800"] * 2,
        *["386RS124739/30000"] * 2,
        "386RS124739/30200",
    ]


def test_load(make_dnit: Maker) -> None:
    dataset = Dnit(make_dnit())
    sample = dataset.load(dataset.names[0])
    assert sample.mask.sum() == 12
    assert sample.image.shape == (8, 12, 3)


@pytest.mark.parametrize("name", ["", "photo", "1_RS_386_386RS124739_x", "1_RS_386_29840"])
def test_names_of_another_kind(name: str) -> None:
    with pytest.raises(DataError, match="not the name of a DNIT frame"):
        parse_frame(name)


@pytest.mark.parametrize(("kind", "word"), [("RAW.jpg", "no photograph"), ("CRACK.png", "no mask")])
def test_missing_file(make_dnit: Maker, kind: str, word: str) -> None:
    root = make_dnit()
    next(root.glob(f"1002_*/*{kind}")).unlink()
    with pytest.raises(DataError, match=f"1002_.*{word}"):
        Dnit(root)


def test_real_data(datasets_root: Path) -> None:
    root = datasets_root / "dnit"
    if not root.is_dir():
        pytest.skip(f"no {root}")
    dataset = Dnit(root)
    assert len(dataset) == 888
    assert sum(dataset.frame(n).segment == "386RS124739" for n in dataset.names) == 255
    assert len({dataset.group(n) for n in dataset.names}) >= 5
    assert dataset.load(dataset.names[0]).image.shape[1] == 1024
