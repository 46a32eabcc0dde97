"""Large photographs are learnt from in windows: which, how many, and what a run does with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import DataError, UsageError
from pipeline.datasets.folder import ImageFolder
from pipeline.datasets.large import WHOLE_PX, large_names, windows_in
from pipeline.settings import WindowSettings, make_settings
from pipeline.stages.crop import crop
from pipeline.stages.keys import stage_keys
from pipeline.stages.learnt_from import names_learnt
from pipeline.stages.prepare import load_part, prepare, read_split
from pipeline.stages.train_detector import train_detector

LARGE, SMALL = (1400, 1600), (96, 128)
assert LARGE[0] * LARGE[1] > WHOLE_PX


def write_roads(root: Path, sizes: list[tuple[int, int]], suffix: str = "png") -> Path:
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for number, (height, width) in enumerate(sizes):
        grey = np.random.default_rng(number).integers(80, 140, (height, width), np.uint8)
        mask = np.zeros((height, width), np.uint8)
        mask[:, width // 3 : width // 3 + 5] = 255
        grey[mask > 0] = 20
        Image.fromarray(np.dstack([grey] * 3)).save(root / "images" / f"p{number}.{suffix}")
        Image.fromarray(mask).save(root / "masks" / f"p{number}.png")
    return root


def settings_of(root: Path, **more: object):
    return make_settings("smoke", {"dataset.name": "folder", "dataset.root": root, **more})


def prepared_of(settings, out: Path) -> Path:
    out.mkdir(parents=True)
    prepare(settings, out)
    return out


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_a_photograph_is_large_by_its_pixels_whatever_its_format(tmp_path: Path, suffix: str) -> None:
    dataset = ImageFolder(write_roads(tmp_path / "roads", [SMALL, LARGE, SMALL], suffix))
    assert large_names(dataset, dataset.names) == ("p1",)


def test_full_hd_is_learnt_from_whole() -> None:
    assert 1920 * 1080 <= WHOLE_PX < 3_000_000


@pytest.mark.parametrize(("pixels", "count"), [(12_000_000, 70), (10**12, 2400)])
def test_windows_are_as_many_as_hold_the_pixels_once_and_not_more_than_set(pixels: int, count: int) -> None:
    assert windows_in(pixels, WindowSettings()) == count


def test_training_never_sees_a_large_photograph_whole(tmp_path: Path) -> None:
    settings = settings_of(write_roads(tmp_path / "roads", [LARGE, SMALL, LARGE, SMALL, LARGE, LARGE]))
    prepared = prepared_of(settings, tmp_path / "out")
    windows = settings.dataset.windows
    samples = load_part(settings, prepared, "train")
    shapes = {sample.mask.shape for sample in samples}
    assert (windows.height, windows.width) in shapes
    assert max(height * width for height, width in shapes) <= WHOLE_PX
    cut = {sample.name.partition("/")[0] for sample in samples if "/" in sample.name}
    whole = {sample.name for sample in samples if "/" not in sample.name}
    assert cut | whole == set(read_split(prepared).train)
    assert len({sample.name for sample in samples}) == len(samples)
    assert any(sample.mask.any() for sample in samples if "/" in sample.name)
    for part in ("val", "test"):  # which are looked at whole, as a survey does
        assert [sample.name for sample in load_part(settings, prepared, part)] == list(read_split(prepared).part(part))
    trained, _, _ = names_learnt(ImageFolder(tmp_path / "roads"), prepared)
    assert trained == list(read_split(prepared).train)


def test_a_run_learns_from_windows(tmp_path: Path) -> None:
    count = {"dataset.windows.count": 8, "detector_training.epochs": 1}
    settings = settings_of(write_roads(tmp_path / "roads", [LARGE] * 3), **count)
    prepared = prepared_of(settings, tmp_path / "out")
    for stage in ("trained", "cropped"):
        (tmp_path / stage).mkdir()
    train_detector(settings, prepared, tmp_path / "trained", lambda *_: None)
    crop(settings, prepared, tmp_path / "trained", tmp_path / "cropped")
    assert (tmp_path / "cropped" / "crops.parquet").exists()


def test_equal_seeds_cut_equal_windows_and_another_is_another_key(tmp_path: Path) -> None:
    root = write_roads(tmp_path / "roads", [LARGE] * 3)
    few = {"dataset.windows.count": 8}
    one, other = settings_of(root, seed=1, **few), settings_of(root, seed=2, **few)
    first, again, changed = (
        np.load(prepared_of(settings, tmp_path / name) / "windows.npy")
        for settings, name in ((one, "a"), (one, "b"), (other, "c"))
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, changed)
    keys = [stage_keys(settings, "cpu")["prepare"] for settings in (one, other, settings_of(root, seed=1))]
    assert len(set(keys)) == 3


def test_small_photographs_are_prepared_alike_whatever_the_seed(tmp_path: Path) -> None:
    root = write_roads(tmp_path / "roads", [SMALL] * 4)
    one, other = settings_of(root, seed=1), settings_of(root, seed=2)
    assert stage_keys(one, "cpu")["prepare"] == stage_keys(other, "cpu")["prepare"]
    assert not (prepared_of(one, tmp_path / "out") / "windows.npy").exists()


def test_settings_of_windows_are_refused_where_nothing_is_cut(tmp_path: Path) -> None:
    settings = settings_of(write_roads(tmp_path / "roads", [SMALL] * 4), **{"dataset.windows.count": 8})
    with pytest.raises(UsageError, match=r"dataset\.windows does nothing"):
        prepared_of(settings, tmp_path / "out")
    settings = settings_of(write_roads(tmp_path / "large", [LARGE] * 3), **{"dataset.windows.val_samples": 8})
    with pytest.raises(UsageError, match=r"val_samples does nothing"):
        prepared_of(settings, tmp_path / "second")


def test_a_large_photograph_on_two_sides_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = write_roads(tmp_path / "roads", [LARGE] * 3)
    for number in (1, 2):
        (root / "images" / f"p{number}.png").write_bytes((root / "images" / "p0.png").read_bytes())
    prepared_of(settings_of(root, **{"dataset.windows.count": 8}), tmp_path / "out")
    assert any("two sides of the split" in line.getMessage() for line in caplog.records)


def test_windows_of_data_that_changed_are_not_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(write_roads(tmp_path / "roads", [LARGE] * 3))
    digests = iter(range(100))
    monkeypatch.setattr(ImageFolder, "content_digest", lambda self, name: str(next(digests)))
    with pytest.raises(DataError, match="changed while the run went on"):
        prepared_of(settings, tmp_path / "out")
