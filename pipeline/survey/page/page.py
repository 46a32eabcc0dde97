"""A survey as one self-contained HTML page: figures, the most cracked photographs, failures, speed, settings.

It is drawn from the published tables, a batch at a time, and from the few photographs that it shows; it loads nothing
when it is read. Names and messages come from files that nobody vetted: `shown` makes each harmless and short.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from models.bundle import BundleCard
from pipeline.reporting.figures import PALETTE
from pipeline.reporting.pages import page_environment
from pipeline.survey.bundle_digest import kept_card
from pipeline.survey.layout import page_file
from pipeline.survey.outputs import place
from pipeline.survey.page.crack_lines import read_cracks
from pipeline.survey.page.gallery import MOST_BOXES, Plate, make_plates
from pipeline.survey.page.map import MOST_SECTIONS, RoadMap, draw_map
from pipeline.survey.page.sections_table import Sections, section_name, worst_sections
from pipeline.survey.page.spread import Spread, class_names, measure_spread
from pipeline.survey.page.unfamiliar import Unfamiliar, find_unfamiliar
from pipeline.survey.page.widths import Widths, measure_widths
from pipeline.survey.page.worst import look_again, most_cracked
from pipeline.survey.plan import Plan, Survey
from pipeline.survey.published import read_batches
from pipeline.survey.road_check import INSTALL_GEO, can_place
from pipeline.survey.summary import count_kinds
from pipeline.survey.unfit import told_of_unfit

MOST_PLATES, SPARE = 24, 12
"""Photographs in the gallery, and how many more are tried where some of them cannot be read any more."""

MOST_CRACKED, MOST_FAILURES, MOST_LETTERS, MOST_LISTED = 200, 300, 400, 100
MOST_UNFAMILIAR = 8

_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufffe\uffff]")
_PASSWORD = re.compile(r"(://[^/@:\s]*):[^/@\s]+@")


@dataclass(frozen=True)
class PageInput:
    """What the page of a survey shows.

    Attributes:
        row: of the table `runs`.
        spread: None where no photograph could be done.
        cracked: rows of ``images``, most crack first, `MOST_CRACKED` at most.
        kinds: failures by kind, all of them.
        failures: rows of ``failures``, `MOST_FAILURES` at most, of `sample_failures`.
        tables: folder of the record.
        map: None where no photograph has a position.
        widths: of the cracks, in px and in mm as far as known.
        unfamiliar: photographs unlike what the bundle has learnt from.
        strange: some of those.
        unfit: what was told of the road and does not fit the photographs, a sentence for each.
    """

    row: Mapping[str, Any]
    plan: Plan
    card: BundleCard
    tables: Path
    spread: Spread | None = None
    plates: Sequence[Plate] = ()
    cracked: Sequence[Mapping[str, Any]] = ()
    kinds: Counter[str] = field(default_factory=Counter)
    failures: Sequence[Mapping[str, Any]] = ()
    map: RoadMap | None = None
    sections: Sections = field(default_factory=lambda: Sections([], 0))
    widths: Sequence[Widths] = ()
    unfamiliar: Unfamiliar = field(default_factory=lambda: Unfamiliar(Counter(), []))
    strange: Sequence[Plate] = ()
    unfit: Sequence[str] = ()

    @property
    def lacks(self) -> str:
        """What cannot be shown of the road, and why; empty when all can."""
        lacking = {
            f"no map and no sections, for packages are missing: {INSTALL_GEO}": not can_place(),
            "no map, for no photograph has a position": can_place() and not self.map,
            "no sections, for those take a chainage or positions": can_place() and not self.sections.count,
            "no widths, for no crack was measured": not self.widths,
        }
        told = "; ".join(words for words, missing in lacking.items() if missing)
        return f"{told[:1].upper()}{told[1:]}." if told else ""


def write_page(survey: Survey, row: Mapping[str, Any]) -> Path:
    """Draw the page of a survey whose tables are published.

    Args:
        row: of `pipeline.survey.summary.summarise`.

    Raises:
        DataError: the disk is full, or a table is damaged.
        BundleError: the bundle is gone.
    """
    cracked = most_cracked(survey, MOST_CRACKED)
    tried = cracked[: MOST_PLATES + SPARE]
    lines = read_cracks(survey, (found["name"] for found in tried))
    plates = list(make_plates(look_again(survey, tried), MOST_PLATES, lines))
    sections = worst_sections(survey, MOST_SECTIONS)
    unfamiliar = find_unfamiliar(survey, MOST_UNFAMILIAR)
    page = PageInput(
        row=row,
        plan=survey.plan,
        card=kept_card(survey.folder, survey.plan.settings.bundle),
        tables=survey.out / "records",
        spread=measure_spread(survey, row["images"]) if row["images"] else None,
        plates=plates,
        cracked=cracked,
        kinds=count_kinds(survey.out, survey.plan.run_id),
        failures=sample_failures(survey),
        map=draw_map(survey, sections, numbers_of(plates)),
        sections=sections,
        widths=measure_widths(survey),
        unfamiliar=unfamiliar,
        strange=list(make_plates(look_again(survey, unfamiliar.rows), MOST_UNFAMILIAR)),
        unfit=told_of_unfit(survey),
    )
    path = page_file(survey.out, survey.plan.run_id)
    place(render_page(page).encode(), path, survey.folder / "unfinished")
    return path


def render_page(page: PageInput) -> str:
    """The page as HTML text."""
    environment = page_environment(Path(__file__).parent)
    environment.finalize = shown
    environment.filters["section_name"] = section_name
    row, plan, card = page.row, page.plan, page.card
    return environment.get_template("survey_template.html").render(
        page=page,
        row=row,
        plan=plan,
        card=card,
        places=numbers_of(page.plates),
        strip=strip_paths(page.spread) if page.spread else None,
        classes=list(zip(class_names(), page.spread.classes, strict=True)) if page.spread else [],
        settings=list(listed(plan.settings.model_dump(mode="json"))),
        palette={key: f"#{bytes(colour).hex()}" for key, colour in PALETTE.items()},
        most_boxes=MOST_BOXES,
        most_sections=MOST_LISTED,
    )


def listed(settings: Mapping[str, Any], group: str = "") -> Iterator[tuple[str, Any]]:
    """Settings one by one, those of a group under its name.

    >>> list(listed({"masks": "all", "road": {"camera": None}}))
    [('masks', 'all'), ('road: camera', None)]
    """
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from listed(value, f"{group}{name}: ")
        else:
            yield f"{group}{name}", value


def numbers_of(plates: Sequence[Plate]) -> dict[str, int]:
    """Numbers in the gallery, from 1, by name of the photograph."""
    return {plate.row["name"]: number for number, plate in enumerate(plates, start=1)}


def sample_failures(survey: Survey) -> list[dict[str, Any]]:
    """Rows of ``failures``, `MOST_FAILURES` at most: of each kind some, most frequent kind first, in their order."""
    kept: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for batch in read_batches(survey, "failures", ["path", "name", "stage", "kind", "message"]):
        for row in batch.to_pylist():
            counts[row["kind"]] += 1
            if len(kept[row["kind"]]) < MOST_FAILURES:
                kept[row["kind"]].append(row)
    share = next(
        n for n in range(MOST_FAILURES, -1, -1) if sum(min(len(rows), n) for rows in kept.values()) <= MOST_FAILURES
    )
    return [row for kind, _ in counts.most_common() for row in kept[kind][:share]]


def strip_paths(spread: Spread) -> dict[str, Any]:
    """Bars of the most and the mean crack of each stretch, as SVG paths in a box one wide a stretch and 100 tall."""
    top = max((stretch.most for stretch in spread.stretches), default=0.0)

    def bars(shares: list[float]) -> Markup:
        drawn = ((number, 100 - 100 * share / top) for number, share in enumerate(shares) if share > 0)
        return Markup("".join(f"M{number}.06 100V{height:.2f}h.88V100z" for number, height in drawn))

    return {
        "top": top,
        "most": bars([stretch.most for stretch in spread.stretches]),
        "mean": bars([stretch.mean for stretch in spread.stretches]),
    }


def shown(value: Any) -> Any:
    r"""A value as the page may show it: nothing invisible, no password of an address, hardly more than `MOST_LETTERS`.

    Control characters, characters that hide text or turn its direction, and those that UTF-8 cannot hold are shown as
    Python's escapes. HTML is escaped after this.

    >>> print(shown("a\nb\x00 gpj.\u202eexe \udce9 ftp://me:secret@host/a"))
    a\nb\x00 gpj.\u202eexe \udce9 ftp://me:…@host/a
    """
    if isinstance(value, Markup | int | float):
        return value
    text = _PASSWORD.sub(r"\1:…@", str(value))
    if len(text) > MOST_LETTERS:
        text = f"{text[: MOST_LETTERS // 2]} … {text[-MOST_LETTERS // 2 :]}"
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)
