"""Masks from disk: which pixels are crack, recognised by the set of values that a file holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.errors import DataError
from pipeline.arrays import Mask
from pipeline.datasets.mask_depth import Greys, grey_codes
from pipeline.datasets.pictures import LOSSY, Pixels, read_pixels
from pipeline.mask_values import COLOUR, MaskValues, told

Codes = NDArray[np.uint32]

BY_ALPHA = "one colour on clear ground: what is opaque is taken for crack"
FUZZY = "its values lie near black and white (a JPEG once?): cut at 127"
ONE_COLOUR = "one colour on black: the colour is taken for crack"
MOSTLY_IGNORED = (
    "0, 1 and 255 are read as background, crack and not judged, and far more is 255 than 1; if 255 is crack, \
say --mask-values crack=1,255"
)
MOSTLY = "more than half of it is crack; if crack and background are swapped, say --mask-values crack=0"

_DARK, _BRIGHT = 63, 192  # the ends of grey between which a JPEG of a black and white mask leaves few pixels
_WHITE = 250
_CHROMA = 48  # difference of channels that a JPEG's noise leaves in grey
_PEAK = 0.1  # of the bright pixels: more on one middle grey is a label, not noise
_SEEN_AT_MOST = 8
_FAR_MORE = 10  # times as many pixels


class Truth(NamedTuple):
    """What a mask file says.

    Attributes:
        crack: ``(H, W)`` bool, True on crack.
        ignore: ``(H, W)`` bool, True where nobody is to judge; None where everything is to be judged.
        notes: what a user should know of how the file was read.
        white: 255 was taken for crack, by the set of values alone.
        shades: how 16 bits were read (`pipeline.datasets.mask_depth.Greys`).
    """

    crack: Mask
    ignore: Mask | None = None
    notes: tuple[str, ...] = ()
    white: bool = False
    shades: bool | None = None


def read_mask(path: Path) -> Mask:
    """Read a black and white mask that this program wrote, as ``(H, W)`` bool: True where it is above 127.

    Raises:
        DataError: the file is missing or unreadable.
    """
    pixels, _ = read_pixels(path)
    levels = pixels if pixels.ndim == 2 else pixels[..., :3].max(axis=2)
    return np.ascontiguousarray(levels > 127)


def read_truth(path: Path, values: MaskValues | None = None) -> Truth:
    """Read a mask whoever drew it.

    Without `values` the set of values tells: 0 and 255, or 0 and 1, are background and crack; with 0 and 1 together
    255 is not to be judged; values near black and white are cut at 127; one bright colour on black, or one colour on
    clear ground, is crack. The mask is turned by its own EXIF orientation only, never by the photograph's.

    Args:
        path: a picture, 8 or 16 bits, grey, palette (whose colours count), colour or with transparency.
        values: what its values mean, the same in every file. Where they name colours, colours count, and clear is 0;
            where they name greys alone, a colour that is almost grey is one, and of one colour on clear ground, unless
            it is itself a grey that they name, the alpha counts.

    Raises:
        DataError: the file is missing or unreadable, or its values do not say which pixels are crack.
    """
    pixels, kind = read_pixels(path)
    codes, shades, notes = _read_codes(pixels, path, values)
    if values is not None:
        crack, ignore = values.cut(codes)
    else:
        crack, ignore, note = _recognise(codes, path, lossy=kind in LOSSY)
        notes += note
    white = values is None and bool(crack.any()) and bool((codes[crack] == 255).all())
    return Truth(np.ascontiguousarray(crack), ignore, notes, white, shades)


def values_held(path: Path, values: MaskValues) -> str:
    """The values of a mask as `read_truth` sees them, in words: ``it holds the values 0 (94.0%), 255 (6.0%)``."""
    codes = _read_codes(read_pixels(path)[0], path, values)[0]
    return _listed(*np.unique(codes, return_counts=True))


def notes_of(truth: Truth) -> tuple[str, ...]:
    """What a user should know of a mask: how it was read, and that it is mostly crack."""
    return (*truth.notes, MOSTLY) if truth.crack.mean() > 0.5 else truth.notes


def told_once(notes: Mapping[str, Sequence[str]]) -> list[str]:
    """One line for each kind of note.

    Args:
        notes: by the path of the mask.

    >>> told_once({"a.png": [], "b.png": ["inverted"], "c.png": ["inverted"]})
    ['b.png (1 more like it): inverted']
    """
    of_kind: dict[str, list[str]] = {}
    for path, told_of in notes.items():
        for note in told_of:
            of_kind.setdefault(note, []).append(path)
    more = {note: f" ({len(paths) - 1} more like it)" if len(paths) > 1 else "" for note, paths in of_kind.items()}
    return [f"{paths[0]}{more[note]}: {note}" for note, paths in of_kind.items()]


def _read_codes(pixels: Pixels, path: Path, values: MaskValues | None) -> Greys:
    if pixels.ndim == 2:
        return grey_codes(pixels, path, values)
    codes, notes = _codes(pixels, path) if values is None else (_told_codes(pixels, path, values), ())
    return Greys(codes, None, notes)


def _codes(pixels: Pixels, path: Path) -> tuple[Codes, tuple[str, ...]]:
    """One code a pixel: grey value, or `COLOUR` with the colour; and a note where the alpha was taken."""
    colours = pixels[..., :3]
    clear = _clear(pixels, path)
    if clear is None:
        only_grey = int((colours.max(axis=2) - colours.min(axis=2)).max(initial=0)) <= _CHROMA
        return (colours.max(axis=2).astype(np.uint32) if only_grey else _colour_codes(colours)), ()
    seen = _colour_codes(colours)[~clear]
    if seen.size and seen.min() != seen.max():
        raise _several(path, "Say which are crack, where clear pixels count as 0: --mask-values crack=#ff0000.")
    return pixels[..., 3].astype(np.uint32), (BY_ALPHA,)


def _told_codes(pixels: Pixels, path: Path, values: MaskValues) -> Codes:
    """The same where a user has told the values, so that a pixel's code does not depend on the others of its file."""
    colours, clear = pixels[..., :3], _clear(pixels, path)
    codes = _colour_codes(colours)
    if not values.names_colours:
        brightest = colours.max(axis=2)
        codes = np.where(brightest - colours.min(axis=2) <= _CHROMA, brightest, codes).astype(np.uint32)
        if clear is not None and not clear.all():
            lowest, highest = int(codes[~clear].min()), int(codes[~clear].max())
            if lowest == highest and _alpha_counts(lowest, values):
                return pixels[..., 3].astype(np.uint32)
            if lowest != highest and highest >= COLOUR:
                raise _several(path, "Name the colours of the cracks: --mask-values crack=#ff0000.")
    return codes if clear is None else np.where(clear, np.uint32(0), codes)


def _alpha_counts(code: int, values: MaskValues) -> bool:
    """Whether greys that were told are meant of the alpha: not where they name this one grey, and 255 otherwise."""
    own, opaque = (
        [mask is not None and bool(mask.any()) for mask in values.cut(np.array([value], np.uint32))]
        for value in (code, 255)
    )
    return own == opaque or not any(own)


def _clear(pixels: Pixels, path: Path) -> Mask | None:
    """``(H, W)`` bool, True on clear pixels; None where there is no clear ground.

    Raises:
        DataError: all of it is clear, and there is a drawing beneath.
    """
    if pixels.shape[2] == 3 or int(pixels[..., 3].min()) == 255:
        return None
    clear = pixels[..., 3] == 0
    if clear.all() and (pixels != pixels[0, 0]).any():
        raise DataError(f"{path} is clear all over (alpha 0), with a drawing beneath.", "Save it without transparency.")
    return np.asarray(clear, np.bool_)


def _several(path: Path, remedy: str) -> DataError:
    return DataError(f"{path} has clear pixels beside those of several colours.", remedy)


def _colour_codes(colours: Pixels) -> Codes:
    wide = colours.astype(np.uint32)
    codes = COLOUR | wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
    mixed: Codes = np.where((colours == colours[..., :1]).all(axis=2), wide[..., 0], codes)
    return mixed


def _recognise(codes: Codes, path: Path, lossy: bool) -> tuple[Mask, Mask | None, tuple[str, ...]]:
    """Crack, what is not to be judged, and notes, by the set of values alone."""
    found, counts = np.unique(codes, return_counts=True)
    values = frozenset(found.tolist())
    if values <= {0, 255}:
        return codes == 255, None, ()
    if not lossy and values <= {0, 1}:
        return codes == 1, None, ()
    if not lossy and values == {0, 1, 255}:
        return codes == 1, codes == 255, (MOSTLY_IGNORED,) if counts[2] > _FAR_MORE * counts[1] else ()
    if len(found) == 2 and found[0] == 0 and found[1] >= COLOUR and 255 in (int(found[1]) - COLOUR).to_bytes(3):
        return codes > 0, None, (ONE_COLOUR,)
    if _is_fuzzy(found, counts, lossy):
        return codes > 127, None, (FUZZY,)
    raise DataError(f"{path} does not say which pixels are crack: {_listed(found, counts)}.", _remedy(found, counts))


def _is_fuzzy(values: Codes, counts: NDArray[np.int64], lossy: bool) -> bool:
    """True for two clusters, near black and near white, with little and nothing peaked between them.

    Labels beside a 255 for "not judged" are no such clusters: their bright end is one value.
    """
    if values[0] > 255 - _WHITE or not _WHITE <= values[-1] <= 255:
        return False
    bright = values >= _BRIGHT
    between = counts[(values > _DARK) & ~bright]
    if not lossy and not (bright.sum() > 1 or (len(values) == 2 and values[0] == 0)):
        return False
    white = int(counts[bright].sum())
    return int(between.sum()) <= white and int(between.max(initial=0)) <= max(_PEAK * white, 1)


def _listed(values: Codes, counts: NDArray[np.int64]) -> str:
    """Values, the commonest first, with their share of the pixels."""
    order = np.argsort(-counts, kind="stable")[:_SEEN_AT_MOST]
    shares = ", ".join(f"{told(int(values[i]))} ({counts[i] / counts.sum():.1%})" for i in order)
    rest = len(values) - len(order)
    return f"it holds the values {shares}" + (f" and {rest} more" if rest else "")


def _remedy(values: Codes, counts: NDArray[np.int64]) -> str:
    rarest = told(int(values[counts.argmin()]))
    if len(values) > _SEEN_AT_MOST and values.max() >= COLOUR:  # cut by brightness, a colour would be no crack
        return (
            "Save the masks as PNG with crack 255, all else 0: a JPEG smears colours. Are these many colours meant, "
            "name the cracks': --mask-values crack=#ff0000."
        )
    likely = f"crack={rarest}" if len(values) <= _SEEN_AT_MOST else "crack=128-255"
    return (
        f"Say which values are crack, for example --mask-values {likely}, or save the masks with crack 255, all else 0."
    )
