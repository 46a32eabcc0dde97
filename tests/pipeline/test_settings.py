from pathlib import Path

import pytest

from models.errors import UsageError
from pipeline.presets import PRESETS
from pipeline.settings import RunSettings, home, make_settings
from pipeline.survey.settings import SurveySettings


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_whole_and_survives_json(preset):
    settings = make_settings(preset)
    assert settings.preset == preset
    assert RunSettings.model_validate_json(settings.model_dump_json()) == settings


def test_the_papers_preset_is_the_papers():
    paper = make_settings("paper")
    assert paper.detector.backbone == "resnet50"
    assert paper.detector.levels == (3, 4, 5, 6, 7)
    assert paper.detector.anchor_sizes == (32, 64, 128, 256, 512)
    assert paper.detector_augment == "flip"
    assert paper.detector.space_to_depth == 1
    assert (paper.detector_training.epochs, paper.detector_training.batch) == (50, 1)
    assert paper.thresholds.score == 0.5


def test_overrides_lie_over_the_preset_without_changing_it():
    changed = make_settings("smoke", {"detector_training.epochs": 7, "labels": {"max_side": 64}})
    assert changed.detector_training.epochs == 7
    assert changed.detector_training.batch == make_settings("smoke").detector_training.batch
    assert changed.labels.max_side == 64
    assert make_settings("smoke").detector_training.epochs == 2


@pytest.mark.parametrize(
    ("preset", "overrides", "named"),
    [
        ("fastest", {}, "fastest"),
        ("fast", {"detector.backbon": "resnet18"}, "detector.backbon: .*the nearest is backbone"),
        ("fast", {"detector_training.epoch": 3}, "detector_training.epoch: .*the nearest is epochs"),
        ("fast", {"detector_trainin.epochs": 3}, "detector_trainin: .*the nearest is detector_training"),
        ("fast", {"thresholds.zebra": 3}, "thresholds.zebra: There is no such setting; there are score, coarse_mask"),
        ("fast", {"labels.max_side": 3}, "labels.max_side"),
        ("fast", {"seed.x": 3}, "seed"),
        ("fast", {"detector_training.lr": "quick"}, "detector_training.lr"),
        ("fast", {"detector.anchor_sizes": [12]}, "detector: 1 anchor sizes for 3 levels: give one a level\n"),
        ("smoke", {"detector.fpn_channels": 33}, "detector: fpn_channels must be a multiple of 8"),
        ("smoke", {"detector.levels": [3, 3]}, "detector: a level stands there twice"),
        ("accurate", {"detector.second.space_to_depth": 4}, "detector: coarse masks of 4 and 8 px"),
        ("fast", {"dataset.windows.scale_min": 3}, "dataset.windows: scale_min, 3, lies above scale_max, 2"),
        ("fast", {"segmenter.decoder_channels": [0, 8, 8]}, "segmenter.decoder_channels.0"),
    ],
)
def test_what_does_not_fit_is_named(preset, overrides, named):
    with pytest.raises(UsageError, match=named) as caught:
        make_settings(preset, overrides)
    assert caught.value.exit_status == 2
    assert caught.value.remedy


def test_one_setting_of_a_group_leaves_its_other_defaults():
    plain = make_settings("fast").segmenter_training
    assert make_settings("fast", {"segmenter_training.lr": 2e-3}).segmenter_training == plain.model_copy(
        update={"lr": 2e-3}
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("look_again", "detector_tta and segmenter_tta"),
        ("cells.least", "box_splitting"),
        ("detector.fold", "detector.space_to_depth"),
        ("detector.cells", "detector.coarse_mask"),
        ("thresholds.cell", "thresholds.coarse_mask"),
    ],
)
def test_what_a_setting_was_called_before_is_refused_with_its_name_today(old, new):
    with pytest.raises(UsageError, match=f"{old.split('.least')[0]}: It is called {new} now"):
        make_settings("fast", {old: 1})


def test_a_tilde_is_the_users_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/homes/engineer")
    monkeypatch.setenv("CRACK_SURVEY_HOME", "~/x")
    assert home() == Path("/homes/engineer/x")
    settings = make_settings("fast", {"dataset.root": "~/roads", "detector_training.start": "~/b"})
    assert (settings.dataset.root, settings.detector_training.start) == (
        Path("/homes/engineer/roads"),
        Path("/homes/engineer/b"),
    )
    survey = SurveySettings.model_validate({"photos": "~/p/*.jpg", "bundle": "~/b", "out": "~/o", "root": "~/r"})
    assert (survey.photos, survey.root) == ("/homes/engineer/p/*.jpg", "/homes/engineer/r")
    assert (survey.bundle, survey.target) == (Path("/homes/engineer/b"), Path("/homes/engineer/o"))


@pytest.mark.parametrize(
    ("preset", "overrides", "named"),
    [
        ("fast", {"crops.halo": 256}, "crops.halo"),
        ("fast", {"detector_training.items_per_sample": 2}, "detector_training.items_per_sample"),
        ("paper", {"detector_tta": True}, "detector_tta does nothing"),
        ("paper", {"thresholds.coarse_mask": 0.01}, "thresholds.coarse_mask does nothing"),
        ("paper", {"box_splitting.min_mass": 9}, "box_splitting does nothing"),
        ("fast", {"second_training.lr": 0.01}, "second_training does nothing"),
        ("fast", {"dataset.windows.count": 9}, "dataset.windows does nothing"),
    ],
    ids=str,
)
def test_what_does_nothing_and_what_is_out_of_bounds_is_refused(preset, overrides, named):
    with pytest.raises(UsageError, match=named) as told:
        make_settings(preset, overrides)
    assert "Value error" not in told.value.problem


@pytest.mark.parametrize("preset", PRESETS)
def test_a_run_is_recorded_under_the_preset_that_gives_its_settings(preset):
    assert make_settings(preset).preset == preset
