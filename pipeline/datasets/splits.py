"""Which samples train, which choose, which measure: seeded, scenes kept whole, with a fingerprint."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models.errors import DataError, UsageError
from pipeline.datasets.base import CrackDataset
from pipeline.datasets.pool import Part, Pool

PARTS = ("train", "val", "test")
FOLDS = ("fold0", "fold1", "fold2", "fold3", "fold4")
SPLITS = ("paper", *FOLDS)

# The paper's 80/20/18, less the one picture of CrackForest that cannot be used.
_PAPER = {"train": 80, "val": 20, "test": 17}
_VAL_SHARE = 0.2
_VAL_LEAST = 10  # thresholds chosen on fewer pictures are chance

Scene = tuple[str, ...]  # names of one group, sorted


@dataclass(frozen=True, slots=True)
class Split:
    """Sample names of each part, sorted; no scene lies in two parts."""

    name: str
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over the parts; the split's own name does not count."""
        text = "\n".join(f"{part}:{','.join(self.part(part))}" for part in PARTS)
        return hashlib.sha256(text.encode()).hexdigest()

    def part(self, name: str) -> tuple[str, ...]:
        """Names of one part.

        Raises:
            UsageError: `name` is none of train, val and test.
        """
        if name not in PARTS:
            raise UsageError(f"A split has no part {name!r}.", f"Choose one of: {', '.join(PARTS)}.")
        names: tuple[str, ...] = getattr(self, name)
        return names


def make_split(dataset: CrackDataset, name: str, seed: int) -> Split:
    """Divide the labelled samples of `dataset`.

    ``paper`` takes 80:20:17 (exactly these numbers on CrackForest), or the data set's official test part where there
    is one; then samples of a scene that the test part shows as well are left out. ``fold0`` to ``fold4`` test on one
    of five parts of like size each; a fifth of the rest validates, of few samples up to a third.

    Args:
        dataset: names and scenes are asked of it, no picture is read.
        name: ``"paper"`` or ``"fold0"`` to ``"fold4"``.
        seed: equal seeds give equal splits, on any machine.

    Raises:
        UsageError: there is no such split.
        DataError: there are too few scenes for non-empty parts.
    """
    if name not in SPLITS:
        raise UsageError(f"There is no split {name!r}.", f"Choose one of: {', '.join(SPLITS)}; for a run also folds.")
    if isinstance(dataset, Pool):
        return _pooled(dataset, name, seed)
    official: tuple[str, ...] = getattr(dataset, "official_test_names", ())
    if name in FOLDS:
        scenes = _scenes(dataset, dataset.names)
        _require(dataset, scenes, len(FOLDS))
        test = _folds(scenes, seed)[FOLDS.index(name)]
        val_count = _val_count(s for s in scenes if s not in test)
    elif official:
        test = _scenes(dataset, official)
        shown = {dataset.group(member) for member in official}
        scenes = _scenes(dataset, (n for n in dataset.names if dataset.group(n) not in shown))
        _require(dataset, scenes, 2)
        val_count = _val_count(scenes)
    else:
        scenes = _scenes(dataset, dataset.names)
        _require(dataset, scenes, 3)
        whole = sum(_PAPER.values())
        test = _take(_shuffled(scenes, seed, "test"), round(len(dataset) * _PAPER["test"] / whole), spare=2)
        val_count = round(len(dataset) * _PAPER["val"] / whole)
    rest = [scene for scene in scenes if scene not in test]
    val = _take(_shuffled(rest, seed, f"val of {name}"), val_count, spare=1)
    train = [scene for scene in rest if scene not in val]
    return Split(name, _flat(train), _flat(val), _flat(test))


def _pooled(pool: Pool, name: str, seed: int) -> Split:
    """Every part split by itself, so that each has its share of every side."""
    sides: dict[str, list[str]] = {side: [] for side in PARTS}
    for label, part in pool.parts.items():
        split = _split_part(part, name, seed)
        for side in PARTS:
            sides[side] += [pool.pooled(label, own) for own in split.part(side)]
    if pool.left_out:
        sides = {side: [own for own in names if own not in pool.left_out] for side, names in sides.items()}
        sides["test"] = list(pool.left_out)
    if not sides["train"] or not sides["val"]:
        raise DataError("The pool keeps no scene to train on, or none to validate.", "Leave less of it out.")
    return Split(name, *(tuple(sorted(sides[side])) for side in PARTS))


def _split_part(part: Part, name: str, seed: int) -> Split:
    """A part's own split; where its settings say which scenes test or validate, theirs."""
    if part.settings.test is None and part.settings.val is None:
        return make_split(part, name, seed)
    if name in FOLDS:
        raise UsageError(
            f"Folds test every scene in turn, and the part {part.settings.label} says itself which test or validate.",
            "Take `test` and `val` away from it, or split it as paper.",
        )
    scenes = _scenes(part, part.names)
    test, val = _fitting(part, "test", scenes), _fitting(part, "val", scenes)
    if both := [part.group(scene[0]) for scene in test if scene in val]:
        raise DataError(
            f"The part {part.settings.label} has {len(both)} scenes that both test and validate, such as {both[0]}.",
            "Mend its `test` and `val`: thresholds would be chosen on test pictures.",
        )
    rest = [scene for scene in scenes if scene not in test and scene not in val]
    if not rest:
        raise DataError(f"The part {part.settings.label} keeps no scene to train on.", "Mend its `test` and `val`.")
    if not val:
        _require(part, rest, 2)
        val = _take(_shuffled(rest, seed, f"val of {name}"), _val_count(rest), spare=1)
        rest = [scene for scene in rest if scene not in val]
    return Split(name, _flat(rest), _flat(val), _flat(test))


def _fitting(part: Part, side: str, scenes: Sequence[Scene]) -> list[Scene]:
    """Scenes that the part's regex for one side fits; without a regex none."""
    pattern: str | None = getattr(part.settings, side)
    if pattern is None:
        return []
    found = [scene for scene in scenes if re.match(pattern, part.group(scene[0]))]
    if not found:
        raise DataError(
            f"The part {part.settings.label}: {side}: {pattern!r} fits none of its {len(scenes)} scenes.",
            f"A regex fits from the start of a scene's name on; they are called {part.group(scenes[0][0])} and so on.",
        )
    return found


def select(dataset: CrackDataset, part: str, seed: int) -> tuple[str, ...]:
    """Names of one part of one split, such as ``"paper-test"`` or ``"fold0-val"``; ``"all"`` is every labelled sample.

    Raises:
        UsageError: there is no such part.
        DataError: there are too few scenes to split.
    """
    if part == "all":
        return dataset.names
    split, _, side = part.partition("-")
    if split not in SPLITS or side not in PARTS:
        raise UsageError(
            f"There is no split {part!r}.",
            "Choose all, or one of paper, " + ", ".join(FOLDS) + " followed by -train, -val or -test.",
        )
    return make_split(dataset, split, seed).part(side)


def _scenes(dataset: CrackDataset, names: Iterable[str]) -> list[Scene]:
    members: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        members[dataset.group(name)].append(name)
    return sorted(tuple(scene) for scene in members.values())


def _require(dataset: CrackDataset, scenes: Sequence[Scene], least: int) -> None:
    if len(scenes) < least:
        part = f"The part {dataset.settings.label}, " if isinstance(dataset, Part) else ""
        raise DataError(
            f"{part}{dataset.title}: too few scenes to divide, {len(scenes)} where {least} are needed "
            f"(labelled pictures: {len(dataset)}).",
            "Add pictures of other scenes, or choose another split.",
        )


def _count(scenes: Iterable[Scene]) -> int:
    return sum(map(len, scenes))


def _val_count(scenes: Iterable[Scene]) -> int:
    """How many of the samples that do not test shall validate: a fifth, but of few samples up to a third."""
    count = _count(scenes)
    return max(round(_VAL_SHARE * count), min(_VAL_LEAST, count // 3))


def _flat(scenes: Iterable[Scene]) -> tuple[str, ...]:
    return tuple(sorted(name for scene in scenes for name in scene))


def _shuffled(scenes: Iterable[Scene], seed: int, purpose: str) -> list[Scene]:
    """Shuffle by hashing, which no release of Python or NumPy can change."""
    return sorted(scenes, key=lambda scene: hashlib.sha256(f"{seed}/{purpose}/{scene[0]}".encode()).digest())


def _take(scenes: Sequence[Scene], count: int, spare: int) -> list[Scene]:
    """Choose scenes with as near to `count` samples in all as whole scenes allow, from the front where it can.

    At least one is chosen and at least `spare` are left. Subset sum: bit i of ``within[k]`` is set when some of the
    first k scenes hold i samples together.
    """
    within = [1]
    for scene in scenes:
        within.append(within[-1] | within[-1] << len(scene))
    sums = [i for i in range(1, within[-1].bit_length()) if within[-1] >> i & 1]
    left = min(sums, key=lambda i: (abs(i - count), i))
    taken: list[Scene] = []
    for k in range(len(scenes), 0, -1):
        if not within[k - 1] >> left & 1:
            taken.append(scenes[k - 1])
            left -= len(scenes[k - 1])
    if len(scenes) - len(taken) < spare:
        return [min(scenes, key=lambda scene: abs(len(scene) - count))]
    return taken


def _folds(scenes: Sequence[Scene], seed: int) -> list[list[Scene]]:
    """Deal scenes into five parts: the largest first, each to the part that holds the fewest samples."""
    folds: list[list[Scene]] = [[] for _ in FOLDS]
    for scene in sorted(_shuffled(scenes, seed, "folds"), key=len, reverse=True):
        min(folds, key=_count).append(scene)
    return folds
