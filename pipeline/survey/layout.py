"""Where everything lies that a survey makes, what must not be there before, and how what is left over goes."""

from __future__ import annotations

import shutil
from pathlib import Path

from models.errors import DataError
from pipeline.storage.records import new_run_id
from pipeline.storage.room import check_room
from pipeline.survey.marks import is_run_id, marked_run, remove_marked

PLAN = "plan.json"
STATE = ".crack-survey"
BEFORE_MARKS = "survey"
"""Folder in which earlier versions kept their surveys; somebody's photographs may lie in one of that name too."""

TABLES = ("detections", "failures", "images")
ROAD_TABLES = ("cracks", "sections")
KINDS = ("masks", "overlays", "geo")
LEFT_BEHIND = ("chunks", "unfinished", "publish", "road")


def surveys_folder(out: Path) -> Path:
    """Folder that holds the lock and a folder for each survey: all that surveys need in order to go on."""
    return out / STATE


def table_folder(home: Path, table: str, run_id: str) -> Path:
    """Where below `home` the parts of a table lie."""
    return home / "records" / table / f"run_id={run_id}"


def part_files(home: Path, table: str, run_id: str) -> list[Path]:
    """The parts of a table below `home`, in their order."""
    return sorted(table_folder(home, table, run_id).glob("part-*.parquet"))


def geo_folder(out: Path, run_id: str) -> Path:
    """Where the files for a GIS lie."""
    return out / "geo" / run_id


def page_file(out: Path, run_id: str) -> Path:
    """Where the page of a survey lies: where people look, under a name that no other file has."""
    return out / "reports" / f"{run_id}.html"


def made_by(out: Path, run_id: str) -> list[Path]:
    """Folders that a run fills beside its own; each carries its mark."""
    tables = [table_folder(out, table, run_id) for table in (*TABLES, *ROAD_TABLES)]
    return [*tables, *(out / kind / run_id for kind in KINDS)]


def check_output(out: Path) -> None:
    """Refuse an output that cannot hold what a survey makes, or in which an earlier version has one unfinished.

    Raises:
        DataError: naming what stands in the way.
    """
    tables = (f"records/{table}" for table in (*TABLES, *ROAD_TABLES, "runs"))
    check_room(out, ("reports", *KINDS, *tables), "give another --out")
    for plan in sorted((out / BEFORE_MARKS).glob(f"*/{PLAN}")):
        run = plan.parent.name
        if is_run_id(run) and not row_path(out, run).is_file():
            raise DataError(
                f"An earlier version of crack-survey began a survey in {plan.parent} and did not finish it.",
                f"Finish it with that version, or move {plan.parent} away: the survey then begins anew.",
            )


def row_path(out: Path, run_id: str) -> Path:
    """File of a survey's row in ``runs``, the last that is written."""
    return table_folder(out, "runs", run_id) / "part-00000.parquet"


def sweep(folder: Path) -> None:
    """Remove what a recorded survey needed to get there; plan and work list stay."""
    for name in LEFT_BEHIND:
        shutil.rmtree(folder / name, ignore_errors=True)


def drop(out: Path, run_id: str) -> None:
    """Remove an unfinished survey and everything it left, as far as it is marked.

    Its plan goes first, so that it is never resumed without its masks; its own folder last, so that a removal that is
    cut off can be done again.
    """
    own = surveys_folder(out) / run_id
    if marked_run(own) == run_id:
        (own / PLAN).unlink(missing_ok=True)
    for folder in [*made_by(out, run_id), own]:
        remove_marked(folder, run_id)


def unused_run_id(out: Path) -> str:
    """An id for a run that no folder of this output is named after yet: nothing of the user's is overwritten."""
    while True:
        run = new_run_id()
        if not any(path.exists() for path in [surveys_folder(out) / run, *made_by(out, run)]):
            return run
