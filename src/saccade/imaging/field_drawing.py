"""Drawing fields: the look map laid over an image, the places read outlined and numbered, truth boxes dashed.

Colour stands for probability in *equal shares*: 1× is what every cell would have if none were preferred. The scale is
logarithmic and the same for every image. Where the map prefers nothing the image shows, darker and paler; the more it
prefers a place, the more its colour covers it. Numbers go from the heaviest place to the lightest.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Num, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from saccade.core.results import Sites
from saccade.imaging.distinct_sites import cut_patches
from saccade.imaging.drawing import Picture, WeightScale, as_picture
from saccade.imaging.label_places import place_labels

Drawn = UInt8[np.ndarray, "tall wide 3"]
"""A picture of another size than the image."""

MAP_SCALE = WeightScale(1.0, 1024.0)
"""Of the look map; from a 16,384th, even a map of one single cell ends not far above it."""

READ_COLOUR, TRUTH_COLOUR, DARK = (255, 255, 255), (0, 232, 255), (16, 18, 22)
"""Outlines of places read and of truth, told apart by dashes too; and the rim that keeps both legible on glass."""

_BACKDROP = 0.72  # of the image's brightness below a map: cells can be told, and yellow stands out
_FADED = 0.55  # of the image's colour that goes: enough is left to tell stains, too little to be taken for the map's
_COVER = 0.85  # of a colour where it covers most; the image shines through
_COVERS_FROM = 4.0  # equal shares from which it does; below, down to 1, it fades
_DASH = 5  # line widths in a dash
_LINE, _LABEL, _USUAL = 1.8, 22, 640  # width of a line and height of a label in a picture of the usual size
_GREY = np.array([0.299, 0.587, 0.114])


def field_picture(
    image: Num[np.ndarray, "height width channel"],
    *,
    relative: Float[np.ndarray, "row column"] | None = None,
    factor: int = 1,
    sites: Sites | None = None,
    boxes: Float[Tensor, "box 4"] | None = None,
    longest: int | None = None,
    scale: WeightScale = MAP_SCALE,
    extent: tuple[int, int] | None = None,
) -> Drawn:
    """A field with what is known about it, brought down to at most ``longest`` pixels on its longer side.

    Args:
        image: In the pixels that sites and boxes are in, or a smaller version.
        relative: The look map in equal shares; the field keeps its colours where not given.
        factor: Base pixels along the side of a cell of the map.
        sites: Distinct places (``distinct_sites``): a batch of one.
        boxes: Truth boxes.
        longest: Longest side of the picture; that of the image where not given.
        scale: Colours of the map; every picture of a report shares one.
        extent: Height and width that sites and boxes count in; those of ``image`` where not given.
    """
    picture = shrunk(as_picture(image), longest)
    zoom = picture.shape[1] / (extent or image.shape)[1]
    if relative is not None:
        picture = with_map(picture, relative, factor * zoom, scale)
    thickness = max(1, round(_LINE * _size(picture)))
    known = np.empty((0, 4), int) if boxes is None else _scaled(boxes, zoom)
    places = np.empty((0, 4), int) if sites is None else _scaled(sites.boxes[0][sites.valid[0]], zoom)
    picture = _outlined(picture, places, thickness)
    picture = _dashed(picture, known, thickness)
    return _numbered(picture, places, known)


def shrunk(picture: Picture, longest: int | None) -> Drawn:
    """The picture with its longer side at most so long."""
    factor = (longest or max(picture.shape[:2])) / max(picture.shape[:2])
    if factor >= 1:
        return picture
    height, width = (max(1, round(length * factor)) for length in picture.shape[:2])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))


def with_map(
    picture: Picture, relative: Float[np.ndarray, "row column"], cell: float, scale: WeightScale = MAP_SCALE
) -> Picture:
    """Lay a map in equal shares over a picture that fades; ``cell`` is the side of a cell in the picture.

    Cells are drawn as they are, without smoothing; where they are smaller than a pixel, the largest of it shows.
    """
    height, width = picture.shape[:2]
    if cell < 1:
        step = math.ceil(1 / cell)
        relative, cell = _largest_of(relative, step), cell * step
    rows, columns = (
        np.minimum(((np.arange(length) + 0.5) / cell).astype(int), count - 1)
        for length, count in zip((height, width), relative.shape, strict=True)
    )
    shown = relative[rows[:, None], columns]
    with np.errstate(divide="ignore"):
        cover = _COVER * np.clip(np.log(shown) / math.log(_COVERS_FROM), 0, 1)[..., None]
    backdrop = _BACKDROP * (picture + _FADED * ((picture @ _GREY)[..., None] - picture))
    return np.round(backdrop + (scale.colours(shown) - backdrop) * cover).astype(np.uint8)


def map_colours(scale: WeightScale = MAP_SCALE, length: int = 256) -> Picture:
    """One row of what a map's colours look like over a light place, from the scale's low end to its high one."""
    shares = np.geomspace(scale.low, scale.high, length)[None]
    return with_map(np.full((1, length, 3), 225, np.uint8), shares, 1, scale)


def patches_picture(
    image: Num[np.ndarray, "height width channel"],
    sites: Sites,
    hits: Sequence[bool] | None = None,
    side: int = 192,
    columns: int = 5,
) -> Drawn:
    """The patches read, side by side by falling weight, with number, weight and, where known, whether they hit.

    Pixels are repeated a whole number of times, never mixed.

    Args:
        image: In the pixels that the sites are in.
        sites: Distinct places, heaviest first: a batch of one.
        hits: Whether each lies in a truth box.
        side: Least side of a patch in the picture, about.
        columns: Patches in a row.
    """
    patches = cut_patches(as_picture(image), sites.boxes[0][sites.valid[0]])
    return patch_sheet(patches, sites.weights[0][sites.valid[0]].tolist(), hits, side, columns)


def patch_sheet(
    patches: UInt8[np.ndarray, "site side side 3"],
    weights: Sequence[float],
    hits: Sequence[bool] | None = None,
    side: int = 192,
    columns: int = 5,
) -> Drawn:
    """``patches_picture`` of patches that have been cut out already."""
    factor = max(1, round(side / max(1, patches.shape[1])))
    size, gap, line = patches.shape[1] * factor, 10, 26
    across = min(columns, len(patches))
    down = -(-len(patches) // columns)
    canvas = Image.new("RGB", (gap + across * (size + gap), gap + down * (size + line + gap)), (255, 255, 255))
    draw, font = ImageDraw.Draw(canvas), text_font(15)
    for place, (patch, weight) in enumerate(zip(patches, weights, strict=True)):
        x, y = gap + place % columns * (size + gap), gap + place // columns * (size + line + gap)
        canvas.paste(Image.fromarray(patch.repeat(factor, 0).repeat(factor, 1)), (x, y + line))
        verdict = "" if hits is None else "  in box" if hits[place] else "  outside"
        draw.text((x, y + 4), f"{place + 1}:  {weight:.1%}{verdict}", (20, 20, 20), font)
        if hits is not None and hits[place]:
            draw.rectangle((x - 4, y + line - 4, x + size + 3, y + line + size + 3), outline=(0, 150, 170), width=3)
    return np.asarray(canvas)


def label_height(picture: Picture) -> int:
    """Pixels of a line of text in a picture of this size."""
    return max(13, round(_LABEL * _size(picture)))


def text_font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font that comes with Pillow."""
    return ImageFont.load_default(size)


def _largest_of(values: Float[np.ndarray, "row column"], step: int) -> Float[np.ndarray, "block across"]:
    """The largest of every ``step`` × ``step`` block; a last, partial one over what it has."""
    whole = torch.from_numpy(np.ascontiguousarray(values))[None, None]
    return F.max_pool2d(whole, step, ceil_mode=True)[0, 0].numpy()


def _scaled(boxes: Float[Tensor, "box 4"], zoom: float) -> Int[np.ndarray, "box 4"]:
    """Boxes in whole pixels of the picture."""
    return torch.round(boxes.detach().cpu().double() * zoom).long().numpy()


def _outlined(picture: Picture, boxes: Int[np.ndarray, "box 4"], thickness: int) -> Picture:
    """Lines just around each box, on a dark rim; the heaviest last and thicker."""
    drawn = picture.copy()
    for order, (x0, y0, x1, y1) in reversed(list(enumerate(boxes.tolist()))):
        width = thickness + 1 if order == 0 else max(1, thickness - 1)
        for colour, line in ((DARK, width + 2), (READ_COLOUR, width)):
            cv2.rectangle(drawn, (x0 - 1, y0 - 1), (x1, y1), colour, line)
    return drawn


def _dashed(picture: Picture, boxes: Int[np.ndarray, "box 4"], thickness: int) -> Picture:
    """Dashed lines around each box, on a dark rim."""
    drawn = picture.copy()
    dash = _DASH * thickness
    for x0, y0, x1, y1 in boxes.tolist():
        corners = [(x0 - 1, y0 - 1), (x1, y0 - 1), (x1, y1), (x0 - 1, y1)]
        for colour, line in ((DARK, thickness + 2), (TRUTH_COLOUR, thickness)):
            for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
                _dashed_line(drawn, start, end, dash, colour, line)
    return drawn


def _dashed_line(
    picture: Picture, start: tuple[int, int], end: tuple[int, int], dash: int, colour: Sequence[int], line: int
) -> None:
    """Dashes that begin and end the line, so that corners are closed."""
    length = math.dist(start, end)
    pieces = 2 * max(1, round((length / dash - 1) / 2)) + 1
    for piece in range(0, pieces, 2):
        ends = ((a + (b - a) * k / pieces for a, b in zip(start, end, strict=True)) for k in (piece, piece + 1))
        one, other = (tuple(round(value) for value in point) for point in ends)
        cv2.line(picture, one, other, tuple(colour), line)


def _numbered(picture: Picture, places: Int[np.ndarray, "site 4"], known: Int[np.ndarray, "box 4"]) -> Picture:
    """Numbers beside the places, with a thin line to those that had to move away."""
    if not len(places):
        return picture
    height = label_height(picture)
    canvas = Image.fromarray(picture)
    draw, font = ImageDraw.Draw(canvas), text_font(round(0.8 * height))
    texts = [str(number + 1) for number in range(len(places))]
    sizes = [(round(draw.textlength(text, font)) + height // 2, height) for text in texts]
    labels = place_labels(places, sizes, picture.shape[:2], np.concatenate([places, known]))
    for label, box in zip(labels, places, strict=True):
        if label.leader:
            draw.line(label.leader_to(box), fill=READ_COLOUR, width=max(1, height // 14))
    for label, text in zip(labels, texts, strict=True):
        x0, y0, x1, y1 = label.box
        draw.rounded_rectangle((x0, y0, x1 - 1, y1 - 1), radius=height // 5, fill=READ_COLOUR, outline=DARK)
        draw.text(((x0 + x1) / 2, (y0 + y1) / 2), text, DARK, font, anchor="mm")
    return np.asarray(canvas)


def _size(picture: Picture) -> float:
    """How much larger lines and labels are than usual: less than the picture is, since it is looked at from nearer."""
    return math.sqrt(max(picture.shape[:2]) / _USUAL)
