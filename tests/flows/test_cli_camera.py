from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from typer.testing import CliRunner

from flows.cli import app


def test_a_camera_file_is_drawn_over_a_photograph(tmp_path: Path) -> None:
    Pillow.fromarray(np.full((60, 80, 3), 90, np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "camera.yaml").write_text("{view: down, scale_mm_per_px: 2, size_px: [80, 60]}")
    told = [str(tmp_path / name) for name in ("camera.yaml", "a.png")]
    result = CliRunner().invoke(app, ["camera", "show", *told, "--out", str(tmp_path / "seen.jpg")])
    assert result.exit_code == 0
    assert result.stdout.strip() == str(tmp_path / "seen.jpg")
    assert Pillow.open(tmp_path / "seen.jpg").width > 80


def test_a_photograph_of_another_camera_is_refused(tmp_path: Path) -> None:
    Pillow.fromarray(np.full((60, 60, 3), 90, np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "camera.yaml").write_text("{view: down, scale_mm_per_px: 2, size_px: [80, 60]}")
    result = CliRunner().invoke(app, ["camera", "show", str(tmp_path / "camera.yaml"), str(tmp_path / "a.png")])
    assert result.exit_code == 1
    assert "60×60" in result.stderr


def test_a_folder_in_the_place_of_a_photograph_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "camera.yaml").write_text("{view: down, scale_mm_per_px: 2}")
    result = CliRunner().invoke(app, ["camera", "show", str(tmp_path / "camera.yaml"), str(tmp_path)])
    assert result.exit_code == 1
    assert "is a folder, not a picture" in result.stderr
    assert "remove" not in result.stderr


def test_a_camera_file_that_cannot_be_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "camera.yaml").write_text("{view: down, scale_mm_per_px: 0}")
    result = CliRunner().invoke(app, ["camera", "show", str(tmp_path / "camera.yaml"), "a.png"])
    assert result.exit_code == 2
    assert "scale_mm_per_px" in result.stderr


def test_a_name_that_is_none_of_a_picture_is_wrong_usage(tmp_path: Path) -> None:
    told = [str(tmp_path / name) for name in ("camera.yaml", "a.png")]
    result = CliRunner().invoke(app, ["camera", "show", *told, "--out", str(tmp_path / "seen.docx")])
    assert result.exit_code == 2
    assert ".jpg" in result.stderr
