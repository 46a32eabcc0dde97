"""Every command that README and docs tell a reader to type is one that exists, with options that it has."""

from __future__ import annotations

import re
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.settings import home, make_settings
from tests.written_commands import PAGES, ROOT, Command, commands, complaint, inline

WRITTEN = [command for page in PAGES for command in commands(page)]
IN_PROSE = [command for page in PAGES for command in inline(page)]
OURS = [command for command in WRITTEN if command.words[0] == "crack-survey"]
README = ROOT / "README.md"


def named(command: Command) -> str:
    return f"{command.page}:{command.line}"


@pytest.mark.parametrize("command", OURS, ids=named)
def test_a_command_has_the_options_that_are_written(command: Command) -> None:
    assert not complaint(command.words[1:]), " ".join(command.words)


@pytest.mark.parametrize("command", IN_PROSE, ids=named)
def test_a_command_of_the_prose_has_them_too(command: Command) -> None:
    told = complaint(command.words[1:])
    assert not told or told.startswith("Missing "), "prose may leave out what has to be given"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [("surveys photos", "surveys"), ("survey photos --bundle b --colour red", "--colour"), ("data info", "root")],
)
def test_the_check_itself(arguments: str, told: str) -> None:
    assert told in complaint(tuple(arguments.split()))


def test_commands_are_found() -> None:
    text = (
        "`make`\n```\nmake run   # all of it\na && b\n```\n```yaml\nmake: x\n```\n```sh\ncd x && git \\\n  pull\n```\n"
    )
    found = [(command.line, command.words) for command in commands(README, text)]
    assert found == [(3, ("make", "run")), (10, ("cd", "x")), (10, ("git", "pull"))]
    assert len(commands(README)) > 5


@pytest.mark.parametrize("command", [one for one in WRITTEN if one.words[0] == "make"], ids=named)
def test_make_has_the_target(command: Command) -> None:
    done = subprocess.run(["make", "--dry-run", *command.words[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [one for one in WRITTEN if one.words[0] == "pip"], ids=named)
def test_an_extra_that_is_installed_exists(command: Command) -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = re.findall(r"\[([\w,]+)\]", " ".join(command.words))
    assert {extra for extras in asked for extra in extras.split(",")} <= set(known)


@pytest.mark.parametrize("option", sorted(set(re.findall(r"`(--[a-z-]+)", README.read_text("utf-8")))))
def test_an_option_of_the_prose_exists(option: str) -> None:
    assert any(
        option in text.read_text("utf-8") or _declared(option, text) for text in (ROOT / "flows").glob("cli*.py")
    )


@pytest.mark.parametrize("command", [one for one in OURS if "--set" in one.words], ids=named)
def test_a_setting_exists(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.cli_experiment import parse_setting

    example = (ROOT / "data" / "README.md").read_text("utf-8").split("```yaml\n")[1].split("```")[0]
    (tmp_path / "roads.yaml").write_text(example)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "pools").symlink_to(ROOT / "data" / "pools")
    monkeypatch.chdir(tmp_path)
    told = [parse_setting(word) for flag, word in pairwise(command.words) if flag == "--set"]
    told += [("dataset.name", word) for flag, word in pairwise(command.words) if flag == "--dataset"]
    make_settings("fast", {name: value for name, value in told if not str(value).isupper()})


def test_fetched_data_lie_where_the_readme_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRACK_SURVEY_HOME", raising=False)
    monkeypatch.chdir(ROOT)
    ours = [command.words for command in commands(README) if command.words[0] == "crack-survey"]
    fetched = {words[3] for words in ours if words[1:3] == ("data", "fetch") and "--into" not in words}
    for words in ours:
        options = dict(pairwise(words))
        if options.get("--dataset") in fetched:
            assert Path(options["--root"]) == home() / "datasets" / options["--dataset"]


def _declared(option: str, text: Path) -> bool:
    """Whether a parameter of a command is called so: ``--max-failures`` is ``max_failures:``."""
    return f"    {option.removeprefix('--').replace('-', '_')}: " in text.read_text("utf-8")
