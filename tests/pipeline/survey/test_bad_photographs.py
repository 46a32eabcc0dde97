"""Every photograph is either processed or listed with the reason why not, and no kind of file stops the batch."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image as Pillow

from pipeline.cascade.cascade import Cascade
from pipeline.storage.records import read_table
from pipeline.survey.listing import stores
from pipeline.survey.listing.photographs import Failure, Photograph
from pipeline.survey.process import Picture, process_pictures
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.bad_files import BAD, GOOD, encoded
from tests.pipeline.survey.conftest import SIDE
from tests.pipeline.survey.one_process import run_survey

LIMIT = 1_000_000
NOT_UTF8 = b"caf\xe9.jpg"


class Surveyed:
    """The folder with one of each, surveyed."""

    def __init__(self, root: Path, bundle: Path) -> None:
        self.photos, self.out = root / "photos", root / "out"
        (self.photos / "sub").mkdir(parents=True)
        (root / "outside").mkdir()
        (root / "outside" / "secret.jpg").write_bytes(encoded("JPEG"))
        for name, make in GOOD.items():
            make(self.photos / name)
        for name, (make, _, _) in BAD.items():
            make(self.photos / name)
        (self.photos / "sub" / "plain.jpg").write_bytes(encoded("JPEG"))
        (self.photos / "notes.txt").write_text("not looked at")
        (self.photos / ".hidden.jpg").write_text("not looked at")
        Path(os.fsdecode(os.fsencode(self.photos) + b"/" + NOT_UTF8)).write_bytes(encoded("JPEG"))
        settings = SurveySettings(
            photos=str(self.photos), bundle=bundle, out=self.out, max_pixels=LIMIT, overlays=True, device="cpu"
        )
        row = run_survey(settings)
        assert row is not None
        self.row = row
        self.images = read_table("images", self.out).set_index("name")
        self.failures = read_table("failures", self.out).set_index("name")


@pytest.fixture(scope="module")
def surveyed(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Surveyed:
    return Surveyed(tmp_path_factory.mktemp("bad"), bundle)


def test_every_photograph_is_accounted_for_once(surveyed: Surveyed) -> None:
    expected = len(GOOD) + len(BAD) + 2  # one in a subfolder, one whose name is not UTF-8
    assert len(BAD) >= 25
    assert surveyed.row["photographs"] == expected
    names = [*surveyed.images.index, *surveyed.failures.index]
    assert len(names) == len(set(names)) == expected
    assert surveyed.row["images"] == len(surveyed.images)
    assert surveyed.row["failures"] == len(surveyed.failures)


@pytest.mark.parametrize("name", GOOD)
def test_it_is_processed(surveyed: Surveyed, name: str) -> None:
    told = surveyed.failures["message"].get(name)
    assert name in surveyed.images.index, told
    image = surveyed.images.loc[name]
    with Pillow.open(surveyed.out / image["mask"]) as mask:
        assert mask.mode == "1"
        assert mask.size == (image["width_px"], image["height_px"])
    assert (surveyed.out / image["overlay"]).is_file()


@pytest.mark.parametrize("name", BAD)
def test_it_is_told_of(surveyed: Surveyed, name: str) -> None:
    _, stage, kind = BAD[name]
    row = surveyed.failures.loc[name]
    assert (row["stage"], row["kind"]) == (stage, kind), row["message"]
    assert row["path"] == str(surveyed.photos / name)
    assert len(row["message"]) > 15


def test_a_name_that_is_not_utf8_is_told_of(surveyed: Surveyed) -> None:
    row = surveyed.failures.loc[r"caf\xe9.jpg"]
    assert (row["stage"], row["kind"]) == ("list", "name not UTF-8")


def test_duplicate_names_in_different_folders_are_two(surveyed: Surveyed) -> None:
    assert {"plain.jpg", "sub/plain.jpg"} <= set(surveyed.images.index)
    same = surveyed.images.loc[["plain.jpg", "sub/plain.jpg"]]
    assert same["content_sha256"].nunique() == 1
    assert same["mask"].nunique() == 2


def test_it_is_upright(surveyed: Surveyed) -> None:
    turned = surveyed.images.loc["turned.jpg"]
    assert (turned["height_px"], turned["width_px"]) == (SIDE, SIDE // 2)


def test_detections_belong_to_images(surveyed: Surveyed) -> None:
    detections = read_table("detections", surveyed.out)
    counted = detections.groupby("name").size()
    boxes = surveyed.images["boxes"].astype("int64")
    pd.testing.assert_series_equal(counted.sort_index(), boxes[boxes > 0].sort_index(), check_names=False)


def test_no_output_leaves_its_folder(surveyed: Surveyed) -> None:
    for column, folder in (("mask", "masks"), ("overlay", "overlays")):
        for path in surveyed.images[column]:
            assert (surveyed.out / path).resolve().is_relative_to(surveyed.out / folder)


def test_the_limit_can_be_raised(tmp_path: Path, bundle: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    Pillow.new("L", (1100, 1000)).save(photos / "large.png")
    settings = SurveySettings(photos=str(photos), bundle=bundle, out=tmp_path / "out", max_pixels=LIMIT, device="cpu")
    row = run_survey(settings)
    assert row is not None
    assert row["failures"] == 1
    again = run_survey(settings.model_copy(update={"max_pixels": 2 * LIMIT}))
    assert again is not None
    assert (again["images"], again["failures"]) == (1, 0)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (PermissionError(13, "Permission denied"), "no permission"),
        (OSError(5, "Input/output error"), "unreadable"),
        (OSError(116, "Stale file handle"), "unreadable"),
    ],
)
def test_one_that_cannot_be_read(
    tmp_path: Path, bundle: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, kind: str
) -> None:
    opened = os.open

    def refuse(path: os.PathLike[str], flags: int) -> int:
        if str(path).endswith("p003.jpg"):
            raise error
        return opened(path, flags)

    monkeypatch.setattr(stores.os, "open", refuse)
    row = run_survey(SurveySettings(photos=str(photographs), bundle=bundle, out=tmp_path / "out", device="cpu"))
    assert row is not None
    assert (row["images"], row["failures"]) == (11, 1)
    failed = read_table("failures", tmp_path / "out").iloc[0]
    assert (failed["name"], failed["stage"], failed["kind"]) == ("p003.jpg", "read", kind)


def test_one_that_vanishes_between_listing_and_reading(tmp_path: Path, bundle: Path, photographs: Path) -> None:
    settings = SurveySettings(photos=str(photographs), bundle=bundle, out=tmp_path / "out", chunk=4, device="cpu")
    row = run_survey(settings, report=lambda _: (photographs / "p011.jpg").unlink(missing_ok=True))
    assert row is not None
    failed = read_table("failures", tmp_path / "out").iloc[0]
    assert (failed["name"], failed["stage"], failed["kind"]) == ("p011.jpg", "read", "vanished")


def test_a_pipe_put_in_place_of_a_file_does_not_hang(tmp_path: Path, bundle: Path, photographs: Path) -> None:
    def swap(_: object) -> None:
        if (photographs / "p011.jpg").is_file():
            (photographs / "p011.jpg").unlink()
            os.mkfifo(photographs / "p011.jpg")

    settings = SurveySettings(photos=str(photographs), bundle=bundle, out=tmp_path / "out", chunk=4, device="cpu")
    row = run_survey(settings, report=swap)
    assert row is not None
    assert read_table("failures", tmp_path / "out").iloc[0]["kind"] == "not a file"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), "out of memory"),
        (torch.OutOfMemoryError("CUDA out of memory"), "out of memory"),
        (RuntimeError("shapes do not fit\nand a long story"), "error"),
        (ValueError("no"), "error"),
    ],
)
def test_one_that_the_cascade_cannot_do(bundle: Path, error: Exception, kind: str) -> None:
    cascade = Cascade.load(bundle)

    class Stumbles:
        device = torch.device("cpu")

        def look(self, images: list[np.ndarray]) -> list[object]:
            if any(image.shape[0] == 7 for image in images):
                raise error
            return list(cascade.look(images))

    pictures = [
        Picture(Photograph(str(side)), np.zeros((side, 9, 3), np.uint8), None, "", 0.0) for side in (8, 7, SIDE)
    ]
    found = [result for batch in process_pictures(Stumbles(), pictures) for _, result in batch]  # type: ignore[arg-type]
    assert [isinstance(result, Failure) for result in found] == [False, True, False]
    assert found[1][:2] == ("cascade", kind)
    assert "\n" not in found[1].message


def test_unreadable_folders_are_told_of(
    tmp_path: Path, bundle: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photographs / "closed").mkdir()
    scan = os.scandir

    def refuse(path: os.PathLike[str]) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr("pipeline.survey.listing.folders.os.scandir", refuse)
    row = run_survey(SurveySettings(photos=str(photographs), bundle=bundle, out=tmp_path / "out", device="cpu"))
    assert row is not None
    assert (row["images"], row["failures"]) == (12, 1)
    assert read_table("failures", tmp_path / "out").iloc[0]["kind"] == "unreadable folder"
