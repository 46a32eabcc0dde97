"""What a survey says of photographs that are unlike those that its bundle has learnt from."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.bundle import load_bundle, save_bundle
from models.learnt import Learnt
from pipeline.cascade.cascade import Cascade
from pipeline.cascade.familiarity import describe, look_at
from pipeline.storage.records import read_table
from tests.pipeline.survey.conftest import SIDE, make_bundle, make_photographs
from tests.pipeline.survey.interrupted import settings_for
from tests.pipeline.survey.one_process import run_survey


@pytest.fixture(scope="module")
def knowing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that knows the photographs of `make_photographs`."""
    folder = tmp_path_factory.mktemp("knowing")
    plain = make_bundle(folder / "plain")
    paths = sorted(make_photographs(folder / "learnt", 40, seed=1).iterdir())
    images = [cv2.imread(str(path))[..., ::-1].copy() for path in paths]
    features = [found.features for found in Cascade.load(plain, runtime="torch").look(images)]
    familiar = describe(features[:25], features[25:], [look_at(image) for image in images])
    learnt = Learnt(np.zeros((1, 32), np.uint8), True, familiar)
    return save_bundle(folder / "bundle", *load_bundle(plain), learnt)


def test_each_unfamiliar_photograph_is_told_with_its_reason(knowing, photographs, tmp_path):
    known = cv2.imread(str(photographs / "p000.jpg"))
    gaudy = np.zeros((SIDE, SIDE, 3), np.uint8)
    gaudy[..., 2] = 255
    gaudy[..., 1] = np.random.default_rng(3).choice([0, 255], (SIDE, SIDE))
    strange = {
        "dark": (known * 0.2).astype(np.uint8),
        "no road": np.full_like(known, 130),
        "blurred": cv2.GaussianBlur(known, (0, 0), 2),
        "unlike": gaudy,
    }
    for why, image in strange.items():
        cv2.imwrite(str(photographs / f"x {why}.png"), image)
    row = run_survey(settings_for(photographs, knowing, tmp_path / "out"))
    images = read_table("images", tmp_path / "out").set_index("name")
    told = images["unfamiliar_why"].dropna().to_dict()
    assert {name: why for name, why in told.items() if name.startswith("x")} == {f"x {w}.png": w for w in strange}
    assert len(told) <= 6
    assert row["unfamiliar"] == int(images["unfamiliar"].sum()) == len(told)
    page = Path(row["report"]).read_text()
    assert "Unlike what the bundle has learnt from" in page
    assert all(f"{why} 1" in page and f"Photograph x {why}.png" in page for why in ("dark", "no road"))


def test_a_bundle_that_cannot_say_says_nothing(bundle, photographs, tmp_path):
    row = run_survey(settings_for(photographs, bundle, tmp_path / "out"))
    assert row["unfamiliar"] is None
    assert read_table("images", tmp_path / "out")["unfamiliar"].isna().all()
    assert "Unlike what the bundle" not in Path(row["report"]).read_text()
