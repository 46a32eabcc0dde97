"""What the readers of files share: a photograph and a truth file for each name."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.errors import DataError
from models.given import is_pipe, read_given, readable
from pipeline.datasets.base import CrackDataset, Sample
from pipeline.datasets.mask_coding import OneCoding
from pipeline.datasets.masks import Truth, notes_of, read_truth, told_once
from pipeline.datasets.passed_over import other_formats
from pipeline.datasets.pictures import PICTURE_SUFFIXES, exif_orientation, header_pixels, read_photo
from pipeline.mask_values import MaskValues

TEST_LIST = "test.txt"
"""In the folder of a data set: names of its official test part, one a line."""

TURNED = (
    "its photograph is turned upside down, on its side or mirrored by EXIF, and the mask, taken as it is, fits either "
    "way by its size; if it was drawn on the photograph as stored, turn it too"
)

BY_EXIF = " The mask fits only without the photograph's EXIF orientation."
SAVED_TURNED = (
    "A mask is drawn on the photograph as it is shown: turn the mask as EXIF turns the photograph, or take that "
    "orientation out of the photograph (exiftool -Orientation= FILE)."
)

_MOST_LIST_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Pair:
    """Files of one sample; a negative has no truth."""

    image: Path
    truth: Path | None


class PairedDataset(CrackDataset):
    """A data set on disk, one photograph and one truth file a sample.

    Attributes:
        root: its folder.
        mask_values: what the values of its masks mean; None where the values themselves say it.
    """

    def __init__(self, root: Path, mask_values: MaskValues | None = None) -> None:
        """Find and check the files, without reading them.

        Raises:
            DataError: the folder is missing, empty or another data set, or a file lacks its counterpart.
        """
        self.root = Path(root).expanduser()
        self.mask_values = mask_values
        self._notes: dict[str, tuple[str, ...]] = {}
        self._coding = OneCoding()
        self._pairs = self._find()
        self._names = tuple(sorted(n for n, pair in self._pairs.items() if pair.truth is not None))
        self._negative_names = tuple(sorted(n for n, pair in self._pairs.items() if pair.truth is None))
        if not self._names:
            raise DataError(f"{self.root} holds no photograph with a mask.", "Check --root.")

    @abstractmethod
    def _find(self) -> Mapping[str, Pair]:
        """List the files by sample name, having checked the layout."""

    def _read_truth(self, path: Path) -> Truth:
        """Read the truth of one photograph."""
        return read_truth(path, self.mask_values)

    @property
    def names(self) -> tuple[str, ...]:
        """Labelled samples, sorted."""
        return self._names

    @property
    def negative_names(self) -> tuple[str, ...]:
        """Crack-free photographs without a mask, sorted."""
        return self._negative_names

    @property
    def official_test_names(self) -> tuple[str, ...]:
        """Samples that ``test.txt`` keeps for testing, sorted; none where there is no such file.

        Raises:
            DataError: it cannot be read, or names a sample that there is not.
        """
        path = self.root / TEST_LIST
        try:
            lines = read_given(path, _MOST_LIST_BYTES).decode("utf-8-sig").splitlines()
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path} cannot be read: {error}", "Write one sample's name a line, in UTF-8.") from error
        listed = sorted({line.strip() for line in lines if line.strip()})
        if not listed:
            raise DataError(f"{path} names no sample.", "Write one sample's name a line, or remove the file.")
        if unknown := [name for name in listed if name not in self._names]:
            raise DataError(
                f"{path} names {unknown[0]!r}, and no such sample is here.",
                "Mend or remove that line: one name each, without suffix.",
            )
        return tuple(listed)

    def load(self, name: str) -> Sample:
        """Read one sample.

        Raises:
            DataError: no such sample, a file is unreadable, or photograph and mask differ in size.
        """
        pair = self._pair(name)
        image, valid, turned = read_photo(pair.image)
        truth = Truth(np.zeros(image.shape[:2], bool)) if pair.truth is None else self._read_truth(pair.truth)
        mask, ignore = truth.crack, truth.ignore
        if pair.truth is not None:
            self._coding.check(pair.truth, truth)
        if mask.shape != image.shape[:2]:
            differ = _mismatch(pair, image.shape[:2], mask.shape, turned)
            raise DataError(differ, SAVED_TURNED if BY_EXIF in differ else "Replace one of them; neither is resized.")
        self._notes[name] = (*notes_of(truth), *([TURNED] if _turned_alone(pair, image.shape[:2], turned) else []))
        if valid is not None:  # where the file says that there is no picture, nothing is judged
            mask, ignore = mask & valid, ~valid if ignore is None else ignore | ~valid
        return Sample(name, self.group(name), image, mask, ignore)

    def pixels(self, name: str) -> int:
        """How many pixels a photograph has, by its header where that is sure to say it."""
        path = self._pair(name).image
        return header_pixels(path) or super().pixels(name)

    @property
    def notes(self) -> list[str]:
        """What a user should know of how the masks loaded so far were read: one line a kind."""
        return told_once({str(self._pairs[name].truth): notes for name, notes in sorted(self._notes.items())})

    def content_digest(self, name: str) -> str:
        """SHA-256 (hex) over the bytes of the photograph and its truth."""
        pair = self._pair(name)
        digest = hashlib.sha256()
        for path in (pair.image, pair.truth):
            digest.update(b"none" if path is None else _file_digest(path))
        if self.mask_values is not None:  # other values, another truth
            digest.update(repr(self.mask_values).encode())
        return digest.hexdigest()

    def _pair(self, name: str) -> Pair:
        try:
            return self._pairs[name]
        except KeyError:
            raise DataError(
                f"There is no sample {name!r} in {self.root}.",
                f"It holds {len(self._names)} samples, {self._names[0]} to {self._names[-1]}.",
            ) from None


def pictures_by_stem(folder: Path) -> dict[str, Path]:
    """Pictures in `folder` by name without suffix; hidden files and other formats are passed over.

    Raises:
        DataError: two pictures share a stem, or a name is not UTF-8.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in PICTURE_SUFFIXES or path.name.startswith("."):
            continue
        if (shown := readable(path.name)) != path.name:
            raise DataError(f"{folder / shown}: its name is not UTF-8.", "Rename it, for example with convmv.")
        if path.stem in found:
            raise DataError(
                f"{found[path.stem]} and {path.name} are two pictures of one name.", "Rename or remove one of them."
            )
        found[path.stem] = path
    return found


def require_counterparts(
    have: Iterable[str], want: Mapping[str, Path], folder: Path, *, what: str, remedy: str
) -> None:
    """Check that every name of `want` is in `have`.

    Args:
        have: names that `folder` holds.
        want: files by name whose counterparts must lie in `folder`.
        folder: where the counterparts should be.
        what: the counterpart in a word, "mask" or "photograph".
        remedy: what to do when some lack.

    Raises:
        DataError: naming the first file without a counterpart, and how many there are.
    """
    lacking = sorted(set(want).difference(have))
    if lacking:
        other = other_formats(folder).get(lacking[0])
        but = "" if other is None else f", but for {other.name}, whose format is not read in data sets"
        more = _more(len(lacking) - 1)
        raise DataError(
            f"{want[lacking[0]]} has no {what} in {folder}{more}{but}.",
            remedy if other is None else f"Save {other.name} as PNG, and others like it.",
        )


def _more(count: int) -> str:
    return f" ({count} more like it)" if count else ""


def _turned_alone(pair: Pair, shape: tuple[int, ...], turned: int) -> bool:
    """Whether EXIF turns the photograph and not its mask, though the sizes of both agree either way."""
    unseen = range(2, 9) if shape[0] == shape[1] else range(2, 5)  # from 5 on width and height change places
    if turned not in unseen or pair.truth is None or pair.truth.suffix.lower() not in PICTURE_SUFFIXES:
        return False
    return exif_orientation(pair.truth) == 1


def _mismatch(pair: Pair, image: tuple[int, ...], mask: tuple[int, ...], turned: int) -> str:
    why = ""
    if image == mask[::-1]:
        why = BY_EXIF if turned >= 5 else " It is turned by 90°."
    return f"{pair.image} is {image[1]}×{image[0]} px, but its mask {pair.truth} is {mask[1]}×{mask[0]} px.{why}"


def _file_digest(path: Path) -> bytes:
    try:
        if is_pipe(path):
            raise DataError(f"{path} is a pipe, socket or device, not a file.", "Put a file in its place.")
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}.", "Check the file, or fetch the data again."
        ) from error
