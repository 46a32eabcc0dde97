"""Several data sets as one: names, scenes, splits, and what is refused."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from models.errors import DataError, UsageError
from pipeline.datasets import open_dataset
from pipeline.datasets.generated.sample import GeneratedSample
from pipeline.datasets.pool import Pool
from pipeline.datasets.pool_split import balance, check_apart
from pipeline.datasets.splits import PARTS, make_split
from pipeline.settings import DatasetSettings, PartSettings, make_settings


def write_folder(root: Path, seed: int, count: int = 8, prefix: str = "a", cracked: bool = True) -> Path:
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for sample in GeneratedSample(count, seed=seed, width=128, height=96):
        cv2.imwrite(str(root / "images" / f"{prefix}{sample.name}_1.png"), sample.image[..., ::-1])
        mask = sample.mask.astype(np.uint8) * 255 * cracked
        cv2.imwrite(str(root / "masks" / f"{prefix}{sample.name}_1.png"), mask)
    return root


def pool_of(*parts: PartSettings) -> Pool:
    pool = open_dataset(DatasetSettings(name="pool", parts=parts))
    assert isinstance(pool, Pool)
    return pool


def test_samples_keep_their_part_in_name_and_scene(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "a", seed=1)
    pool = pool_of(
        PartSettings(name="folder", label="town", root=root, scene=r"(as00\d)_"),
        PartSettings(name="sample", label="made", count=6),
    )
    assert len(pool) == 14
    sample = pool.load("town--as001_1")
    assert (sample.name, sample.group) == ("town--as001_1", "town/as001")
    assert pool.load("made--s002").mask.shape == (320, 480)


def test_each_part_has_its_share_of_every_side(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "a", seed=1, count=20)
    pool = pool_of(
        PartSettings(name="folder", label="town", root=root),
        PartSettings(name="sample", label="made", count=30, test="s00.", val="s01."),
    )
    split = make_split(pool, "paper", 1)
    for side in PARTS:
        assert {pool.label_of(name) for name in split.part(side)} == {"town", "made"}
    assert {name for name in split.test if name.startswith("made")} == {f"made--s00{digit}" for digit in range(10)}
    even = balance(pool, split, 3)
    assert [sum(name.startswith(label) for name in even.val) for label in ("town", "made")] == [3, 3]
    assert even.train == split.train


def test_one_picture_in_two_parts_on_two_sides_is_refused(tmp_path: Path) -> None:
    one = write_folder(tmp_path / "a", seed=1, prefix="a")
    same = write_folder(tmp_path / "b", seed=1, prefix="b")
    pool = pool_of(
        PartSettings(name="folder", label="one", root=one, test="as00[0-3]"),
        PartSettings(name="folder", label="two", root=same, test="bs00[4-7]"),
    )
    with pytest.raises(DataError, match="look like the same picture"):
        check_apart(pool, make_split(pool, "paper", 1))


def test_one_picture_twice_in_one_part_on_two_sides_is_told_and_passes(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "a", seed=1)
    (root / "images" / "as001_1.png").write_bytes((root / "images" / "as005_1.png").read_bytes())
    pool = pool_of(PartSettings(name="folder", label="one", root=root, scene=r"(as00\d)_", test="as00[0-3]"))
    ((name, side, other, other_side),) = check_apart(pool, make_split(pool, "paper", 1))
    assert {name, other} == {"one--as001_1", "one--as005_1"}
    assert "test" in (side, other_side)
    assert side != other_side


def test_different_parts_pass(tmp_path: Path) -> None:
    pool = pool_of(
        PartSettings(name="folder", label="one", root=write_folder(tmp_path / "a", seed=1)),
        PartSettings(name="folder", label="two", root=write_folder(tmp_path / "b", seed=2)),
    )
    assert check_apart(pool, make_split(pool, "paper", 1)) == []


def test_terms_are_those_of_the_strictest_part(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "a", seed=1)
    made = PartSettings(name="sample", label="made", count=6)
    assert pool_of(made).commercial
    assert not pool_of(made, PartSettings(name="folder", label="town", root=root)).commercial
    assert pool_of(made, PartSettings(name="folder", label="town", root=root, commercial=True)).commercial


def test_a_yaml_file_lists_parts_beside_it(tmp_path: Path) -> None:
    write_folder(tmp_path / "town", seed=1)
    (tmp_path / "parts.yaml").write_text("- {name: folder, label: town, root: town, weight: 2}\n")
    settings = make_settings("smoke", {"dataset.name": "pool", "dataset.parts": str(tmp_path / "parts.yaml")})
    assert settings.dataset.parts[0].root == tmp_path / "town"
    assert len(open_dataset(settings.dataset)) == 8


def test_generated_pictures_of_a_part_come_from_as_near_as_it_says() -> None:
    parts = [
        {"name": "sample", "label": label, "count": 6, "closest": near} for label, near in (("far", 1), ("near", 9))
    ]
    pool = open_dataset(make_settings("smoke", {"dataset.name": "pool", "dataset.parts": parts}).dataset)
    assert pool.load("far--s001").mask.sum() != pool.load("near--s001").mask.sum()
    assert pool.content_digest("far--s001") != pool.content_digest("near--s001")


@pytest.mark.parametrize("text", ["a: 1", "- 3", "- {name: [", ""])
def test_a_file_without_parts_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "parts.yaml").write_text(text)
    with pytest.raises(UsageError, match="parts"):
        make_settings("smoke", {"dataset.name": "pool", "dataset.parts": str(tmp_path / "parts.yaml")})


def test_what_is_no_pool_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs parts"):
        pool_of()
    with pytest.raises(UsageError, match="called made"):
        pool_of(*[PartSettings(name="sample", label="made", count=6)] * 2)
    with pytest.raises(DataError, match="does not exist"):
        pool_of(PartSettings(name="folder", label="town", root=tmp_path / "nowhere"))
    with pytest.raises(ValidationError, match="greater than 0"):
        PartSettings(name="sample", label="made", weight=0)
    with pytest.raises(ValidationError, match="closest does nothing for photographs"):
        PartSettings(name="folder", label="town", root=tmp_path, closest=4)
    with pytest.raises(ValidationError, match="count does nothing for photographs"):
        PartSettings(name="folder", label="town", root=tmp_path, count=40)
    with pytest.raises(ValidationError, match="root does nothing for the generated sample"):
        PartSettings(name="sample", label="made", root=tmp_path)
    with pytest.raises(ValidationError, match="root is lacking: the folder of town"):
        PartSettings(name="folder", label="town")
    with pytest.raises(UsageError, match=f"--root {tmp_path} does nothing for a pool"):
        open_dataset(DatasetSettings(name="pool", root=tmp_path, parts=(PartSettings(name="sample", label="made"),)))
    few = PartSettings(name="folder", label="town", root=write_folder(tmp_path / "few", seed=1, count=2))
    with pytest.raises(DataError, match=r"The part town, .*: too few scenes to divide, 2 where 3"):
        make_split(pool_of(few), "paper", 1)
    with pytest.raises(DataError, match="finds no scene"):
        pool_of(PartSettings(name="sample", label="made", count=6, scene="x(.*)")).group("made--s001")
    with pytest.raises(DataError, match="no scene to train on"):
        make_split(pool_of(PartSettings(name="sample", label="made", count=6, test="s.*")), "paper", 1)


@pytest.mark.parametrize(
    ("settings", "split", "message"),
    [
        ({"test": "as00[0-4]", "val": "as00[3-5]"}, "paper", "2 scenes that both test and validate, such as as003"),
        ({"test": "as0O0"}, "paper", "test: 'as0O0' fits none of its 8 scenes"),
        ({"test": "as000", "val": "bs"}, "paper", "val: 'bs' fits none of its 8 scenes"),
        ({"test": "as000"}, "fold1", "Folds test every scene in turn"),
    ],
)
def test_sides_that_a_part_states_wrongly_are_refused(tmp_path: Path, settings: dict, split: str, message: str) -> None:
    pool = pool_of(PartSettings(name="folder", label="a", root=write_folder(tmp_path / "a", seed=1), **settings))
    with pytest.raises((DataError, UsageError), match=message):
        make_split(pool, split, 1)


@pytest.mark.parametrize("scene", ["as00.", "as00[0-9](x)?"])
def test_a_regex_for_scenes_without_a_group_that_fits_is_refused(tmp_path: Path, scene: str) -> None:
    pool = pool_of(
        PartSettings(name="folder", label="a", root=write_folder(tmp_path / "a", seed=1, count=4), scene=scene)
    )
    with pytest.raises(DataError, match="first group"):
        pool.group("a--as000_1")


def test_a_misspelt_key_of_a_part_is_told_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "parts.yaml").write_text("- {name: sample, label: a, wieght: 2}")
    with pytest.raises(UsageError, match=r"dataset\.parts\.0\.wieght: There is no such setting; the nearest is weight"):
        make_settings("smoke", {"dataset.name": "pool", "dataset.parts": str(tmp_path / "parts.yaml")})


@pytest.mark.parametrize("root", ["5", "[x]"])
def test_a_root_that_is_no_path_is_told_of(tmp_path: Path, root: str) -> None:
    (tmp_path / "parts.yaml").write_text(f"- {{name: folder, label: a, root: {root}}}")
    with pytest.raises(UsageError, match="root"):
        make_settings("smoke", {"dataset.name": "pool", "dataset.parts": str(tmp_path / "parts.yaml")})
    with pytest.raises(ValidationError, match="weight"):
        PartSettings(name="sample", label="a", weight=1e308)


def test_a_part_that_is_not_there_is_told_as_a_part(tmp_path: Path) -> None:
    with pytest.raises(DataError) as told:
        pool_of(PartSettings(name="dnit", label="highways", root=tmp_path / "nowhere"))
    assert "Part 'highways' of the pool: The folder" in told.value.problem
    assert "Check its root. Get it from" in told.value.remedy
    root = write_folder(tmp_path / "town", seed=1)
    with pytest.raises(DataError, match="as its name folder"):
        pool_of(PartSettings(name="dnit", label="town", root=root))
