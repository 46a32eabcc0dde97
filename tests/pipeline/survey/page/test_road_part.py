"""What the page shows of the road: map, sections, widths, and the lines of the gallery."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.survey_artifacts import sections_markdown
from pipeline.storage.records import read_table, write_part
from pipeline.survey.layout import surveys_folder
from pipeline.survey.page import map as road_map
from pipeline.survey.page.crack_lines import draw_cracks
from pipeline.survey.page.map import draw_map
from pipeline.survey.page.page import write_page
from pipeline.survey.page.sections_table import worst_sections
from pipeline.survey.page.widths import measure_widths
from pipeline.survey.plan import Survey, read_survey
from tests.pipeline.reporting.report import HOSTILE, Page
from tests.pipeline.survey.conftest import make_bundle, make_photographs
from tests.pipeline.survey.interrupted import settings_for
from tests.pipeline.survey.one_process import run_survey
from tests.pipeline.survey.page.test_page import assert_harmless

Done = tuple[Survey, dict[str, Any]]


def section(number: int, percent: int | None, **more: Any) -> dict[str, Any]:
    line = [20.0, 10.0 + number * 1e-3, 20.0, 10.0 + (number + 1) * 1e-3]
    name = {None: None, 2: "Good", 10: "Fair", 40: "Poor"}[percent]
    known = {"route_id": "A7", "from_m": 100.0 * number, "to_m": 100.0 * number + 100, "photographs": 1, "crack_m": 3.0}
    share = None if percent is None else percent / 100
    return (
        known | {"cracking_share": share, "cracking_percent": percent, "cracking_class": name, "line_deg": line} | more
    )


def crack(name: str, number: int, **more: Any) -> dict[str, Any]:
    measured = {"length_px": 40.0, "length_m": 0.2, "width_mean_px": 2.5, "width_mean_mm": 7.0, "severity_astm": "low"}
    place = {"line_px": [1.0, 1.0, 40.0, 40.0], "line_deg": [20.0, 10.0, 20.0, 10.0001], "kind": "diagonal"}
    return {"name": name, "crack_id": number} | measured | place | more


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A survey of photographs of which nothing is known."""
    folder = tmp_path_factory.mktemp("road")
    row = run_survey(settings_for(make_photographs(folder / "p", 4), make_bundle(folder / "tiny"), folder / "out"))
    assert row is not None
    return read_survey(surveys_folder(folder / "out") / row["run_id"]), row


@pytest.fixture
def placed(plain: Done) -> Done:
    """The same with positions, five sections and cracks of every severity, some of their words hostile."""
    survey, row = plain
    images = read_table("images", survey.out).drop(columns=["schema_version", "run_id"], errors="ignore")
    images["latitude_deg"], images["longitude_deg"] = [10 + 1e-3 * n for n in range(len(images))], 20.0
    write_part("images", row["run_id"], images, survey.out)
    worst = section(4, 40, route_id=HOSTILE, flags=HOSTILE)
    parts = [section(0, 2), section(1, 10), section(2, None), section(3, 2), worst]
    write_part("sections", row["run_id"], parts, survey.out)
    name = images["name"].iloc[0]
    area = {"kind": "pattern", "line_px": None, "outline_px": [2.0, 2, 30, 2, 30, 30, 2, 30], "area_m2": 3.4}
    cracks = [
        crack(name, 0),
        crack(name, 1, severity_astm="high", width_mean_mm=80.0),
        crack(name, 2, severity_astm=HOSTILE, kind=HOSTILE),
        crack(name, 3, **area, length_m=None, width_mean_px=None, width_mean_mm=None),
    ]
    write_part("cracks", row["run_id"], cracks, survey.out)
    return survey, row


def test_sections_that_leave_out_photographs_of_earlier_runs_say_so(placed: Done) -> None:
    survey, row = placed
    told = "over the photographs of this run alone: 12 of earlier runs are not in them"
    assert told not in write_page(survey, row).read_text()
    later = replace(survey, plan=survey.plan.model_copy(update={"known": 12}))
    assert told in write_page(later, row).read_text()


def test_a_map_of_track_sections_and_cracks(placed: Done) -> None:
    survey, row = placed
    page = Page(write_page(survey, row).read_text())
    assert_harmless(page)
    classes = [path.get("class") for path in page.all("path")]
    for wanted in ("track", "section good", "section fair", "section poor", "section none", "crack low", "crack high"):
        assert wanted in classes, wanted
    links = [link["href"] for link in page.all("a") if str(link["href"]).startswith("#plate-")]
    plates = {f"#{item['id']}" for item in page.all("li")}
    assert set(links) == plates
    assert len([circle for circle in page.all("circle") if circle.get("r") == "9"]) == len(plates) + 1  # legend
    assert "100 m · north is up" in page.text
    assert "A7, 100–200 m" in page.text


def test_north_is_up_and_metres_are_metres(placed: Done) -> None:
    survey, _ = placed
    drawn = draw_map(survey, worst_sections(survey, 9), {"p000.jpg": 1})
    assert drawn is not None
    assert drawn.dots[0].y < drawn.dots[-1].y or drawn.dots[-1].plate == 1
    first, last = (next(dot for dot in drawn.dots if dot.name == name) for name in ("p000.jpg", "p003.jpg"))
    assert first.y > last.y
    bar = 1000 * drawn.bar_share
    assert (first.y - last.y) / bar * float(drawn.bar.split()[0]) == pytest.approx(3e-3 * 111_195, rel=0.01)


def test_the_parts_of_an_area_are_not_joined_on_the_map(placed: Done) -> None:
    survey, row = placed
    arms = [[20.0 + aside, 10.0, 20.0001 + aside, 10.0, 20.0, 10.0001, 20.0 + aside, 10.0] for aside in (0.0, 5e-4)]
    area = crack("p000.jpg", 0, kind="pattern", line_deg=arms[0] + arms[1])
    write_part("cracks", row["run_id"], [area], survey.out)
    drawn = draw_map(survey, worst_sections(survey, 9), {})
    assert drawn is not None
    (path,) = drawn.cracks.values()
    assert path.count("M") == 2


def test_much_is_thinned_and_says_so(placed: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    survey, _ = placed
    for limit in ("MOST_DOTS", "MOST_CRACKS", "MOST_SECTIONS"):
        monkeypatch.setattr(road_map, limit, 2)
    drawn = draw_map(survey, worst_sections(survey, 2), {})
    assert drawn is not None
    assert (len(drawn.dots), len(drawn.sections)) == (2, 2)
    assert [words.split(",")[0] for words in drawn.thinned] == [
        "2 of 4 photographs",
        "2 of 4 cracks",
        "2 of 5 sections",
    ]


def test_sections_worst_first(placed: Done) -> None:
    found = worst_sections(placed[0], 3)
    assert found.count == 5
    assert [row["cracking_percent"] for row in found.worst] == [40, 10, 2]
    told = sections_markdown(placed[0])
    assert "5 in all" in told
    assert "<img" not in told
    assert told.index("40 %") < told.index("10 %")


def test_the_heading_of_flags_stands_over_them(placed: Done) -> None:
    survey, row = placed
    written = write_page(survey, row).read_text()
    assert [cell for cell in Page(written).all("th") if cell.get("class") == "wide"] == [
        {"scope": "col", "class": "wide"}
    ]
    assert ".rows .wide, .rows tbody th { white-space: normal; text-align: left; }" in written


def test_widths_by_length(placed: Done) -> None:
    px, mm = measure_widths(placed[0])
    assert (px.unit, px.cracks, dict(px.classes)["2 to 3 px"]) == ("px", 3, 120)
    assert dict(mm.classes)["6 to 8 mm"] == pytest.approx(0.4)
    assert mm.classes[-1] == ("75 mm and more", pytest.approx(0.2))
    assert [px.once, mm.once] == [False, False]


def test_widths_count_what_photographs_share_once(placed: Done) -> None:
    survey, row = placed
    cracks = [crack("p000.jpg", 0, counted_m=0.15), crack("p001.jpg", 0, counted_m=0.05), crack("p002.jpg", 0)]
    write_part("cracks", row["run_id"], [*cracks, crack("p003.jpg", 0, counted_m=0.0)], survey.out)
    px, mm = measure_widths(survey)
    assert (px.cracks, px.once, dict(px.classes)["2 to 3 px"]) == (4, False, 160)
    assert (mm.cracks, mm.once, dict(mm.classes)["6 to 8 mm"]) == (3, True, pytest.approx(0.4))
    page = Page(write_page(survey, row).read_text())
    assert "mm: 3 cracks, each stretch in one photograph" in page.text
    assert "px: 4 cracks as each photograph shows them" in page.text


def test_the_gallery_draws_lines_and_areas_and_hides_boxes(placed: Done) -> None:
    survey, row = placed
    text = write_page(survey, row).read_text()
    page = Page(text)
    assert [path["class"] for path in page.all("path") if path.get("class") == "area"] == ["area"]
    assert "3 cracks, 0.6 m long; pattern cracking 3.4 m²" in page.text
    (switch,) = page.all("input")
    assert "checked" not in switch
    assert 'class="stage no-boxes"' in text


def test_without_positions_and_cracks_one_line_says_why(plain: Done, tmp_path: Path) -> None:
    survey, row = plain
    for table in ("sections", "cracks"):
        write_part(table, row["run_id"], [], survey.out)
    images = read_table("images", survey.out).drop(columns=["schema_version", "run_id"], errors="ignore")
    write_part("images", row["run_id"], images.assign(latitude_deg=None), survey.out)
    text = write_page(survey, row).read_text()
    assert 'class="map"' not in text
    assert "No map, for no photograph has a position; no sections, for those take" in text
    assert sections_markdown(survey) == ""


def test_sizes_without_a_scale_are_pixels() -> None:
    bare = dict.fromkeys(("length_m", "area_m2", "severity_astm", "outline_px", "line_px", "kind"))
    drawn = draw_cracks([bare | {"length_px": 12.0, "area_px": 9.0, "line_px": [0.0, 0.0, 12.0, 0.0]}], 100, 100)
    assert drawn.told == "1 crack, 12 px long"
    assert re.fullmatch(r"[MLh0-9. ]+", drawn.lines["other"])
    assert draw_cracks([], 100, 100).told == ""
