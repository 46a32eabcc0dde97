from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.survey.page.page import render_page
from pipeline.survey.plan import Survey
from tests.pipeline.survey.browser import Browser, chromium, find_chromium
from tests.pipeline.survey.page.surveyed import hostile_input


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
