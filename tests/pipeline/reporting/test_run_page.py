"""The page of a run: what it says, what it leaves out, and that nothing in it can act or load."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PillowImage

from models.errors import DataError
from pipeline.datasets.base import Sample
from pipeline.reporting.curves import Curve
from pipeline.reporting.review import MOST_CUTS, Review
from pipeline.reporting.run_page import (
    ReportInput,
    compare_with_paper,
    picture_uri,
    rank_worst_first,
    render_report,
    write_report,
)
from pipeline.storage.records import PAPER, paper_on, read_table, write_part
from tests.pipeline.reporting.report import HOSTILE, Page, images, row, sample, whole_report


def test_page_shows_figures_beside_the_papers_with_marks() -> None:
    page = Page(render_report(whole_report()))
    for shown in ("CrackForest, paper split", "20260130T101512-3fa2c1", "two cores", "99.51 %", "98.92 %", "72.12 %"):
        assert shown in page.text
    assert "▲ better" in page.text
    assert "▼ worse" in page.text
    assert "= equal" in page.text
    assert "Better than the paper in precision only" in page.text
    assert "3.0 × as fast as the U-Net on the full frame, at −0.6 points of F1" in page.text
    assert "the paper’s figure lies within it" in page.text
    assert "the paper’s figure lies outside it" in page.text


@pytest.mark.parametrize(
    ("ours", "low", "high", "mark", "certain"),
    [
        (0.03, 0.02, 0.04, "worse", True),
        (0.01, 0.0, 0.04, "better", False),
        (0.012204, 0.0, 0.04, "equal", False),
        (0.01, None, None, "better", False),
        (float("nan"), None, None, "unknown", False),
        (None, None, None, "unknown", False),
    ],
)
def test_lower_error_is_better(ours: Any, low: Any, high: Any, mark: str, certain: bool) -> None:
    run = {"segmentation_error": ours, "segmentation_error_low": low, "segmentation_error_high": high}
    held = compare_with_paper(ReportInput(run, PAPER, pd.DataFrame()), "Error", "segmentation_error", -1)
    assert (held.mark, held.certain) == (mark, certain)
    assert all(0 <= place <= 100 for place in held.at.values())


def test_verdict_on_all_three_and_on_none() -> None:
    best = row(segmentation_error=0.001, data_reduction=0.9)
    assert "Better than the paper in all three figures" in render_report(ReportInput(best, PAPER, images()))
    worst = row(precision=0.5, data_reduction=0.1)
    assert "Not better than the paper in any figure" in render_report(ReportInput(worst, PAPER, images()))


def test_figures_of_other_data_than_the_papers_stand_alone() -> None:
    page = Page(render_report(ReportInput(row(dataset="sample"), paper_on("sample"), images())))
    assert "Generated sample" in page.text
    assert "99.5 % of the boxes hold a crack" in page.text
    assert "of the crack lies in no box" in page.text
    assert "aper’s" not in page.text
    assert "Carr" not in page.text
    assert "not measured" not in page.text


def test_data_sets_of_a_pool_stand_each_by_itself() -> None:
    figures = {"images": 3, "precision": [0.9, 0.7, float("nan")], "segmentation_error": [0.02, 0.2, float("nan")]}
    sets = pd.DataFrame({"set": ["close", "far", HOSTILE], "boxes_per_image": [5.25, 20.0, 0.0]} | figures)
    page = Page(render_report(replace(whole_report(), sets=sets)))
    assert "Each data set by itself" in page.text
    assert "far 3 20.0 70.0 % 20.0 %" in page.text
    assert "Mean of sets 8.42 80.0 % 11.0 %" in page.text
    assert "Each data set" not in Page(render_report(whole_report())).text


@pytest.mark.parametrize(("known", "told"), [(3, True), (0, False), (None, False)])
def test_pictures_that_were_learnt_from_before_are_told(known: int | None, told: bool) -> None:
    page = render_report(ReportInput(row(learnt_images=known), PAPER, images()))
    assert ("These figures flatter:</span> 3 of the" in page) == told


@pytest.mark.parametrize("ours", [0.9, 0.90004, 0.89996])
def test_next_to_no_difference_has_no_sign(ours: float) -> None:
    page = Page(render_report(replace(whole_report(), run=row(f1_2px=ours, full_frame_f1_2px=0.9))))
    assert "on the full frame, at the same F1" in page.text
    assert "0.0 0.0" not in page.text
    assert not re.search(r"[+−-]0\.0(?!\d)", page.text)


def test_slower_cascade_is_called_slower() -> None:
    slow = row(cascade_ms=240.0)
    assert "The cascade is 2.0 × as slow as" in render_report(ReportInput(slow, PAPER, images()))


@pytest.mark.parametrize(
    "run", [{}, {"run_id": "a", "precision": None, "cascade_ms": float("inf"), "started_at": pd.NaT}]
)
def test_missing_values_read_as_a_dash(run: dict[str, Any]) -> None:
    frame = pd.DataFrame({"name": ["1"], "boxes": pd.array([None], dtype="Int64"), "f1_2px": [np.nan]})
    for shown in (frame, pd.DataFrame(), frame.iloc[:0]):
        page = Page(render_report(ReportInput(run, PAPER, shown)))
        assert "Nothing was measured" in page.text
        assert not re.search(r"\b(nan|None|NaT|inf|<NA>)\b", page.text)
        assert "–" in page.text
        values = [cell["data-value"] for cell in page.all("td") if "data-value" in cell]
        assert set(values) <= {"", "0.0"}


def test_rows_of_the_record_are_taken_as_they_are(tmp_path: Path) -> None:
    write_part("runs", "r1", [{"started_at": "2026-01-30T10:15:12+00:00", "kind": "experiment", "images": 2}], tmp_path)
    write_part("images", "r1", images("a", "b"), tmp_path)
    (run,) = read_table("runs", tmp_path).to_dict("records")
    page = Page(render_report(ReportInput(run, PAPER, read_table("images", tmp_path))))
    assert "2026-01-30 10:15 UTC" in page.text
    assert "90.0 %" in page.text


def test_names_are_escaped_everywhere() -> None:
    hostile = whole_report(HOSTILE)
    run = dict.fromkeys(
        ("run_id", "kind", "preset", "dataset", "split", "device", "commit", "versions", "bundle"), HOSTILE
    )
    page = render_report(
        ReportInput(
            run,
            PAPER,
            hostile.images,
            hostile.figures,
            {HOSTILE: Curve(HOSTILE, b"<svg></svg>", b"<svg></svg>")},
            hostile.review,
        )
    )
    parsed = Page(page)
    assert HOSTILE in " ".join(parsed.words)
    assert all((image["src"] or "").startswith("data:image/") for image in parsed.all("img"))
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    assert len(parsed.all("script")) == 1


def test_page_loads_nothing_and_lets_only_its_own_script_run() -> None:
    page = render_report(whole_report())
    parsed = Page(page)
    for _, attributes in parsed.tags:
        for name in ("src", "href", "xlink:href", "srcset", "data"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/"))
    style = "".join(re.findall(r"<style>(.*?)</style>", page, re.DOTALL))
    assert "@import" not in style
    assert "url(" not in style
    policy = next(meta["content"] or "" for meta in parsed.all("meta") if meta.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    digest = base64.b64encode(hashlib.sha256(parsed.script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy


def test_every_picture_has_words_a_size_and_its_place() -> None:
    page = Page(render_report(whole_report()))
    pictures = page.all("img")
    assert len(pictures) == 6 + 2 + 2  # of Figure 2, of mistakes, curves
    assert all(picture["alt"] and picture["width"] and picture["height"] for picture in pictures)
    assert "001, (e) outcome" in {picture["alt"] for picture in pictures}
    assert "1 of 2 test pictures are shown" in page.text
    assert {"id": "picture-1", "class": "plate"}.items() <= page.all("article")[-1].items()
    assert "#picture-1" in {link.get("href") for link in page.all("a")}


def test_the_worst_mistakes_come_first_and_their_number_is_told() -> None:
    review, bare = Review(), sample("s0")
    for length in range(1, MOST_CUTS + 4):
        mask = np.zeros_like(bare.mask)
        mask[10, :length] = True
        review.add(Sample(f"s{length}", f"s{length}", bare.image, mask), np.zeros((0, 4)), np.zeros(0))
    page = Page(render_report(ReportInput(row(), PAPER, images(), review=review)))
    assert f"Missed stretches of crack: {MOST_CUTS + 3}" in page.text
    assert "Boxes without crack: none" in page.text
    assert [picture["alt"].split(",")[0] for picture in page.all("img") if picture["alt"]] == [
        f"s{n}" for n in range(MOST_CUTS + 3, 3, -1)
    ]
    assert "Review canvas" not in Page(render_report(ReportInput(row(), PAPER, images()))).text


def test_worst_pictures_come_first() -> None:
    frame = images("fine", "missed", "false", "weak").assign(
        missed_px=[0, 60, 0, 0], fp=[0, 0, 1, 0], f1_2px=[0.9, 0.9, 0.9, 0.2]
    )
    ranked = rank_worst_first(frame)
    assert ranked["name"].tolist() == ["missed", "false", "weak", "fine"]
    assert ranked["error"].tolist() == [0.6, 0, 0, 0]
    assert ranked["reduction"].tolist() == [0.9] * 4


def test_reduction_of_a_picture_is_of_the_pixels_that_are_judged() -> None:
    frame = images("half").assign(union_px=5, frame_px=50)
    assert rank_worst_first(frame)["reduction"].tolist() == [0.9]


def test_pictures_are_png_where_colours_are_few_and_jpeg_else() -> None:
    mask = np.zeros((40, 60, 3), np.uint8)
    mask[3, 5] = (84, 162, 255)
    kind, data = picture_uri(mask).split(";base64,")
    assert kind == "data:image/png"
    assert (np.array(PillowImage.open(io.BytesIO(base64.b64decode(data))).convert("RGB")) == mask).all()
    photograph = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    assert picture_uri(photograph).startswith("data:image/jpeg;")


def test_page_is_written_whole(tmp_path: Path) -> None:
    path = write_report(tmp_path / "runs" / "r1" / "report.html", whole_report())
    assert path.read_text(encoding="utf-8") == render_report(whole_report())
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(DataError, match=r"report\.html"):
        write_report(tmp_path / "report.html", whole_report())
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_the_page_tells_which_heads_were_calibrated() -> None:
    told = {"coarse_temperature": 1.52, "val_coarse_ece_before": 0.0321, "val_coarse_ece_after": 0.0107}
    told |= {"score_temperature": 1.0, "val_score_ece_before": None, "val_score_ece_after": float("nan")}
    text = Page(render_report(ReportInput(row(**told), PAPER, images("a")))).text
    assert "Coarse mask temperature 1.52, error 3.21 % → 1.07 %" in text
    assert "Scores of detections temperature 1, error – → –" in text
    assert "Pixels of stage 2 temperature" not in text
    assert "All heads not calibrated" in Page(render_report(ReportInput(row(), PAPER, images("a")))).text
