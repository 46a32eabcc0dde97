"""A page read back, and one whose every text comes from somebody hostile."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from models.bundle import read_card
from pipeline.reporting.pages import csp_hash
from pipeline.survey.page.gallery import make_plates
from pipeline.survey.page.page import PageInput
from pipeline.survey.page.worst import look_again, most_cracked
from pipeline.survey.plan import Survey
from tests.pipeline.reporting.report import HOSTILE, Page

EVIL = "\" onload=alert(1) x='<script>alert(2)<∕script>\nline.jpg"


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
