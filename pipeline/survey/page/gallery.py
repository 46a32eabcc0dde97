"""Photographs for a page, each in layers (photograph, boxes, cracks) that a reader can take off."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from markupsafe import Markup
from PIL import Image as Pillow

from pipeline.arrays import Image, Mask, round_outwards
from pipeline.reporting.figures import PALETTE
from pipeline.reporting.pages import data_uri
from pipeline.survey.page.crack_lines import CrackLines, draw_cracks
from pipeline.survey.page.worst import Seen

PHOTOGRAPH_BYTES, MASK_BYTES = 110_000, 25_000
"""Most that one photograph and its mask may take in the page, before base64 adds a third."""

MOST_BOXES, MOST_SCORES = 150, 40
"""Boxes drawn, and boxes up to which their scores are: more would hide the road."""

ATTEMPTS = ((1280, 84), (1280, 74), (1024, 70), (1024, 58), (800, 55), (640, 50), (480, 40))
"""Longest side in px and JPEG quality, tried in turn."""


@dataclass(frozen=True)
class Plate:
    """One photograph of the gallery.

    Attributes:
        row: of the table ``images``.
        width, height: of the photograph, px; boxes are drawn in these.
        photograph, mask: data URIs; the mask is transparent where there is no crack.
        outlines: path of the boxes, as SVG has it.
        scores: x, y (px) and text of each box's score.
        cracks: lines of its cracks and outlines of its pattern areas.
    """

    row: Mapping[str, Any]
    width: int
    height: int
    photograph: Markup
    mask: Markup | None
    outlines: Markup
    scores: list[tuple[int, int, str]]
    cracks: CrackLines = field(default_factory=CrackLines)


def make_plates(
    seen: Iterable[Seen], count: int, cracks: Mapping[str, list[dict[str, Any]]] | None = None
) -> Iterator[Plate]:
    """The first `count` photographs as plates, one at a time in memory.

    `cracks`: their rows of the table ``cracks``, by name.
    """
    for _, look in zip(range(count), seen, strict=False):
        height, width = look.image.shape[:2]
        boxes = look.boxes[:MOST_BOXES]
        corners = round_outwards(boxes[:, :4], (height, width)).tolist()
        yield Plate(
            row=look.row,
            width=width,
            height=height,
            photograph=photograph_uri(look.image),
            mask=None if look.mask is None else mask_uri(look.mask),
            outlines=Markup("".join(f"M{x1} {y1}H{x2}V{y2}H{x1}z" for x1, y1, x2, y2 in corners)),  # numbers only
            scores=[
                (x1, y1, f"{score:.0%}")
                for (x1, y1, _, _), score in zip(corners, boxes[:, 4].tolist(), strict=True)
                if len(corners) <= MOST_SCORES
            ],
            cracks=draw_cracks((cracks or {}).get(look.row["name"], []), width, height),
        )


def photograph_uri(image: Image) -> Markup:
    """``(H, W, 3)`` as JPEG in a data URI: the first of `ATTEMPTS` within `PHOTOGRAPH_BYTES`, else the smallest."""
    content = b""
    for side, quality in ATTEMPTS:
        target = io.BytesIO()
        Pillow.fromarray(_shrink(image, side)).save(target, "JPEG", quality=quality, optimize=True)
        content = target.getvalue()
        if len(content) <= PHOTOGRAPH_BYTES:
            break
    return Markup(data_uri("jpeg", content))


def mask_uri(mask: Mask) -> Markup:
    """``(H, W)`` bool as PNG in a data URI, coloured on crack; made smaller, a crack stays at least a pixel wide."""
    content = b""
    for side in (1280, 800, 400):
        # A pixel is crack where any that it stands for is: the mean of many rounds to nothing.
        grey = _shrink(np.where(mask, np.uint16(65535), np.uint16(0)), side)
        drawn = Pillow.fromarray((grey > 0).astype(np.uint8)).convert("P")
        drawn.putpalette([0, 0, 0, *PALETTE["fp"]])
        target = io.BytesIO()
        drawn.save(target, "PNG", bits=1, transparency=0, optimize=True)
        content = target.getvalue()
        if len(content) <= MASK_BYTES:
            break
    return Markup(data_uri("png", content))


def _shrink(picture: Any, side: int) -> Any:
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    return cv2.resize(
        picture, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
