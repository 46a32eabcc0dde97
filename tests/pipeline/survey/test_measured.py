from types import SimpleNamespace

import numpy as np

from pipeline.cascade.cascade import CascadeResult
from pipeline.placing.camera_file import Camera
from pipeline.storage.schemas import SCHEMAS
from pipeline.survey.listing.photographs import Photograph
from pipeline.survey.measured import measured_rows


def look(told=None, for_all=None, camera=None):
    probability = np.zeros((60, 140), np.float32)
    probability[28:32, 20:120] = 0.9
    none = np.zeros((0, 4), np.float32)
    found = CascadeResult(none, none[:, 0], none.astype(np.int64), probability, probability >= 0.5, 0, 0, 0.0)
    plan = SimpleNamespace(camera=camera, settings=SimpleNamespace(road=SimpleNamespace(gsd_mm_per_px=for_all)))
    return measured_rows(plan, Photograph(name="a.jpg", gsd_mm_per_px=told), found, 0.5)


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
