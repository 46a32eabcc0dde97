"""Several data sets as one: each keeps its own scenes and split, and weighs what it is told to."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import replace

from models.errors import DataError, UsageError
from pipeline.datasets.base import CrackDataset, Sample
from pipeline.settings import PartSettings

BETWEEN = "--"  # stands in no label, so that a pooled name is read back without doubt


class Part(CrackDataset):
    """One data set of a pool, with the scenes and terms that the pool's settings state."""

    def __init__(self, settings: PartSettings, dataset: CrackDataset) -> None:
        self.settings, self.dataset = settings, dataset
        self.key, self.title = dataset.key, dataset.title
        self.licence = settings.licence or dataset.licence
        self.official_test_names: tuple[str, ...] = getattr(dataset, "official_test_names", ())
        # What is not known to be allowed is not.
        self.commercial = dataset.commercial if settings.commercial is None else settings.commercial

    @property
    def names(self) -> tuple[str, ...]:
        """Its labelled samples, sorted."""
        return self.dataset.names

    def load(self, name: str) -> Sample:
        """Read one sample."""
        return self.dataset.load(name)

    def group(self, name: str) -> str:
        """Scene of one of its samples.

        Raises:
            DataError: the regex for scenes does not fit the name.
        """
        if self.settings.scene is None:
            return self.dataset.group(name)
        found = re.match(self.settings.scene, name)
        if found is None or not found.re.groups or found[1] is None:
            raise DataError(
                f"{self.settings.label}: the regex {self.settings.scene!r} finds no scene in the name {name!r}.",
                "Mend `scene` of this part: its first group, in round brackets, is the scene.",
            )
        return found[1]

    def content_digest(self, name: str) -> str:
        """SHA-256 (hex) over the bytes of one sample, and over how it is read."""
        read = self.settings.model_dump_json(exclude={"root", "weight", "attribution", "mask_values"})
        return hashlib.sha256(f"{read}{self.dataset.content_digest(name)}".encode()).hexdigest()


class Pool(CrackDataset):
    """Data sets side by side; a sample's name is ``LABEL--NAME``, its scene ``LABEL/SCENE``.

    Args:
        parts: the data sets.
        leave_out: regex of scenes that alone test, whole data sets (``sut/``) or roads (``dnit/020BDF``): a pool split
            so shows what networks make of a road that they have never seen.

    Raises:
        UsageError: there are no parts, or two of one label; `leave_out` fits no scene.
    """

    key = "pool"
    title = "Pool of data sets"

    def __init__(self, parts: Sequence[Part], leave_out: str | None = None) -> None:
        labels = [part.settings.label for part in parts]
        if not parts:
            raise UsageError(
                "A pool needs parts.",
                "Give `crack-survey run` --set dataset.parts=FILE.yaml, a list; all else takes one data set.",
            )
        if twice := sorted({label for label in labels if labels.count(label) > 1}):
            raise UsageError(f"Two parts of the pool are called {twice[0]}.", "Give each a label of its own.")
        self.parts = {part.settings.label: part for part in parts}
        self.left_out = frozenset(
            name for name in self.names if leave_out is not None and re.match(leave_out, self.group(name))
        )
        if leave_out is not None and not self.left_out:
            raise UsageError(
                f"dataset.leave_out={leave_out!r} fits no scene of the pool.",
                f"Scenes are called LABEL/SCENE, such as {self.group(self.names[0])}.",
            )
        learnt = {self.label_of(name) for name in self.names if name not in self.left_out}
        self.learnt = {label: part for label, part in self.parts.items() if label in learnt}
        self.licence = "; ".join(f"{label}: {part.licence}" for label, part in self.learnt.items())
        self.commercial = all(part.commercial for part in self.learnt.values())

    @property
    def names(self) -> tuple[str, ...]:
        """Labelled samples of all parts, sorted."""
        return tuple(sorted(self.pooled(label, name) for label, part in self.parts.items() for name in part.names))

    @property
    def notes(self) -> list[str]:
        """Those of all parts."""
        return [note for part in self.parts.values() for note in part.dataset.notes]

    @property
    def mm_per_px(self) -> float | None:
        """Scale of what is learnt from: the geometric mean of the parts that state one, by weight; else None."""
        stated = [part.settings for part in self.learnt.values()]
        known = [(part.weight, math.log(part.mm_per_px)) for part in stated if part.mm_per_px is not None]
        total = sum(weight for weight, _ in known)
        return round(math.exp(sum(weight * log for weight, log in known) / total), 6) if known else None

    @staticmethod
    def pooled(label: str, name: str) -> str:
        """What the pool calls a sample of one part."""
        return f"{label}{BETWEEN}{name}"

    def part_of(self, name: str) -> tuple[Part, str]:
        """The part that a pooled sample belongs to, and its name there.

        Raises:
            DataError: there is no such sample.
        """
        label, _, inner = name.partition(BETWEEN)
        if label not in self.parts:
            raise DataError(f"The pool has no sample {name!r}.", f"Its parts are {', '.join(self.parts)}.")
        return self.parts[label], inner

    @staticmethod
    def label_of(name: str) -> str:
        """Label of the part that a pooled name belongs to."""
        return name.partition(BETWEEN)[0]

    def load(self, name: str) -> Sample:
        """Read one sample."""
        part, inner = self.part_of(name)
        return replace(part.load(inner), name=name, group=self.group(name))

    def group(self, name: str) -> str:
        """Part and scene."""
        part, inner = self.part_of(name)
        return f"{part.settings.label}/{part.group(inner)}"

    def content_digest(self, name: str) -> str:
        """SHA-256 (hex) over one sample."""
        part, inner = self.part_of(name)
        return part.content_digest(inner)
