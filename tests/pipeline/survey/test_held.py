"""What the networks must have to themselves is held while they look, and neither while reading nor while writing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.cascade.cascade import Cascade
from pipeline.survey import chunk, loaded, process
from pipeline.survey.chunk import process_chunk
from pipeline.survey.plan import begin
from pipeline.survey.settings import SurveySettings


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_it_is_held_while_the_networks_look_alone(
    tmp_path: Path, bundle: Path, photographs: Path, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    (photographs / "bad.jpg").write_text("no picture")
    monkeypatch.setattr(process, "LARGEST_BATCH", 4)  # three batches of sound ones
    settings = SurveySettings(photos=str(photographs), bundle=bundle, out=tmp_path / "out", chunk=20, device="cpu")
    survey = begin(settings)
    assert survey is not None
    cascade, held = loaded.loaded_cascade(survey, "cpu"), [False]
    monkeypatch.setattr(chunk, "loaded_cascade", lambda *_: cascade)  # whatever the device
    turns, seen = [], set()

    @contextmanager
    def hold() -> Iterator[None]:
        assert not held[0]
        held[0] = True
        turns.append(True)
        yield
        held[0] = False

    look, write = Cascade.look, chunk._outcomes

    def looks(*given: object) -> object:
        seen.add(("looks", held[0]))
        return look(*given)  # type: ignore[arg-type]

    def writes(*given: object) -> object:
        if device == "cpu":  # on a GPU the next batch is looked at meanwhile
            seen.add(("writes", held[0]))
        return write(*given)  # type: ignore[arg-type]

    def batches(pictures: Iterator[process.Picture]) -> Iterator[list[process.Picture]]:
        for batch in of_pictures(pictures):
            seen.add(("waits for the next to be read", held[0]))
            yield batch

    of_pictures = process.batches
    monkeypatch.setattr(process, "batches", batches)
    monkeypatch.setattr(Cascade, "look", looks)
    monkeypatch.setattr(chunk, "_outcomes", writes)
    done = process_chunk(survey.folder, 0, device, hold=hold)
    assert (done.photographs, done.failures, len(turns), held[0]) == (13, 1, 4, False)
    expected = {("looks", True), ("waits for the next to be read", False)}
    assert seen == expected | ({("writes", False)} if device == "cpu" else set())


def test_nothing_is_held_for_photographs_that_cannot_be_read(tmp_path: Path, bundle: Path) -> None:
    (tmp_path / "photographs").mkdir()
    (tmp_path / "photographs" / "bad.jpg").write_text("no picture")
    survey = begin(SurveySettings(photos=str(tmp_path / "photographs"), bundle=bundle, out=tmp_path / "out"))
    assert survey is not None
    done = process_chunk(survey.folder, 0, hold=lambda: pytest.fail("held"))
    assert done.failures == 1
