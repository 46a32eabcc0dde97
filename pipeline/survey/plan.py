"""A survey's plan: made once, under a lock, stored with the work list; a survey that was stopped goes on with it."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, ValidationError

from models.bundle import CARD, read_card
from models.errors import BundleError, DataError, UsageError
from pipeline.placing.camera_file import Camera
from pipeline.settings import Settings
from pipeline.storage.atomic import write_whole
from pipeline.storage.records import new_run_id
from pipeline.survey.listing.addresses import is_address
from pipeline.survey.listing.photographs import Photograph
from pipeline.survey.listing.recorded import read_recorded
from pipeline.survey.listing.sources import Source, open_source
from pipeline.survey.listing.stores import LocalStore, RemoteStore, open_store
from pipeline.survey.listing.worklist import Part, check_work_list, count_chunks, fingerprint, write_work_list
from pipeline.survey.marks import is_run_id, marked_run, put_mark, remove_marked
from pipeline.survey.road_check import absolute_paths, read_road
from pipeline.survey.settings import SurveySettings

PLAN = "plan.json"
STATE = ".crack-survey"
BEFORE_MARKS = "survey"
"""Folder of an output that held the surveys of earlier versions. It may as well be one of photographs."""

TABLES = ("detections", "failures", "images")
ROAD_TABLES = ("cracks", "sections")
LEFT_BEHIND = ("chunks", "unfinished", "publish", "road")
RESUME = "Give the same settings to go on, or --abandon to drop what is unfinished and begin anew."


class Plan(Settings):
    """``plan.json``. It is written last: a folder without one never began."""

    run_id: str
    started_at: AwareDatetime
    settings: SurveySettings
    root: str
    bundle_sha256: str
    parts: tuple[Part, ...]
    fingerprint: str
    known: int
    passed_over: dict[str, int]
    camera: Camera | None = None


@dataclass(frozen=True)
class Survey:
    """A survey that has been planned.

    Attributes:
        out: folder that holds ``records/``, ``masks/`` and the surveys' own folders.
        resumed: it had been begun before.
    """

    out: Path
    plan: Plan
    resumed: bool = False

    @property
    def folder(self) -> Path:
        """Folder of the plan, the work list and the chunks done."""
        return surveys_folder(self.out) / self.plan.run_id

    @property
    def photographs(self) -> int:
        """How many are on the work list."""
        return sum(part.photographs for part in self.plan.parts)

    @property
    def chunks(self) -> int:
        """How many chunks the work list has."""
        return count_chunks(self.plan.parts, self.plan.settings.chunk)

    @property
    def work_list(self) -> Path:
        """Folder of `pipeline.survey.listing.worklist`."""
        return self.folder / "worklist"

    @property
    def store(self) -> LocalStore | RemoteStore:
        """Where the photographs lie."""
        return open_store(self.plan.root, self.plan.settings.allow_outside)

    def chunk_path(self, number: int) -> Path:
        """The one file that a finished chunk is."""
        return self.folder / "chunks" / f"chunk-{number:07d}.parquet"

    def pending(self) -> Iterator[int]:
        """Chunks that are not done, as of now."""
        done = {path.name for path in (self.folder / "chunks").glob("chunk-*.parquet")}
        return (number for number in range(self.chunks) if self.chunk_path(number).name not in done)


def surveys_folder(out: Path) -> Path:
    """Folder of the lock, and of a folder a survey: all that surveys need to get on."""
    return out / STATE


def table_folder(home: Path, table: str, run_id: str) -> Path:
    """Where below `home` the parts of a table lie."""
    return home / "records" / table / f"run_id={run_id}"


def begin(settings: SurveySettings, abandon: bool = False) -> Survey | None:
    """Go on with the unfinished survey of this output, or list the photographs of a new one. Needs the lock.

    Args:
        settings: as the user gave them.
        abandon: drop an unfinished survey instead of going on with it.

    Returns:
        The survey; None where the record knows every photograph as it is.

    Raises:
        UsageError: an unfinished survey was begun with other settings.
        BundleError: no bundle.
        DataError: no photographs, a damaged plan, or an earlier version's survey that is not finished.
    """
    given = settings.model_copy(update=_absolute(settings))
    check_output(given.target)
    digest = bundle_digest(given.bundle)
    unfinished = find_unfinished(given.target)
    if unfinished is not None and abandon:
        drop(given.target, unfinished.plan.run_id)
    elif unfinished is not None:
        unfinished.plan.settings.check_same(given, RESUME)
        if unfinished.plan.bundle_sha256 != digest:
            raise UsageError(f"An unfinished survey was begun with another bundle than {given.bundle}.", RESUME)
        check_work_list(unfinished.work_list, unfinished.plan.parts)
        # How the work is done may change, what is done may not.
        kept = unfinished.plan.settings
        now = given.model_copy(update={name: getattr(kept, name) for name in ("chunk", "incremental")})
        return Survey(given.target, _store(unfinished, now), resumed=True)
    return _plan(given, digest)


def find_unfinished(out: Path) -> Survey | None:
    """The survey of this output that has a plan but no row in the record; listings that were cut off are removed."""
    found: list[Survey] = []
    for folder in sorted(path for path in surveys_folder(out).glob("*") if path.is_dir()):
        if not is_run_id(folder.name) or marked_run(folder) != folder.name:
            continue
        if not (folder / PLAN).is_file():
            drop(out, folder.name)
            continue
        survey = read_survey(folder)
        if not row_path(out, folder.name).is_file():
            found.append(survey)
        else:
            sweep(folder)
    return found[-1] if found else None


def check_output(out: Path) -> None:
    """Refuse an output that cannot hold what a survey makes, or in which an earlier version has one unfinished.

    Raises:
        DataError: naming what stands in the way.
    """
    for name in ("records", "reports", "masks", "overlays"):
        if (out / name).exists() and not (out / name).is_dir():
            raise DataError(f"{out / name} is a file where a survey makes a folder.", "Give another --out.")
    for plan in sorted((out / BEFORE_MARKS).glob(f"*/{PLAN}")):
        run = plan.parent.name
        if is_run_id(run) and not row_path(out, run).is_file():
            raise DataError(
                f"An earlier version of crack-survey began a survey in {plan.parent} and did not finish it.",
                f"Finish it with that version, or move {plan.parent} away: the survey then begins anew.",
            )


def read_survey(folder: Path) -> Survey:
    """The survey whose folder this is.

    Raises:
        DataError: its plan cannot be read.
    """
    try:
        return Survey(folder.parent.parent, Plan.model_validate_json((folder / PLAN).read_bytes()))
    except (OSError, ValidationError) as error:
        raise DataError(
            f"{folder / PLAN} cannot be read: {error}", f"Remove {folder}; what is recorded is not touched."
        ) from error


def row_path(out: Path, run_id: str) -> Path:
    """File of a survey's row in ``runs``, the last that is written."""
    return table_folder(out, "runs", run_id) / "part-00000.parquet"


def sweep(folder: Path) -> None:
    """Remove what a recorded survey needed to get there; plan and work list stay."""
    for name in LEFT_BEHIND:
        shutil.rmtree(folder / name, ignore_errors=True)


def drop(out: Path, run_id: str) -> None:
    """Remove an unfinished survey and everything it left, as far as it is marked.

    Its plan goes first, so that it never goes on with masks gone; its own folder last, so that a kill is made up for.
    """
    own = surveys_folder(out) / run_id
    if marked_run(own) == run_id:
        (own / PLAN).unlink(missing_ok=True)
    made = [table_folder(out, table, run_id) for table in (*TABLES, *ROAD_TABLES)]
    made += [out / kind / run_id for kind in ("masks", "overlays", "geo")]
    for folder in [*made, own]:
        remove_marked(folder, run_id)


def bundle_digest(bundle: Path) -> str:
    """SHA-256 of a bundle's card, which holds those of its weights.

    Raises:
        BundleError: there is no bundle.
    """
    read_card(bundle)
    try:
        return hashlib.sha256((bundle / CARD).read_bytes()).hexdigest()
    except OSError as error:
        raise BundleError(f"{bundle} cannot be read: {error}", "Check its rights.") from error


def most_bytes(max_pixels: int) -> int:
    """Largest file that is read: so many pixels uncompressed, 16 bits and four channels each, and 64 MiB beside."""
    return 8 * max_pixels + 2**26


def _plan(settings: SurveySettings, digest: str) -> Survey | None:
    camera = read_road(settings.road)
    source = open_source(settings)
    run_id = _unused_run_id(settings.target)
    folder = surveys_folder(settings.target) / run_id
    put_mark(folder, run_id)
    counts: Counter[str] = Counter()
    parts = write_work_list(_new(source, settings, digest, counts), settings.chunk, folder / "worklist")
    if not parts:
        drop(settings.target, run_id)
    if not counts:
        passed = ", ".join(f"{count} {what}" for what, count in source.passed_over.items()) or "nothing"
        raise DataError(f"{settings.photos} holds no photograph; passed over: {passed}.", "Check the path.")
    if not parts:
        return None
    plan = Plan(
        run_id=run_id,
        started_at=datetime.now(UTC),
        settings=settings,
        root=source.root,
        bundle_sha256=digest,
        parts=parts,
        fingerprint=fingerprint(parts),
        known=counts["known"],
        passed_over=dict(source.passed_over),
        camera=camera,
    )
    survey = Survey(settings.target, plan)
    for kind in (*(["masks"] if settings.masks != "none" else []), *(["overlays"] if settings.overlays else [])):
        put_mark(settings.target / kind / run_id, run_id)
    _store(survey, settings)
    return survey


def _unused_run_id(out: Path) -> str:
    """A run's id after which nothing is called yet: nothing of the user's is written over."""
    while True:
        run = new_run_id()
        taken = [surveys_folder(out) / run, *(out / kind / run for kind in ("masks", "overlays"))]
        if not any(path.exists() for path in [*taken, *(table_folder(out, table, run) for table in TABLES)]):
            return run


def _new(source: Source, settings: SurveySettings, digest: str, counts: Counter[str]) -> Iterator[Photograph]:
    recorded = read_recorded(settings, digest) if settings.incremental else None
    for photograph in source.photographs():
        known = recorded is not None and recorded.holds(photograph, source.store, most_bytes(settings.max_pixels))
        counts["known" if known else "new"] += 1
        if not known:
            yield photograph


def _store(survey: Survey, settings: SurveySettings) -> Plan:
    plan = survey.plan.model_copy(update={"settings": settings})
    write_whole(survey.folder / PLAN, lambda path: path.write_text(plan.model_dump_json(indent=2) + "\n"))
    return plan


def _absolute(settings: SurveySettings) -> dict[str, object]:
    def absolute(place: str) -> str:
        # Not resolved: a link that the user names may be moved on from night to night.
        return place if is_address(place) else str(Path(place).absolute())

    return {
        "photos": absolute(settings.photos),
        "root": None if settings.root is None else absolute(settings.root),
        "bundle": settings.bundle.absolute(),
        "road": settings.road.model_copy(update=absolute_paths(settings.road)),
        "out": settings.target,
    }
