"""The page of a survey: what it says, where it stops, and that nothing in it can act, load or grow without end."""

from __future__ import annotations

import base64
import io
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from pipeline.storage.records import read_table, write_part
from pipeline.survey.layout import surveys_folder
from pipeline.survey.marks import MARK
from pipeline.survey.page.gallery import MASK_BYTES, PHOTOGRAPH_BYTES, mask_uri, photograph_uri
from pipeline.survey.page.page import MOST_CRACKED, MOST_FAILURES, render_page, sample_failures, write_page
from pipeline.survey.page.spread import MOST_STRETCHES, measure_spread
from pipeline.survey.page.worst import most_cracked
from pipeline.survey.plan import Survey, read_survey
from tests.pipeline.reporting.report import Page
from tests.pipeline.survey.conftest import make_photographs
from tests.pipeline.survey.interrupted import settings_for
from tests.pipeline.survey.one_process import run_survey
from tests.pipeline.survey.page.surveyed import EVIL, assert_harmless, hostile_input, read_page


def test_the_page_of_a_survey(done: tuple[Survey, dict[str, Any]]) -> None:
    survey, row = done
    assert row["report"] == str(survey.out / "reports" / f"{row['run_id']}.html")
    assert read_table("runs", survey.out)["report"].tolist() == [row["report"]]
    assert sorted(path.name for path in survey.folder.iterdir()) == [MARK, "bundle.json", "plan.json", "worklist"]
    text, page = read_page(row)
    assert len(text) < 5_000_000
    assert_harmless(page)
    assert row["cracked"] > 24
    assert row["failures"] == 3
    for words in (
        *("A7-north", row["run_id"], str(survey.plan.settings.photos), f"{row['started_at']:%Y-%m-%d}"),
        *(f"{row['cracked']} of {row['images']} photographs show crack", "3 photographs could not be looked at"),
        *("Data reduction", "Most memory", "licence", "generated", "0.325", "resnet18", survey.plan.bundle_sha256),
        *(
            "24 of",
            "truncated",
            "not a picture",
            "name not UTF-8",
            r"caf\xe9.jpg",
            "Copy it again",
            "Detect",
            "Slowest",
        ),
    ):
        assert words.casefold() in page.text.casefold(), words
    assert "Road: gsd mm per px" in page.text
    assert "{'" not in page.text, "settings within a group are rows of their own"
    images = page.all("img")
    told = [image["alt"] or "" for image in images if image.get("class") != "cracks"]
    assert len(told) == 24
    assert all(re.match(r"Photograph .*of its pixels are crack, in \d+ box", words) for words in told)
    assert len(page.all("button")) == 24 + 6


def test_hostile_names_are_text(done: tuple[Survey, dict[str, Any]]) -> None:
    text, page = read_page(done[1])
    assert EVIL.replace("\n", r"\n") in page.text
    assert f"bad {EVIL}".replace("\n", r"\n") in page.text
    assert "<script>alert" not in text
    assert_harmless(page)


def test_no_text_from_outside_acts(done: tuple[Survey, dict[str, Any]]) -> None:
    text = render_page(hostile_input(*done))
    page = Page(text)
    text.encode("utf-8")
    assert_harmless(page)
    assert len(page.all("img")) == 2
    assert "onerror=alert(1)>" in page.text
    assert r"\x00\n\u202egpj.\udce9\ud800" in page.text
    assert "secret" not in text
    assert "n" * 500 not in text
    assert not re.search("[\x00-\x08\x0e-\x1f\u202a-\u202e]", text)


@pytest.mark.parametrize("commercial", [False, True])
def test_a_licence_that_forbids_nothing_warns_of_nothing(done: tuple[Survey, dict[str, Any]], commercial: bool) -> None:
    given = hostile_input(*done)
    card = given.card.model_copy(update={"training_data_licence": "CC BY 4.0", "commercial": commercial})
    text = render_page(replace(given, card=card))
    assert "CC BY 4.0" in text
    assert ("may limit what these results" in text) != commercial


@pytest.fixture
def large(tiny: Path, tmp_path: Path) -> tuple[Survey, dict[str, Any]]:
    """The tables of a survey of 21,000 photographs: 1,000 done, all with crack, and 20,000 failures of three kinds."""
    photos = make_photographs(tmp_path / "photos", 2)
    row = run_survey(settings_for(photos, tiny, tmp_path / "out"))
    assert row is not None
    survey = read_survey(surveys_folder(tmp_path / "out") / row["run_id"])
    first = read_table("images", survey.out).iloc[0].drop("schema_version")
    rows = [
        first.to_dict() | {"name": f"{n}.jpg", "crack_share": n / 10_000, "crack_px": n, "total_ms": 10.0 + n}
        for n in range(1, 1001)
    ]
    write_part("images", row["run_id"], rows[:600], survey.out, 0)
    write_part("images", row["run_id"], rows[600:], survey.out, 1)
    kinds = ["truncated"] * 19_900 + ["empty"] * 95 + ["damaged"] * 5
    failures = [
        {"path": f"/a/{n}.jpg", "name": f"{n}.jpg", "stage": "read", "kind": kind, "message": "m " * 4000 * (n < 400)}
        | {"at": datetime.now(UTC)}
        for n, kind in enumerate(kinds)
    ]
    write_part("failures", row["run_id"], failures, survey.out)
    return survey, row | {"photographs": 21_000, "images": 1000, "cracked": 1000, "failures": 20_000}


def test_lists_are_cut_and_say_so(large: tuple[Survey, dict[str, Any]]) -> None:
    survey, row = large
    path = write_page(survey, row)
    assert path.stat().st_size < 1_000_000
    page = Page(path.read_text())
    assert f"The {MOST_CRACKED} most cracked; 800 more are in the table images" in page.text
    shown = Counter(failure["kind"] for failure in sample_failures(survey))
    assert MOST_FAILURES - 2 <= sum(shown.values()) <= MOST_FAILURES
    assert (shown["damaged"], shown["empty"]) == (5, 95)
    assert f"{sum(shown.values())} are shown, some of each kind" in page.text
    assert "truncated 19 900" in page.text
    assert [r["name"] for r in most_cracked(survey, 3)] == ["1000.jpg", "999.jpg", "998.jpg"]


def test_the_spread_of_a_large_survey(large: tuple[Survey, dict[str, Any]]) -> None:
    survey, row = large
    spread = measure_spread(survey, row["images"])
    assert len(spread.stretches) == MOST_STRETCHES
    assert sum(stretch.photographs for stretch in spread.stretches) == sum(spread.classes) == 1000
    assert (spread.stretches[0].first, spread.stretches[-1].last) == ("1.jpg", "1000.jpg")
    assert spread.stretches[-1].most == pytest.approx(0.1)
    assert all(one.last != two.first for one, two in zip(spread.stretches, spread.stretches[1:], strict=False))
    assert spread.classes[:3] == [0, 5, 5]  # none without crack; shares up to 0.05 %, then up to 0.1 %
    assert spread.mean_ms["total_ms"] == pytest.approx(510.5)
    assert spread.slowest == ("1000.jpg", 1010.0)


def test_a_picture_that_compresses_badly_stays_small() -> None:
    rng = np.random.default_rng(0)
    photograph = photograph_uri(rng.integers(0, 255, (1600, 2400, 3), dtype=np.uint8))
    assert len(base64.b64decode(photograph.split(",")[1])) <= PHOTOGRAPH_BYTES
    mask = mask_uri(rng.random((1600, 2400)) > 0.9)
    assert len(base64.b64decode(mask.split(",")[1])) <= MASK_BYTES


def test_a_thin_crack_shows_in_a_small_picture() -> None:
    mask = np.zeros((3000, 6000), dtype=bool)
    mask[1500, 100:5900] = True
    with Pillow.open(io.BytesIO(base64.b64decode(mask_uri(mask).split(",")[1]))) as picture:
        assert picture.size == (1280, 640)
        alpha = np.asarray(picture.convert("RGBA"))[..., 3]
    assert (alpha[310:330].max(axis=0)[30:1250] == 255).all()
    assert alpha[:300].max() == 0
