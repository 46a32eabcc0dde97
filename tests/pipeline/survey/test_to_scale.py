"""Surveys that are told a scale, with a bundle that says which it knows best."""

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from flows.survey_artifacts import survey_lines
from models.bundle import load_bundle, save_bundle
from pipeline.arrays import union_mask
from pipeline.cascade import scale
from pipeline.cascade.scale import LARGEST, NEAR
from pipeline.datasets.batches import BATCH_PX
from pipeline.placing.camera_file import Camera
from pipeline.storage.records import read_table
from pipeline.survey.listing.photographs import Photograph
from pipeline.survey.process import Picture, batches
from pipeline.survey.road_settings import RoadSettings
from pipeline.survey.to_scale import at_known_scale, scale_told, told_of_scale
from tests.pipeline.survey.conftest import SIDE
from tests.pipeline.survey.interrupted import settings_for
from tests.pipeline.survey.one_process import run_survey

AHEAD = Camera.model_validate(
    {
        "view": "forward",
        "size_px": [100, 80],
        "lens": {"focal_px": [80, 80], "centre_px": [50, 40]},
        "mounting": {"height_m": 2, "pitch_deg": 20},
    }
)


@pytest.fixture(scope="module")
def knowing(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny bundle, that says that it knows roads best at 1 mm a pixel."""
    detector, segmenter, card = load_bundle(bundle)
    folder = tmp_path_factory.mktemp("knowing") / "bundle"
    return save_bundle(folder, detector, segmenter, card.model_copy(update={"mm_per_px": 1.0}))


def plan_of(camera=None, gsd=None):
    return SimpleNamespace(camera=camera, settings=SimpleNamespace(road=RoadSettings(gsd_mm_per_px=gsd)))


def test_photographs_are_looked_at_near_the_known_scale_and_told_in_their_own_pixels(knowing, photographs, tmp_path):
    out = tmp_path / "out"
    row = run_survey(settings_for(photographs, knowing, out, road={"gsd_mm_per_px": 1.8}))
    images = read_table("images", out).set_index("name")
    assert row["resampled"] == row["images"] == 12
    assert (images["resampled_by"] == 1.8).all()
    assert (images["height_px"] == SIDE).all()
    assert (images["frame_px"] == SIDE**2).all()
    boxes = read_table("detections", out)
    assert len(boxes) == row["detections"] > 0
    assert boxes[["x2_px", "y2_px"]].to_numpy().max() <= SIDE
    for name, image in images.iterrows():
        mask = cv2.imread(str(out / image["mask"]), cv2.IMREAD_GRAYSCALE) > 0
        own = boxes[boxes["name"] == name][["x1_px", "y1_px", "x2_px", "y2_px"]].to_numpy()
        assert mask.shape == (SIDE, SIDE)
        assert mask.sum() == image["crack_px"]
        assert not mask[~union_mask(own, mask.shape)].any()
    cracks = read_table("cracks", out)
    ends = np.concatenate(cracks["line_px"].dropna().to_list())
    assert SIDE / 2 < ends.max() <= SIDE + 1  # a line may lean out of its last pixel
    assert ("resampled to the scale that the bundle knows", "12 (100.0%)") in survey_lines(row, {})
    assert "to the scale that the bundle knows best, 1 mm a pixel" in Path(row["report"]).read_text()


def test_near_the_known_scale_nothing_changes(knowing, bundle, photographs, tmp_path):
    kept = ["crack_px", "boxes", "union_px", "top_score", "resampled_by"]
    told = {"road": {"gsd_mm_per_px": NEAR}}
    row = run_survey(settings_for(photographs, knowing, tmp_path / "near", **told))
    assert row["resampled"] == 0
    other = run_survey(settings_for(photographs, bundle, tmp_path / "silent", road={"gsd_mm_per_px": 9}))
    assert other["resampled"] is None
    near, silent = (read_table("images", tmp_path / name)[kept] for name in ("near", "silent"))
    assert near.equals(silent)
    assert (silent["resampled_by"] == 1).all()
    for one in (row, other):
        assert "Resampled" not in Path(one["report"]).read_text()
    assert not [figure for figure, _ in survey_lines(other, {}) if "resampled" in figure]


def test_each_photograph_of_a_manifest_has_its_own_factor(knowing, photographs, tmp_path):
    lines = ["path,gsd_mm_per_px", "p000.jpg,", "p001.jpg,1.2", "p002.jpg,1.7", "p003.jpg,40"]
    (photographs / "list.csv").write_text("\n".join(lines))
    row = run_survey(settings_for(photographs / "list.csv", knowing, tmp_path / "out"))
    factors = read_table("images", tmp_path / "out").set_index("name")["resampled_by"].to_dict()
    assert factors == {"p000.jpg": 1, "p001.jpg": 1, "p002.jpg": 1.7, "p003.jpg": LARGEST}
    assert row["resampled"] == 2


def test_the_scale_is_the_one_that_cracks_are_measured_with():
    down = Camera(view="down", scale_mm_per_px=0.8)
    assert scale_told(plan_of(gsd=3.0), 2.0, 60, 80) == pytest.approx(2.0)
    assert scale_told(plan_of(gsd=3.0), None, 60, 80) == pytest.approx(3.0)
    assert scale_told(plan_of(down), 2.0, 60, 80) == pytest.approx(0.8)
    assert scale_told(plan_of(Camera(view="down"), gsd=3.0), None, 60, 80) == pytest.approx(3.0)
    assert scale_told(plan_of(), None, 60, 80) is None
    assert scale_told(plan_of(AHEAD), None, 80, 100) is None
    assert (
        scale_told(plan_of(Camera(view="down", size_px=(100, 100), region=((0, 0), (9, 0), (9, 9)))), 2.0, 60, 80)
        is None
    )


def test_a_batch_holds_no_more_than_memory_does(monkeypatch):
    monkeypatch.setattr(scale, "MOST_PX", BATCH_PX)
    side = 960  # 5.8 megapixels once enlarged
    pictures = [
        Picture(Photograph(str(number)), np.zeros((side, side, 3), np.uint8), None, "", 0.0) for number in range(3)
    ]
    enlarged = at_known_scale([*pictures, pictures[0]._replace(image=None)], plan_of(gsd=2.5), 1.0)
    assert [[picture.factor for picture in batch] for batch in batches(enlarged)] == [[2.5], [2.5], [2.5, 1.0]]


@pytest.mark.parametrize(
    ("plan", "known", "words"),
    [
        (plan_of(gsd=2.0), 1.0, "knows roads best at 1 mm a pixel"),
        (plan_of(Camera(view="down", scale_mm_per_px=0.8)), 1.0, "knows roads best at 1 mm a pixel"),
        (plan_of(gsd=2.0), None, "does not say which scale"),
        (plan_of(), None, ""),
        (plan_of(), 1.0, ""),
        (plan_of(AHEAD), 1.0, ""),
    ],
)
def test_what_is_told_of_it(plan, known, words):
    told = told_of_scale(plan, known)
    assert words in told
    assert bool(told) == bool(words)
