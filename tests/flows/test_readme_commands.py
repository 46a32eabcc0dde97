"""README's commands do what a reader sees them do: those that need neither minutes nor a network are run as written."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from flows.cli import app
from pipeline.labels.coco import ANNOTATIONS
from tests.flows.conftest import make_pictures
from tests.test_readme import README
from tests.written_commands import ROOT, Command, commands

DEAR = {"run", "fetch", "serve", "bench"}
"""They train, download, or never end."""

OWN = [one for one in commands(README) if one.words[0] == "crack-survey"]
CHEAP = [one for one in OWN if not (DEAR | {"labels"}) & set(one.words[1:3])]
GPX = (
    '<gpx version="1.1" creator="made up"><trk><trkseg>'
    '<trkpt lat="52.0" lon="0.0"><time>2026-05-31T08:00:00Z</time></trkpt>'
    '<trkpt lat="52.001" lon="0.0"><time>2026-05-31T08:00:20Z</time></trkpt>'
    "</trkseg></trk></gpx>"
)
TAKEN = {36867: "2026:05:31 10:00:05"}
"""EXIF DateTimeOriginal, of a camera that shows UTC+2."""


@pytest.fixture(scope="module")
def where_a_reader_is(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a reader's after Install, with the photographs, masks and files that README's commands name."""
    folder = tmp_path_factory.mktemp("reader")
    for name in ("PHOTOS", "photos"):
        (folder / name).mkdir()
        photograph = Image.fromarray(np.random.default_rng(0).integers(90, 120, (240, 320, 3), dtype=np.uint8))
        exif = photograph.getexif()
        exif.get_ifd(0x8769).update(TAKEN)
        photograph.save(folder / name / "0001.jpg", exif=exif)
    make_pictures(folder / "my-roads")
    (folder / "masks").symlink_to("my-roads/masks")
    (folder / "drive.gpx").write_text(GPX)
    examples = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "measuring.md").read_text("utf-8"), re.S)
    (folder / "camera.yaml").write_text(next(one for one in examples if "points" in one))
    data = folder / "data"
    (data / "runs" / "RUN").mkdir(parents=True)
    for shipped in ("bundles", "samples"):
        (data / shipped).symlink_to(ROOT / "data" / shipped)
    a_bundle = next(iter(sorted((ROOT / "data" / "bundles").iterdir())))
    for link in (folder / "BUNDLE", data / "runs" / "RUN" / "bundle"):
        link.symlink_to(a_bundle)
    return folder


def run_there(command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("CRACK_SURVEY_HOME", raising=False)
    done = CliRunner().invoke(app, list(command.words[1:]))
    assert done.exit_code == 0, done.output


@pytest.mark.slow
@pytest.mark.parametrize("command", CHEAP, ids=lambda one: f"line {one.line}")
def test_a_command_of_the_readme(
    command: Command, where_a_reader_is: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_there(command, where_a_reader_is, monkeypatch)


@pytest.mark.slow
def test_the_first_survey_can_be_corrected(
    where_a_reader_is: Path, tmp_path: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PHOTOS", "data"):
        (tmp_path / name).symlink_to(where_a_reader_is / name)
    first = next(one for one in OWN if one.words[1] == "survey" and "surveys/first" in one.words)
    hand_out, take_in = (one for one in OWN if one.words[1] == "labels")
    for command in (first, hand_out):
        run_there(command, tmp_path, monkeypatch)
    (tmp_path / "EXPORTED.json").symlink_to(tmp_path / "corrected" / ANNOTATIONS)  # somebody who corrected nothing
    run_there(take_in, tmp_path, monkeypatch)
    assert [path.name for path in (tmp_path / "corrected" / "masks").iterdir()] == ["0001.png"]
