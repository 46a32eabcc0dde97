import json
import zipfile

import numpy as np
import pandas as pd
import pytest

from models.errors import DataError, UsageError
from pipeline.datasets.folder import ImageFolder
from pipeline.datasets.masks import read_mask
from pipeline.labels.coco import ANNOTATIONS
from pipeline.labels.corrected import read_coco
from pipeline.labels.hand_out import LIST, _names, hand_out
from pipeline.labels.take_in import take_in
from pipeline.storage.records import read_table
from tests.pipeline.survey.conftest import make_bundle, make_photographs
from tests.pipeline.survey.interrupted import settings_for
from tests.pipeline.survey.one_process import run_survey


@pytest.fixture
def surveyed(tmp_path):
    """Five photographs in two folders, two of one name, and the folder of their survey."""
    photos = make_photographs(tmp_path / "photos" / "a", 3)
    make_photographs(tmp_path / "photos" / "b", 2, seed=5)
    run_survey(settings_for(photos.parent, make_bundle(tmp_path / "bundle"), tmp_path / "out", masks="all"))
    return tmp_path / "out"


def test_photographs_and_masks_are_those_of_the_survey(surveyed, tmp_path):
    done = hand_out(surveyed, tmp_path / "corrected", 50)
    assert (done.folder, done.photographs, done.notes) == (tmp_path / "corrected", 5, [])
    listed = pd.read_csv(done.folder / LIST)
    assert sorted(listed["name"]) == ["a/p000.jpg", "a/p001.jpg", "a/p002.jpg", "b/p000.jpg", "b/p001.jpg"]
    assert len({name.casefold() for name in listed["file"]}) == 5
    images = read_table("images", surveyed).set_index("name")
    drawn = {picture.name: picture.mask for picture in read_coco(done.folder / ANNOTATIONS)}
    for row in listed.to_dict("records"):
        assert (done.folder / "images" / row["file"]).read_bytes() == (tmp_path / "photos" / row["name"]).read_bytes()
        mask = read_mask(surveyed / images.loc[row["name"], "mask"])
        np.testing.assert_array_equal(drawn[row["file"]], mask)
        assert 0 <= row["doubtful_boxes"] <= row["boxes"]


def test_no_more_are_handed_out_than_are_wanted(surveyed, tmp_path):
    some = pd.read_csv(hand_out(surveyed, tmp_path / "some", 2).folder / LIST)
    assert list(some["chosen_for"]) == ["doubtful boxes"] * 2
    assert some["doubtful_boxes"].is_monotonic_decreasing


def test_a_corrected_survey_is_a_data_set(surveyed, tmp_path):
    done = hand_out(surveyed, tmp_path / "corrected", 50)
    told = json.loads((done.folder / ANNOTATIONS).read_text())
    first = told["images"][0]["id"]
    told["annotations"] = [one for one in told["annotations"] if one["image_id"] != first]  # all erased there
    (tmp_path / "exported.json").write_text(json.dumps(told))
    taken = take_in(tmp_path / "exported.json", done.folder)
    dataset = ImageFolder(done.folder)
    assert len(dataset.names) == taken.photographs == 5
    clean = told["images"][0]["file_name"].removesuffix(".jpg")
    assert not dataset.load(clean).mask.any()
    assert taken.cracked == sum(bool(dataset.load(name).mask.any()) for name in dataset.names)


def test_what_changed_or_is_gone_is_left_out_and_told(surveyed, tmp_path):
    (tmp_path / "photos" / "a" / "p001.jpg").unlink()
    (tmp_path / "photos" / "b" / "p000.jpg").write_bytes(b"another")
    done = hand_out(surveyed, tmp_path / "corrected", 50)
    assert done.photographs == 3
    assert any("p001.jpg cannot be read" in note for note in done.notes)
    assert any("p000.jpg has changed since the survey" in note for note in done.notes)


@pytest.mark.parametrize("content", [None, b"no picture"])
def test_a_mask_that_is_gone_or_damaged_leaves_its_photograph_out(surveyed, tmp_path, content):
    mask = surveyed / read_table("images", surveyed).set_index("name").loc["a/p001.jpg", "mask"]
    mask.unlink()
    if content:
        mask.write_bytes(content)
    done = hand_out(surveyed, tmp_path / "corrected", 50)
    (note,) = done.notes
    assert done.photographs == 4
    assert note.startswith("a/p001.jpg is left out. Its mask")
    assert "--masks all --all" in note


def test_of_several_surveys_the_one_that_is_handed_out_is_told(surveyed, tmp_path):
    make_photographs(tmp_path / "photos" / "c", 1, seed=9)
    run_survey(settings_for(tmp_path / "photos", tmp_path / "bundle", surveyed, masks="all"))
    first, last = read_table("runs", surveyed).sort_values("started_at")["run_id"]
    done = hand_out(surveyed, tmp_path / "corrected", 50)
    assert done.photographs == 1
    assert done.notes == [f"These are of {last} alone, the last of 2 surveys. --run gives another: {first}."]
    assert hand_out(surveyed, tmp_path / "other", 50, first).notes == []


def test_photographs_in_an_archive_are_handed_out(tmp_path):
    (photo,) = make_photographs(tmp_path / "photos", 1).iterdir()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(photo, "in/p000.jpg")
    source = f"zip://in/*.jpg::file://{tmp_path}/a.zip"
    run_survey(settings_for(source, make_bundle(tmp_path / "bundle"), tmp_path / "out", masks="all"))
    done = hand_out(tmp_path / "out", tmp_path / "corrected", 50)
    assert done.notes == []
    assert (done.folder / "images" / "p000.jpg").read_bytes() == photo.read_bytes()


def test_nothing_that_is_there_is_touched(surveyed, tmp_path):
    (tmp_path / "corrected").mkdir()
    (tmp_path / "corrected" / "mine").write_text("mine")
    with pytest.raises(DataError, match="in use already"):
        hand_out(surveyed, tmp_path / "corrected", 50)
    assert [path.name for path in (tmp_path / "corrected").iterdir()] == ["mine"]


def test_without_masks_there_is_nothing_to_correct(tmp_path):
    photos = make_photographs(tmp_path / "photos", 2)
    run_survey(settings_for(photos, make_bundle(tmp_path / "bundle"), tmp_path / "out", masks="none"))
    with pytest.raises(DataError, match="nothing can be handed out") as caught:
        hand_out(tmp_path / "out", tmp_path / "corrected", 50)
    assert "--masks all" in caught.value.remedy
    assert not (tmp_path / "corrected").exists()


def test_a_folder_without_surveys_is_told(tmp_path):
    with pytest.raises(DataError, match="holds no finished survey"):
        hand_out(tmp_path, tmp_path / "corrected", 50)


def test_one_survey_of_several_is_named_by_its_id(surveyed, tmp_path):
    (run,) = read_table("runs", surveyed)["run_id"]
    assert hand_out(surveyed, tmp_path / "corrected", 1, run[:12]).photographs == 1
    with pytest.raises(UsageError, match="names none of the surveys") as caught:
        hand_out(surveyed, tmp_path / "other", 1, "2001")
    assert run in caught.value.remedy


@pytest.mark.parametrize(
    ("surveyed", "expected"),
    [
        (["a/p.jpg", "b/p.jpg", "P.JPG"], ["p.jpg", "b_p.jpg", "_P.JPG"]),
        (["ü b.jpg", "s3://b/c/d.e.jpg", "noon.jpg"], ["ü b.jpg", "d.e.jpg", "noon.jpg"]),
        (
            ["8:30?.jpg", "back\\slash.jpg", "two\nlines.jpg", ".a.jpg"],
            ["8_30_.jpg", "back_slash.jpg", "two_lines.jpg", "_a.jpg"],
        ),
    ],
)
def test_names_are_their_own_but_for_what_other_systems_refuse(surveyed, expected):
    assert list(_names(pd.Series(surveyed)).values()) == expected


def test_long_names_are_cut_and_stay_different():
    long = "ü" * 125
    found = list(_names(pd.Series([f"{folder}/{long}.jpg" for folder in "abc"])).values())
    assert len(set(found)) == 3
    assert all(len(name.encode()) < 255 and name.endswith(".jpg") for name in found)
