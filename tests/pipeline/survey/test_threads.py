"""Chunks at once share out all cores."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.openvino_runtime import OpenVinoRuntime
from pipeline.survey import loaded
from pipeline.survey.plan import begin
from tests.pipeline.survey.conftest import make_photographs
from tests.pipeline.survey.interrupted import settings_for


def test_four_chunks_at_once_with_two_cores_each_use_eight(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino", reason="the extra [openvino] is not installed")
    monkeypatch.setattr(loaded, "_loaded", {})
    survey = begin(settings_for(make_photographs(tmp_path / "photos", 2), bundle, tmp_path / "out"), abandon=False)
    assert survey is not None
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        runtime = loaded.loaded_cascade(survey, "cpu", streams=4).runtime
    finally:
        torch.set_num_threads(before)
    assert isinstance(runtime, OpenVinoRuntime)
    assert runtime.threads == 8
