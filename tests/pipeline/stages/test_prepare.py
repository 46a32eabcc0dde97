from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import DataError
from pipeline.settings import make_settings
from pipeline.stages.prepare import prepare


def test_pictures_without_any_crack_train_nothing(tmp_path: Path) -> None:
    for folder in ("images", "masks", "out"):
        (tmp_path / folder).mkdir()
    for name in "abcdef":
        Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(tmp_path / "images" / f"{name}.png")
        Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / "masks" / f"{name}.png")
    settings = make_settings("smoke", {"dataset": {"name": "folder", "root": tmp_path}})
    with pytest.raises(DataError, match=r"train part .* has a crack") as refused:
        prepare(settings, tmp_path / "out")
    assert "--mask-values" in refused.value.remedy
