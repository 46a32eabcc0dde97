import json

import pytest
from typer.testing import CliRunner

from flows.cli import app
from models.bundle import save_bundle
from models.detector import build_detector
from models.segmenter import build_segmenter
from tests.tiny import DETECTOR, SEGMENTER, tiny_card


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    detector = DETECTOR.model_copy(update={"space_to_depth": 2})
    card = tiny_card(detector=detector)
    folder = tmp_path_factory.mktemp("bundles") / "tiny"
    return save_bundle(folder, build_detector(detector), build_segmenter(SEGMENTER), card)


def test_export_writes_both_networks_and_says_where(bundle, tmp_path):
    pytest.importorskip("onnx", reason="onnx is not installed: pip install -e '.[onnx]'")
    result = CliRunner().invoke(app, ["export", "--bundle", str(bundle), "--out", str(tmp_path / "a/b"), "--json"])
    assert result.exit_code == 0, result.output
    files = json.loads(result.stdout)
    assert files == {name: str(tmp_path / f"a/b/{name}.onnx") for name in ("detector", "segmenter")}
    assert all((tmp_path / "a/b" / f"{name}.onnx").stat().st_size > 1000 for name in files)


def test_export_of_no_bundle_is_told(tmp_path):
    result = CliRunner().invoke(app, ["export", "--bundle", str(tmp_path / "none")])
    assert result.exit_code == 1
    assert "is not a bundle" in result.stderr
    assert not result.stdout
