"""A survey's plan: made once, under a lock, stored with the work list; a survey that was stopped goes on with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, ValidationError

from models.errors import DataError, UsageError
from models.given import require_utf8
from pipeline.placing.camera_file import Camera
from pipeline.settings import Settings
from pipeline.storage.atomic import write_whole
from pipeline.survey.bundle_digest import bundle_digest, keep_card
from pipeline.survey.layout import PLAN, drop, row_path, surveys_folder, sweep, unused_run_id
from pipeline.survey.listing.addresses import is_address
from pipeline.survey.listing.photographs import Photograph
from pipeline.survey.listing.recorded import read_recorded
from pipeline.survey.listing.remote import RemoteStore
from pipeline.survey.listing.sources import Source, open_source
from pipeline.survey.listing.stores import LocalStore, open_store
from pipeline.survey.listing.worklist import Part, check_work_list, count_chunks, fingerprint, write_work_list
from pipeline.survey.marks import is_run_id, marked_run, put_mark
from pipeline.survey.road_check import absolute_paths, check_same_road, read_road, road_digest
from pipeline.survey.settings import SurveySettings, most_bytes

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
    road_sha256: str = ""


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


def begin(settings: SurveySettings, abandon: bool = False, answering: set[str] | None = None) -> Survey | None:
    """Go on with the unfinished survey of this output, or list the photographs of a new one. Needs the lock.

    Args:
        settings: as the user gave them.
        abandon: drop an unfinished survey instead of going on with it.
        answering: filled with the recorded runs that photographs are known from; stays empty where a survey goes on.

    Returns:
        The survey; None where the record knows every photograph as it is.

    Raises:
        UsageError: an unfinished survey was begun with other settings, another bundle, camera file or track.
        BundleError: no bundle.
        DataError: no photographs, or a damaged plan.
    """
    given = settings.model_copy(update=_absolute(settings))
    require_utf8(str(given.target))
    digest = bundle_digest(given.bundle)
    unfinished = find_unfinished(given.target)
    if unfinished is not None and abandon:
        drop(given.target, unfinished.plan.run_id)
    elif unfinished is not None:
        unfinished.plan.settings.check_same(given, RESUME)
        if unfinished.plan.bundle_sha256 != digest:
            raise UsageError(f"An unfinished survey was begun with another bundle than {given.bundle}.", RESUME)
        check_same_road(unfinished.plan.road_sha256, given.road, RESUME)
        check_work_list(unfinished.work_list, unfinished.plan.parts)
        # How the work is done may change, what is done may not.
        kept = unfinished.plan.settings
        now = given.model_copy(update={name: getattr(kept, name) for name in ("chunk", "incremental")})
        return Survey(given.target, _store(unfinished, now), resumed=True)
    return _plan(given, digest, set() if answering is None else answering, by_name=settings.out is None)


def find_unfinished(out: Path) -> Survey | None:
    """The survey of this output that has a plan but no row in the record; listings that were cut off are removed."""
    found: list[Survey] = []
    for folder in sorted(path for path in surveys_folder(out).glob("*") if path.is_dir()):
        if not is_run_id(folder.name) or marked_run(folder) != folder.name:
            continue
        if not (folder / PLAN).is_file():
            drop(out, folder.name)
            continue
        if row_path(out, folder.name).is_file():
            sweep(folder)
        else:
            found.append(read_survey(folder))
    return found[-1] if found else None


def read_survey(folder: Path) -> Survey:
    """The survey whose folder this is.

    Raises:
        DataError: its plan cannot be read.
    """
    try:
        return Survey(folder.parent.parent, Plan.model_validate_json((folder / PLAN).read_bytes()))
    except (OSError, ValidationError, UsageError) as error:
        raise DataError(
            f"{folder / PLAN} cannot be read: {error}", f"Remove {folder}; what is recorded is not touched."
        ) from error


def _plan(settings: SurveySettings, digest: str, answering: set[str], by_name: bool) -> Survey | None:
    camera, told = read_road(settings.road), road_digest(settings.road)
    source = open_source(settings)
    if by_name:
        _check_same_roots(settings, source.root)
    run_id = unused_run_id(settings.target)
    folder = surveys_folder(settings.target) / run_id
    put_mark(folder, run_id)
    keep_card(settings.bundle, folder)
    counts: Counter[str] = Counter()
    parts = write_work_list(_new(source, settings, digest, counts, answering), settings.chunk, folder / "worklist")
    if not parts:
        drop(settings.target, run_id)
    if not counts:
        passed = ", ".join(f"{count} {what}" for what, count in source.passed_over.items())
        told = f"; passed over: {passed}" if passed else ""
        raise DataError(f"{settings.photos} holds no photograph{told}.", "Check the path.")
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
        road_sha256=told,
    )
    survey = Survey(settings.target, plan)
    for kind in (*(["masks"] if settings.masks != "none" else []), *(["overlays"] if settings.overlays else [])):
        put_mark(settings.target / kind / run_id, run_id)
    _store(survey, settings)
    return survey


def _check_same_roots(settings: SurveySettings, root: str) -> None:
    """Refuse to mix two places of one name in an output named after them; a link is one place wherever it points.

    Raises:
        UsageError: the last survey was of another place.
    """
    for plan in sorted(surveys_folder(settings.target).glob(f"*/{PLAN}"))[-1:]:
        with suppress(DataError):  # an earlier version may have written it otherwise
            before = read_survey(plan.parent).plan
            if before.root != root and before.settings.photos != settings.photos:
                told = f"{settings.target} holds a survey of {before.root}, not of {root}."
                raise UsageError(told, "Name another with --out.")


def _new(
    source: Source, settings: SurveySettings, digest: str, counts: Counter[str], answering: set[str]
) -> Iterator[Photograph]:
    recorded, runs = read_recorded(settings, digest) if settings.incremental else (None, [])
    for photograph in source.photographs():
        known = recorded is not None and recorded.holds(photograph, source.store, most_bytes(settings.max_pixels))
        counts["known" if known else "new"] += 1
        if not known:
            yield photograph
    if recorded is not None:
        answering |= recorded.answering(runs)


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
