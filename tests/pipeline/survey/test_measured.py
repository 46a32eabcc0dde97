from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from pipeline.cascade.cascade import CascadeResult, CascadeThresholds
from pipeline.measuring.settings import MeasureSettings
from pipeline.placing.camera_file import Camera, Lane
from pipeline.storage.records import read_table
from pipeline.storage.schemas import SCHEMAS
from pipeline.survey.listing.photographs import Photograph
from pipeline.survey.measured import measured_rows
from pipeline.survey.road_settings import RoadSettings
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.one_process import run_survey


def look(told=None, for_all=None, camera=None, hole=0, **measuring):
    probability = np.zeros((60, 140), np.float32)
    probability[28:32, 20:120] = 0.9
    probability[:, 70 : 70 + hole] = 0
    none = np.zeros((0, 4), np.float32)
    found = CascadeResult(none, none[:, 0], none.astype(np.int64), probability, probability >= 0.5, 0, 0, 0.0)
    road = RoadSettings(gsd_mm_per_px=for_all, measuring=MeasureSettings(**measuring))
    plan = SimpleNamespace(camera=camera, settings=SimpleNamespace(road=road))
    return measured_rows(plan, Photograph(name="a.jpg", gsd_mm_per_px=told), found, CascadeThresholds(0.5, 0.5, 0.5))


def test_a_photograph_of_a_survey_tells_its_cracks():
    (row,) = look()
    assert set(row) < set(SCHEMAS["cracks"].names)
    assert row["length_m"] is None
    assert 0.8 < row["confidence"] < 0.95
    assert row["kind"] == "transverse"


def test_millimetres_come_from_the_manifest_before_the_survey():
    for (row,), source in ((look(2.0, 3.0), "manifest"), (look(None, 2.0), "gsd")):
        assert row["gsd_source"] == source
        assert abs(row["length_m"] - 0.2) < 0.01


def test_a_forward_view_without_a_scale_has_no_kind():
    (row,) = look(camera=Camera(view="forward"))
    assert row["kind"] is None
    assert row["severity_astm"] is None


def test_the_lane_of_a_camera_without_a_scale_counts():
    assert look(camera=Camera(view="down", lane=Lane(axis_deg=90)))[0]["kind"] == "longitudinal"


def test_the_gap_between_fragments_is_the_surveys():
    assert [row["fragments"] for row in look(hole=12)] == [2]
    assert len(look(hole=12, gap_px=5)) == 2


def test_shares_of_a_survey_are_shares_of_the_road(tmp_path, bundle):
    rng = np.random.default_rng(0)
    (tmp_path / "photographs").mkdir()
    image = rng.integers(90, 190, (48, 48, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "photographs" / "p.png"), image)
    (tmp_path / "camera.yaml").write_text(
        "{view: down, size_px: [48, 48], region: [[0, 24], [48, 24], [48, 48], [0, 48]]}"
    )
    settings = SurveySettings(
        photos=str(tmp_path / "photographs"),
        bundle=bundle,
        out=tmp_path / "out",
        device="cpu",
        masks="all",
        road=RoadSettings(camera=tmp_path / "camera.yaml"),
    )
    run_survey(settings)
    row = read_table("images", tmp_path / "out").iloc[0]
    mask = cv2.imread(str(tmp_path / "out" / row["mask"]), cv2.IMREAD_GRAYSCALE) > 0
    assert (row["height_px"], row["width_px"]) == mask.shape == (48, 48)
    assert row["crack_px"] == mask.sum() > 0
    assert not mask[:23].any()
    assert row["crack_share"] == pytest.approx(mask.sum() / (48 * 24), rel=0.05)
    assert 0 <= row["data_reduction"] < 1
