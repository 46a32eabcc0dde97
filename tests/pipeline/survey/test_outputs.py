from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.survey.outputs import output_name
from pipeline.survey.settings import SurveySettings
from tests.pipeline.survey.conftest import make_photographs


@pytest.mark.parametrize(
    "name", ["/etc/x.jpg", "../x.jpg", "a.png/x.jpg", "s3://b/x.jpg", "n" * 255, "d/" * 1500 + "x"]
)
def test_outputs_with_other_names(name: str) -> None:
    assert output_name(name, ".png").startswith("hashed/")


def test_outputs_never_clash() -> None:
    names = ["a.jpg", "a.png", "a.jpg.png", "a.jpg.png/b.jpg", "A.jpg"]
    assert len({output_name(name, ".png") for name in names}) == len(names)


def test_a_name_for_every_survey(tmp_path: Path) -> None:
    make_photographs(tmp_path / "roads", 1)
    named = {
        photos: SurveySettings(photos=photos, bundle=Path("b")).name for photos in ("*.jpg", "/", "a/b/*.jpg", "x.csv")
    }
    assert named["a/b/*.jpg"] == "b"
    assert named["x.csv"] == "x"
    assert all(named.values())
