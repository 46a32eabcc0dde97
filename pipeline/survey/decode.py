"""Bytes → photograph, or the reason why not. Only formats that cameras write are opened, whatever the name says."""

from __future__ import annotations

import re
import struct

from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from models.errors import DataError
from pipeline.datasets.photograph import Photo, Unfit, decode_photo
from pipeline.survey.listing.photographs import Refused

FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF")
"""Pillow's names; an MPO is opened as the JPEG that it begins as. Others stay shut: Pillow would hand PostScript, for
one, to a program of its own."""

SIGNATURES = (
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"\x89PNG", "PNG"),
    (rb"II\*\0|MM\0\*|II\+\0|MM\0\+", "TIFF"),
    (rb"RIFF....WEBP", "WebP"),
    (rb"BM", "BMP"),
    (rb"GIF8[79]a", "GIF"),
)
FOREIGN = (
    (rb"....ftyp(heic|heix|hevc|hevx|heim|heis|mif1|msf1)", "HEIC"),
    (rb"....ftypavi[fs]", "AVIF"),
    (rb"....ftypcrx |FUJIFILMCCD-RAW|II(RO|RS|U\0)|MMOR|FOVb", "a camera's raw file"),
    (rb"....ftyp(mp4|isom|qt  |M4V)", "a film"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"\0\0\0\x0cJXL |\xff\x0a", "JPEG XL"),
    (rb"%PDF", "PDF"),
    (rb"%!PS", "PostScript"),
    (rb"8BPS", "Photoshop"),
    (rb"PK\x03\x04", "a ZIP archive"),
    (rb"\s*(<\?xml|<svg)", "SVG or XML"),
)
CUT_SHORT = "truncated|EOF|unexpected end|not enough|premature end of JPEG file"
COPY = "Copy it again from its source."


def decode(content: bytes, max_pixels: int) -> Photo:
    """Decode one photograph (`pipeline.datasets.photograph.decode_photo`).

    Args:
        content: the whole file.
        max_pixels: more than these are refused before any pixel is decoded.

    Raises:
        Refused: it is none, or damaged, animated, too large, or of a kind that is not read.
    """
    if not content:
        raise Refused("read", "empty", f"The file is empty. {COPY}")
    try:
        return decode_photo(content, "The photograph", FORMATS, max_pixels)
    except UnidentifiedImageError:
        raise _unknown(content) from None
    except Pillow.DecompressionBombError:
        raise Refused("decode", "too large", f"It claims over {max_pixels / 1e6:g} Mpx; see --max-pixels.") from None
    except Unfit as error:
        raise Refused("decode", error.kind, f"{error.problem} {error.remedy}") from None
    except DataError as error:
        raise Refused("decode", "unsupported", f"{error.problem} {error.remedy}") from None
    except MemoryError:
        raise Refused("decode", "out of memory", "It is too large for the memory of this machine.") from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, OverflowError) as error:
        kind = "truncated" if re.search(CUT_SHORT, str(error), re.I) else "damaged"
        raise Refused("decode", kind, f"The file is {kind}: {error}. {COPY}") from None
    except (Refused, KeyboardInterrupt, SystemExit):
        raise
    except Exception as error:  # a decoder that stumbles over what it was fed must not end the batch
        raise Refused("decode", "damaged", f"The file is damaged: {type(error).__name__}, {error}. {COPY}") from error


def allow_pixels(max_pixels: int) -> None:
    """Let Pillow open pictures up to `max_pixels`; it refuses from twice its own limit on, for the whole process."""
    Pillow.MAX_IMAGE_PIXELS = max(max_pixels, 1)


def _unknown(content: bytes) -> Refused:
    head = content[:64]
    for pattern, name in SIGNATURES:
        if re.match(pattern, head, re.DOTALL):
            return Refused("decode", "damaged", f"It begins as {name} but its header is damaged. {COPY}")
    for pattern, name in FOREIGN:
        if re.match(pattern, head, re.DOTALL):
            return Refused("decode", "unsupported", f"It is {name}. Save it as JPEG, PNG, TIFF or WebP.")
    return Refused("decode", "not a picture", "It is no picture, whatever its name says. Remove it.")
