"""The page of a survey: what it says, where it stops, and that nothing in it can act, load or grow without end."""

from __future__ import annotations

import base64
import errno
import io
import json
import re
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from PIL import Image as Pillow

from models.bundle import CARD, read_card
from models.errors import DataError
from pipeline.reporting.pages import csp_hash
from pipeline.storage.records import read_table, write_part
from pipeline.survey.batch import run_survey
from pipeline.survey.layout import surveys_folder
from pipeline.survey.marks import MARK
from pipeline.survey.page.gallery import MASK_BYTES, PHOTOGRAPH_BYTES, make_plates, mask_uri, photograph_uri
from pipeline.survey.page.page import MOST_CRACKED, MOST_FAILURES, PageInput, render_page, sample_failures, write_page
from pipeline.survey.page.spread import MOST_STRETCHES, measure_spread
from pipeline.survey.page.worst import look_again, most_cracked, read_boxes
from pipeline.survey.plan import Survey, read_survey
from tests.pipeline.reporting.report import HOSTILE, Page
from tests.pipeline.survey.bad_files import GOOD
from tests.pipeline.survey.browser import Browser, chromium, find_chromium
from tests.pipeline.survey.conftest import make_bundle, make_photographs
from tests.pipeline.survey.test_kills import settings_for

EVIL = "\" onload=alert(1) x='<script>alert(2)<∕script>\nline.jpg"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture(scope="module")
def done(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Survey, dict[str, Any]]:
    """A survey of photographs with names and content of every kind."""
    folder = tmp_path_factory.mktemp("survey")
    photos = make_photographs(folder / "A7 north", 26)
    for name in (EVIL, "a" * 240 + ".jpg"):
        shutil.copy(photos / "p000.jpg", photos / name)
    for name in ("thin.png", "one_pixel.png", "cmyk.tif"):
        GOOD[name](photos / name)
    shutil.copy(photos / "p000.jpg", bytes(photos) + b"/caf\xe9.jpg")
    (photos / "cut.jpg").write_bytes((photos / "p001.jpg").read_bytes()[:-200])
    (photos / f"bad {EVIL}").write_text("no picture")
    row = run_survey(settings_for(photos, tiny, folder / "out", chunk=8))
    assert row is not None
    return read_survey(surveys_folder(folder / "out") / row["run_id"]), row


def read_page(row: dict[str, Any]) -> tuple[str, Page]:
    page = Path(row["report"]).read_text(encoding="utf-8")
    return page, Page(page)


def assert_harmless(page: Page) -> None:
    assert len(page.all("script")) == 1
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/")), (tag, attributes)
    (policy,) = (meta["content"] for meta in page.all("meta") if meta.get("http-equiv"))
    assert policy is not None
    assert "default-src 'none'" in policy
    assert f"script-src '{csp_hash(page.script)}'" in policy


def test_the_page_of_a_survey(done: tuple[Survey, dict[str, Any]]) -> None:
    survey, row = done
    assert row["report"] == str(survey.out / "reports" / f"{row['run_id']}.html")
    assert read_table("runs", survey.out)["report"].tolist() == [row["report"]]
    assert sorted(path.name for path in survey.folder.iterdir()) == [MARK, "plan.json", "worklist"]
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


def hostile_input(survey: Survey, row: dict[str, Any]) -> PageInput:
    """Every text that a file, a manifest or a bundle could bring, hostile: more than a survey lets through today."""
    evil = f"{HOSTILE}\x00\n\u202egpj.\udce9\ud800 s3://key:secret@bucket/{'n' * 5000}"
    image = {"name": evil, "crack_share": 0.5, "crack_px": 5, "boxes": 1, "top_score": 0.5, "chainage_m": 12.0}
    plates = [
        plate.__class__(**{**plate.__dict__, "row": image})
        for plate in make_plates(look_again(survey, most_cracked(survey, 1)), 1)
    ]
    settings = survey.plan.settings.model_copy(update={"photos": evil, "root": evil, "address": evil})
    return PageInput(
        row=row | {"dataset": evil, "source": evil, "device": evil, "commit": evil, "failures": 2},
        plan=survey.plan.model_copy(update={"settings": settings, "root": evil, "passed_over": {evil: 3}}),
        card=read_card(survey.plan.settings.bundle).model_copy(update={"name": evil, "training_data_licence": evil}),
        tables=Path(f"/out/{evil.split(' s3')[0]}/{'n' * 5000}"),
        plates=plates,
        cracked=[image],
        kinds=Counter({f"{HOSTILE}\ud800": 2}),
        failures=[{"path": evil, "name": None, "stage": HOSTILE, "kind": HOSTILE, "message": evil}] * 2,
    )


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


def until(browser: Browser, script: str, value: object) -> None:
    for _ in range(200):
        if browser.run(script) == value:
            return
    pytest.fail(f"{script} is {browser.run(script)!r}, not {value!r}")


@pytest.mark.slow
def test_in_a_browser(done: tuple[Survey, dict[str, Any]], tmp_path: Path) -> None:
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium is installed")
    survey, row = done
    hostile = tmp_path / "hostile.html"
    hostile.write_text(render_page(hostile_input(survey, row)))
    report = Path(row["report"])
    layers = "['.stage .boxes', '.stage .cracks'].map(it => document.querySelector(it).checkVisibility())"
    with chromium(program, tmp_path / "profile") as browser:
        for page in (report, hostile):
            for width in (390, 1280):
                browser.open(page, width)
                assert browser.run("document.documentElement.scrollWidth") <= width, (page, width)
                assert browser.run("innerWidth") == width
        browser.open(report, 390)
        browser.run("document.querySelector('.plate button').focus()")
        browser.press("Enter")
        until(browser, "document.querySelector('dialog').open", True)
        caption = "document.querySelector('.caption').textContent.split(' · ')[0]"
        until(browser, caption, "1 of 24")
        for key, told in (("ArrowRight", "2 of 24"), ("ArrowLeft", "1 of 24"), ("ArrowLeft", "24 of 24")):
            browser.press(key)
            until(browser, caption, told)
        until(browser, "document.querySelector('.stage img').complete", True)
        for key, shown in (("b", [True, True]), ("p", [False, False]), ("p", [False, True]), ("c", [False, False])):
            browser.press(key)
            until(browser, layers, shown)
        assert browser.run("document.documentElement.scrollWidth") <= 390
        browser.run("document.querySelector('[aria-label=\"Next photograph\"]').click()")
        until(browser, caption, "1 of 24")
        browser.press("Escape")
        until(browser, "document.querySelector('dialog').open", False)
        until(browser, "document.activeElement.closest('.plate')?.id", "plate-1")
        assert {address.split(":")[0] for address in browser.requests()} <= {"file", "data"}
        assert not browser.complaints()
