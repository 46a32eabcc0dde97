from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import fsspec
import pytest

from models.bundle import CARD
from models.errors import DataError
from pipeline.storage.records import read_table
from pipeline.survey.layout import surveys_folder
from pipeline.survey.page.page import write_page
from pipeline.survey.page.worst import look_again, most_cracked, read_boxes
from pipeline.survey.plan import Survey, read_survey
from tests.pipeline.reporting.report import Page
from tests.pipeline.survey.conftest import make_photographs
from tests.pipeline.survey.interrupted import settings_for
from tests.pipeline.survey.one_process import run_survey
from tests.pipeline.survey.page.surveyed import assert_harmless, read_page


def test_every_photograph_failed(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "bad.jpg").write_bytes(b"")
    row = run_survey(settings_for(tmp_path / "photos", tiny, tmp_path / "out"))
    assert row is not None
    _, page = read_page(row)
    assert_harmless(page)
    assert "No photograph could be looked at." in page.text
    assert "The file is empty." in page.text
    assert not page.all("dialog")
    assert not page.all("img")


def test_no_crack_at_all(tiny: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "blind"
    shutil.copytree(tiny, bundle)
    card = json.loads((bundle / CARD).read_text()) | {"score_threshold": 1.0}
    (bundle / CARD).write_text(json.dumps(card))
    row = run_survey(settings_for(make_photographs(tmp_path / "photos", 3), bundle, tmp_path / "out"))
    assert row is not None
    _, page = read_page(row)
    assert "No crack was found in 3 photographs." in page.text
    assert "No photograph failed" in page.text
    assert "no crack 3" in page.text
    assert not page.all("img")


def test_photographs_that_are_gone_or_changed_are_left_out(tiny: Path, tmp_path: Path) -> None:
    photos = make_photographs(tmp_path / "photos", 5)
    row = run_survey(settings_for(photos, tiny, tmp_path / "out"))
    assert row is not None
    survey = read_survey(surveys_folder(tmp_path / "out") / row["run_id"])
    (photos / "p001.jpg").unlink()
    shutil.copy(photos / "p003.jpg", photos / "p002.jpg")
    (survey.out / "masks" / row["run_id"] / "p004.jpg.png").unlink()
    cracked = most_cracked(survey, 9)
    seen = {look.row["name"]: look for look in look_again(survey, cracked)}
    assert sorted(seen) == ["p000.jpg", "p003.jpg", "p004.jpg"]
    assert seen["p004.jpg"].mask is None
    images = read_table("images", survey.out).set_index("name")
    assert {name: len(look.boxes) for name, look in seen.items()} == images["boxes"].loc[sorted(seen)].to_dict()
    assert not read_boxes(survey, [])
    photos.rename(tmp_path / "away")
    page = Page(write_page(survey, row).read_text())
    assert "None of them could be read again" in page.text
    assert not page.all("dialog")


def test_photographs_at_an_address(tiny: Path, tmp_path: Path) -> None:
    fs = fsspec.filesystem("memory")
    for path in make_photographs(tmp_path / "photos", 2).iterdir():
        fs.pipe(f"/far/away/{path.name}", path.read_bytes())
    try:
        row = run_survey(settings_for(Path("x"), tiny, tmp_path / "out").model_copy(update={"photos": "memory://far"}))
    finally:
        fs.rm("/far", recursive=True)
    assert row is not None
    _, page = read_page(row)
    assert "memory://far" in page.text
    assert "Photograph away/p000.jpg" in " ".join(image["alt"] or "" for image in page.all("img"))


def test_a_full_disk_leaves_the_page_that_was_there(
    done: tuple[Survey, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    survey, row = done
    before = Path(row["report"]).read_bytes()

    def full(path: Path, content: bytes) -> int:
        path.open("wb").write(content[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match="No space left"):
        write_page(survey, row | {"cracked": 0})
    assert Path(row["report"]).read_bytes() == before
    assert not list((survey.folder / "unfinished").iterdir())
    (survey.folder / "unfinished").rmdir()
