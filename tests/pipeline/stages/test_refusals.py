"""What is refused for the data's sake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import DataError
from pipeline.datasets.folder import ImageFolder
from pipeline.stages.refusals import require_unchanged


def test_a_mask_that_changed_while_it_was_measured(tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / folder / "a.png")
    dataset = ImageFolder(tmp_path)
    fingerprint = dataset.fingerprint()
    require_unchanged(dataset, fingerprint)
    Image.fromarray(np.full((8, 8), 255, np.uint8)).save(tmp_path / "masks" / "a.png")
    with pytest.raises(DataError, match="have changed while they were measured"):
        require_unchanged(dataset, fingerprint)
