import json
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from flows.cli import app
from flows.cli_bench import evenly
from models.bundle import save_bundle
from models.segmenter import build_segmenter
from pipeline.bench import measure, rivals, rounds
from tests.tiny import SEGMENTER, eager_detector, tiny_card

KEYS = {
    "speedup_vs_own_full_frame",
    "speedup_vs_unet_resnet34",
    "detector_speedup_vs_torchvision",
    "delta_f1_2px",
    "overlap_efficiency",
    "peak_rss_ratio",
    "stages_ms",
}


@pytest.fixture
def small(monkeypatch):
    """All that bench does, with less of each: at 800 px torchvision's network alone takes seconds a round."""
    network = rivals.retinanet_resnet50_fpn_v2
    monkeypatch.setattr(rivals, "retinanet_resnet50_fpn_v2", partial(network, min_size=160, max_size=240))
    monkeypatch.setattr(measure, "RIVAL_ROUNDS", 1)
    monkeypatch.setattr(measure, "SIZES", ((240, 320),))
    monkeypatch.setattr(measure, "COUNTS", (1, 4))
    monkeypatch.setattr(measure, "peak_mb", lambda bundle, count, streams, device: 100.0 + count / 100)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_bench_prints_every_figure(small, tmp_path, monkeypatch):
    torch.manual_seed(0)
    card = tiny_card(score_threshold=0.3)
    bundle = save_bundle(tmp_path / "tiny", eager_detector(), build_segmenter(SEGMENTER), card)
    arguments = ["bench", "--bundle", str(bundle), "--pictures", "2", "--rounds", "2"]
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    measured = json.loads(result.stdout)
    assert measured.keys() >= KEYS
    assert measured["peak_rss_ratio"] == pytest.approx(110 / 101)
    assert measured["speedup_vs_own_full_frame"] > 0
    assert measured["by_size"][0]["width_px"] == 320
    monkeypatch.setattr(measure, "bench", lambda *_: measured)  # not a second time for the table
    table = CliRunner().invoke(app, arguments)
    assert table.exit_code == 0, table.output
    assert "faster than its own U-Net" in table.stdout


def test_how_masks_were_read_is_told(tmp_path, monkeypatch):
    for kind, colour in (("images", (90, 90, 90)), ("masks", (255, 0, 0))):
        (tmp_path / kind).mkdir()
        pixels = np.zeros((64, 96, 3), np.uint8)
        pixels[30:34, 10:80] = colour
        Image.fromarray(pixels).save(tmp_path / kind / "a.png")
    figures = dict.fromkeys(("cascade_ms", "full_frame_ms"), 1.0)
    f1s = dict.fromkeys(("f1_2px_mean", "full_frame_f1_2px_mean"), float("nan"))
    monkeypatch.setattr(rounds, "side_by_side", lambda *_: [{"name": "a", "bundle": "b"} | figures | f1s])
    arguments = ["bench", "--dataset", "folder", "--root", str(tmp_path), "--split", "all", "--rival", "none"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "colour" in result.stderr
    assert "nan" not in result.stdout


def test_rivals_are_timed_in_the_same_rounds_and_drawn(small, tmp_path, monkeypatch):
    torch.manual_seed(0)
    bundle = save_bundle(tmp_path / "tiny", eager_detector(), build_segmenter(SEGMENTER), tiny_card())
    arguments = ["bench", "--bundle", str(bundle), "--rival", str(bundle), "--pictures", "2", "--rounds", "1"]
    result = CliRunner().invoke(app, [*arguments, "--json", "--plot", str(tmp_path / "speed.svg")])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["bundles"]
    assert len(rows) == 2
    assert (tmp_path / "speed.svg").stat().st_size > 2000
    monkeypatch.setattr(rounds, "side_by_side", lambda *_: rows)  # not a second time for the table
    table = CliRunner().invoke(app, arguments)
    assert table.exit_code == 0, table.output
    assert table.stdout.count("16-8-8") == 2


def test_bench_of_no_bundle_is_told(tmp_path):
    result = CliRunner().invoke(app, ["bench", "--bundle", str(tmp_path / "none")])
    assert result.exit_code == 1
    assert "bundle" in result.output


def test_a_plot_that_cannot_be_drawn_is_refused_before_anything_is_timed(tmp_path):
    result = CliRunner().invoke(app, ["bench", "--bundle", str(tmp_path / "none"), "--plot", str(tmp_path / "a.foo")])
    assert result.exit_code == 2
    assert ".svg, .png or .pdf" in " ".join(result.stderr.split())


def test_pictures_are_spread_over_the_whole_part():
    assert evenly("abcdefg", 3) == ["a", "c", "e"]
    assert evenly("abcd", 3) == ["a", "b", "c"]
    assert evenly([str(n) for n in range(100)], 64)[-1] == "98"  # once the first 64
    assert evenly("ab", 3) == ["a", "b"]
