"""Patches of a slide as pictures: read from its file, and laid out in rows with a heading each."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from saccade.core.errors import BadInput
from saccade.imaging.field_drawing import Drawn, text_font
from saccade.imaging.slides import Slide
from saccade.imaging.slides.thumbnails import level_for

SIDE = 192
"""Pixels along the side of a patch on a sheet."""

_PAPER, _INK, _MUTED = (255, 255, 255), (20, 20, 20), (95, 95, 95)
_GAP, _HEADING, _CAPTION, _FONT = 10, 30, 54, 15

Patches = UInt8[np.ndarray, "patch side side 3"]


@dataclass(frozen=True, eq=False)
class PatchRow:
    """One row of a sheet.

    Attributes:
        heading: What these patches have in common.
        patches: From left to right.
        captions: Below each; may be of two lines.
    """

    heading: str
    patches: Patches
    captions: tuple[str, ...]


def slide_patches(slide: Slide, boxes: Float[np.ndarray, "patch 4"], side: int = SIDE) -> Patches:
    """The pixels of boxes in base pixels, each brought to one side; beyond the slide there is its background.

    Read from the coarsest level that is fine enough.

    >>> from saccade.imaging.slides import open_slide
    >>> slide_patches(open_slide("images/second.bmp"), np.array([[0.0, 0, 16, 16]]), side=16).shape
    (1, 16, 16, 3)

    Args:
        slide: The slide.
        boxes: About square; others are stretched.
        side: In pixels.

    Raises:
        UnreadableSlide: The file is damaged there.
    """
    patches = np.empty((len(boxes), side, side, 3), np.uint8)
    for patch, (x0, y0, x1, y1) in zip(patches, boxes.tolist(), strict=True):
        number = level_for(slide.levels, max(1.0, (x1 - x0) / side))
        width, height = (max(1, round(edge / slide.levels[number].downsample)) for edge in (x1 - x0, y1 - y0))
        region = slide.read_region(round(x0), round(y0), number, width, height)
        how = cv2.INTER_AREA if width > side else cv2.INTER_CUBIC
        patch[:] = region if region.shape[:2] == (side, side) else cv2.resize(region, (side, side), interpolation=how)
    return patches


def rows_picture(rows: Sequence[PatchRow]) -> Drawn:
    """Rows of patches one below the other.

    >>> row = PatchRow("the heaviest", np.zeros((2, 32, 32, 3), np.uint8), ("1", "2"))
    >>> rows_picture([row]).shape
    (126, 94, 3)

    Raises:
        BadInput: There is no row, or not one caption for each patch.
    """
    if not rows or any(len(row.patches) != len(row.captions) for row in rows):
        raise BadInput("a sheet needs rows, and each patch a caption", "give one caption for each patch")
    size = rows[0].patches.shape[1]
    across = max(1, *(len(row.patches) for row in rows))
    high = _HEADING + size + _CAPTION
    canvas = Image.new("RGB", (_GAP + across * (size + _GAP), _GAP + len(rows) * high), _PAPER)
    draw = ImageDraw.Draw(canvas)
    for place, row in enumerate(rows):
        top = _GAP + place * high
        draw.text((_GAP, top), row.heading, _INK, text_font(_FONT + 2))
        for column, (patch, caption) in enumerate(zip(row.patches, row.captions, strict=True)):
            left = _GAP + column * (size + _GAP)
            canvas.paste(Image.fromarray(patch), (left, top + _HEADING))
            draw.multiline_text((left, top + _HEADING + size + 3), caption, _MUTED, text_font(_FONT), spacing=2)
    return np.asarray(canvas)
