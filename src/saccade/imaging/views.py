"""Fields seen otherwise: mirrored, enlarged, in another contrast, while only what is asked for is computed.

A field has a million pixels and a model reads a few patches of it, so no changed copy is made. A view answers in its
own coordinates, which have the extents of the image, and finds for every pixel where it lies in the image:

    source = origin + p / zoom,  with p counted from the other side where the view is mirrored

for continuous positions p, in which pixel i spans i … i + 1. Mirroring alone is an exact gather; an enlarged view is
interpolated between the four nearest pixels.
"""

import math
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.core.results import Cost
from saccade.imaging.gathering import pixels_at, reflected
from saccade.imaging.meter import Meter
from saccade.imaging.rasters import Rasters
from saccade.imaging.reducing import mean_over_spans, reduced, side_by_side

Boxes = Float[Tensor, "batch site 4"]


@dataclass(frozen=True)
class FieldAugmentation:
    """How much fields may be changed, each by a draw of its own; the defaults change nothing.

    >>> import numpy as np
    >>> from saccade.imaging.pixel_store import PixelStore
    >>> images = Rasters(PixelStore.of([np.arange(6, dtype=np.uint8).reshape(2, 3, 1)]), lambda values: values / 1)
    >>> view = FieldAugmentation(flip=True)(images, torch.Generator().manual_seed(2))
    >>> view.read(torch.tensor([[[0, 0, 2, 2]]]), 2).tolist()
    [[[[[3.0, 4.0], [0.0, 1.0]]]]]

    Source: Sinigaglia, report on attention sampling (flips, contrast, crops resized back).

    Args:
        flip: Mirror left-right and up-down, each with probability one half; exact.
        contrast: Stretch values around ``middle`` by a factor of up to 1 + this, or its inverse. Our choice: the middle
            is fixed, so that overview and patches agree whichever is asked for first; the source takes each image's.
        zoom: Enlarge up to so many times, about a random place.
        zoomed: Share of the fields that are enlarged. Interpolation blurs, and a network that never saw a sharp patch
            in training meets them all in evaluation.
        middle: Value that contrast leaves alone, after normalisation; 0 is the mean of the training images.
    """

    flip: bool = False
    contrast: float = 0.0
    zoom: float = 1.0
    zoomed: float = 1.0
    middle: float = 0.0

    def __post_init__(self) -> None:
        least = {"contrast": 0.0, "zoom": 1.0, "zoomed": 0.0}
        for name, low in least.items():
            value = getattr(self, name)
            if not math.isfinite(value) or value < low:
                raise BadInput(f"augmentation {name} is {value}", f"give {low:g} or more")
        if not math.isfinite(self.middle) or self.zoomed > 1:
            raise BadInput(f"augmentation with zoomed {self.zoomed} and middle {self.middle}", "give a share, a number")

    def __call__(self, images: Rasters, generator: torch.Generator) -> "Rasters | RasterView":
        """The images, seen with what is drawn; the same generator state gives the same views."""
        if not self.flip and self.contrast == 0 and self.zoom == 1:
            return images
        return RasterView(images, self.draw(images.extents, generator), self.middle)

    def draw(self, extents: Int[Tensor, "batch 2"], generator: torch.Generator) -> "FieldChanges":
        """What each image gets. All is drawn, wanted or not: switching one off leaves the others as they were."""
        draws = torch.rand(len(extents), 7, generator=generator, device=generator.device, dtype=torch.float64)
        draws = draws.to(extents.device)
        zoom = self.zoom ** (draws[:, 2] * (draws[:, 3] < self.zoomed))
        return FieldChanges(
            mirror=(draws[:, :2] < 0.5) & self.flip,
            zoom=zoom,
            origin=draws[:, 4:6] * extents.flip(1) * (1 - 1 / zoom[:, None]),
            contrast=(1 + self.contrast) ** (2 * draws[:, 6] - 1),
        )


@dataclass(frozen=True, eq=False)
class FieldChanges:
    """What is done to each image of a batch.

    Attributes:
        mirror: Whether left and right, and whether top and bottom change places.
        zoom: How many times larger.
        origin: x and y, in base pixels of the image, of the corner of what is enlarged.
        contrast: How many times farther from the middle values lie.
    """

    mirror: Bool[Tensor, "batch 2"]
    zoom: Float[Tensor, " batch"]
    origin: Float[Tensor, "batch 2"]
    contrast: Float[Tensor, " batch"]

    def take(self, rows: Int[Tensor, " chosen"]) -> "FieldChanges":
        """Those of some images."""
        return FieldChanges(*(getattr(self, field.name)[rows] for field in fields(self)))


class RasterView:
    """Images in memory, each seen through its change, with a meter of its own.

    Args:
        images: The images.
        changes: What is done to each.
        middle: Value that contrast leaves alone, after normalisation.
    """

    def __init__(self, images: Rasters, changes: FieldChanges, middle: float = 0.0) -> None:
        self.images, self.changes, self.middle = images, changes, middle
        pixels = images.store.height * images.store.width
        self.meter = Meter(len(images), total=pixels, decoded=pixels)

    def __len__(self) -> int:
        """Images in the batch."""
        return len(self.images)

    @property
    def channels(self) -> int:
        """Channels of a pixel."""
        return self.images.channels

    @property
    def extents(self) -> Int[Tensor, "batch 2"]:
        """Height and width of each view in its own pixels, which are those of the image."""
        return self.images.extents

    @property
    def boxes(self) -> Float[Tensor, "batch box 4"] | None:
        """Where the truth lies in the view; NaN where there is none, or the view does not show it."""
        if self.images.boxes is None:
            return None
        boxes, lengths = self.to_view(self.images.boxes), self.extents.flip(1)[:, None]
        shown = ((boxes[..., :2] < lengths) & (boxes[..., 2:] > 0)).all(-1, keepdim=True)
        return torch.where(shown, boxes, torch.nan)

    def inside(self, factor: int) -> Bool[Tensor, "batch row column"]:
        """Where the overview shows the view and not its continuation."""
        return self.images.inside(factor)

    def overview(self, factor: int) -> Float[Tensor, "batch channel row column"]:
        """Every view, averaged over blocks; see ``Rasters.overview``.

        A view that is only mirrored is averaged as its mirrored copy would be. The cells of an enlarged one have edges
        between pixels, which integer arithmetic cannot average: it takes blocks of about half a cell, and the rest is
        weighted by shares, as if the pixels of a block that an edge cuts were all alike.
        """
        small = [self._small(row, factor) for row in range(len(self))]
        self.meter.count_looked(torch.tensor([each.shape[0] * each.shape[1] for each in small]))
        if len({each.dtype for each in small}) > 1:
            small = [each.float() for each in small]
        return self._lit(self.images.normalise(side_by_side(small)))

    def read(self, boxes: Int[Tensor, "batch site 4"], size: int) -> Float[Tensor, "batch site channel {size} {size}"]:
        """The boxes' pixels, the view's edges reflected: an exact gather, or four and their weighted mean if enlarged.

        Raises:
            BadInput: A box is not ``size`` wide and high.
        """
        if bool((boxes[..., 2:] - boxes[..., :2] != size).any()):
            raise BadInput(f"a box is not {size} × {size} base pixels", remedy="read boxes at their own size")
        self.meter.count_read(boxes.shape[1], boxes.shape[1] * size * size)
        steps = torch.arange(size, device=boxes.device)
        columns, rows = (self._unmirrored(boxes[..., axis, None] + steps, axis) for axis in (0, 1))
        sharp = self.changes.zoom == 1
        if bool(sharp.all()):
            patches = pixels_at(self.images.store, rows, columns)
        else:
            patches = torch.empty(*rows.shape[:2], self.channels, size, size, device=rows.device)
            exact, soft = (chosen.nonzero()[:, 0] for chosen in (sharp, ~sharp))
            patches[exact] = pixels_at(self.images.store.take(exact), rows[exact], columns[exact]).float()
            patches[soft] = self._interpolated(soft, rows[soft], columns[soft])
        return self._lit(self.images.normalise(patches.flatten(0, 1)).unflatten(0, boxes.shape[:2]))

    def to_source(self, boxes: Boxes) -> Boxes:
        """Boxes of the view, such as sites, in base pixels of the image."""
        changes = self.changes
        corners = self._swapped(boxes) / changes.zoom[:, None, None]
        return (corners + changes.origin.repeat(1, 2)[:, None]).to(boxes)

    def to_view(self, boxes: Boxes) -> Boxes:
        """Boxes of the image, such as the truth, in pixels of the view; they may reach beyond it."""
        changes = self.changes
        corners = (boxes - changes.origin.repeat(1, 2)[:, None]) * changes.zoom[:, None, None]
        return self._swapped(corners).to(boxes)

    def take(self, rows: Int[Tensor, " chosen"]) -> "RasterView":
        """Some of the views, with a meter at zero; no pixel is copied."""
        return RasterView(self.images.take(rows), self.changes.take(rows), self.middle)

    def metered(self) -> "RasterView":
        """The same views with a meter at zero."""
        return RasterView(self.images, self.changes, self.middle)

    def cost(self) -> Cost:
        """What has been asked for since the meter stood at zero."""
        return self.meter.cost()

    def _unmirrored(self, position: Int[Tensor, "batch site pixel"], axis: int) -> Int[Tensor, "batch site pixel"]:
        """Pixels of the view along x (0) or y (1), folded back into it and counted from the image's own side."""
        length = self.extents[:, 1 - axis, None, None]
        inside = reflected(position, length)
        return torch.where(self.changes.mirror[:, axis, None, None], length - 1 - inside, inside)

    def _interpolated(
        self,
        chosen: Int[Tensor, " chosen"],
        rows: Int[Tensor, "chosen site row"],
        columns: Int[Tensor, "chosen site column"],
    ) -> Float[Tensor, "chosen site channel row column"]:
        """Enlarged patches of some images, between the four pixels around each position."""
        store, changes = self.images.store.take(chosen), self.changes.take(chosen)
        zoom, origin = changes.zoom[:, None, None], changes.origin[:, :, None, None]
        top, bottom, down = between(origin[:, 1] + (rows + 0.5) / zoom, store.height[:, None, None])
        left, right, across = between(origin[:, 0] + (columns + 0.5) / zoom, store.width[:, None, None])
        down, across = down.float()[:, :, None, :, None], across.float()[:, :, None, None, :]
        upper, lower = (
            torch.lerp(pixels_at(store, row, left).float(), pixels_at(store, row, right).float(), across)
            for row in (top, bottom)
        )
        return torch.lerp(upper, lower, down)

    def _small(self, row: int, factor: int) -> Num[Tensor, "row column channel"]:
        """One view, averaged over blocks."""
        image, changes = self.images.store.image(row), self.changes
        zoom, (flip_x, flip_y) = float(changes.zoom[row]), changes.mirror[row].tolist()
        if zoom == 1:
            return reduced(mirrored(image, flip_x, flip_y), factor)
        block = max(1, math.floor(factor / zoom / 2))
        x, y = changes.origin[row].tolist()
        height, width = image.shape[:2]
        shown = image[int(y) : math.ceil(y + height / zoom), int(x) : math.ceil(x + width / zoom)]
        small = reduced(shown, block)
        for length, origin, flip in ((height, y, flip_y), (width, x, flip_x)):
            begin = torch.arange(0, length, factor, device=image.device, dtype=torch.float64)
            end = (begin + factor).clamp(max=length)
            begin, end = (length - end, length - begin) if flip else (begin, end)
            places = ((edge / zoom + origin - int(origin)) / block for edge in (begin, end))
            small = mean_over_spans(small, *places).transpose(0, 1)
        return small

    def _swapped(self, boxes: Float[Tensor, "batch site 4"]) -> Float[Tensor, "batch site 4"]:
        """Boxes counted from the other side along the axes that are mirrored."""
        other = self.extents.flip(1).repeat(1, 2)[:, None] - boxes[..., [2, 3, 0, 1]]
        return torch.where(self.changes.mirror.repeat(1, 2)[:, None], other, boxes)

    def _lit(self, values: Float[Tensor, "batch *axes"]) -> Float[Tensor, "batch *axes"]:
        """Normalised values in the contrast of each view."""
        factor = self.changes.contrast
        if bool((factor == 1).all()):
            return values
        factor = factor.to(values).view(-1, *[1] * (values.ndim - 1))
        return values * factor + self.middle * (1 - factor)


def between(
    position: Float[Tensor, "*axes"], length: Int[Tensor, "*others"]
) -> tuple[Int[Tensor, "*axes"], Int[Tensor, "*axes"], Float[Tensor, "*axes"]]:
    """The two pixels whose middles a position lies between, and how far on its way to the second; edges continue.

    >>> [each.tolist() for each in between(torch.tensor([0.25, 2.0]), torch.tensor(3))]
    [[0, 1], [1, 2], [0.0, 0.5]]
    """
    last = length - 1
    index = torch.minimum((position - 0.5).clamp_min(0), last)
    low = index.floor().long()
    return low, torch.minimum(low + 1, last), index - low


def mirrored(
    image: Num[Tensor, "height width channel"], flip_x: bool, flip_y: bool
) -> Num[Tensor, "height width channel"]:
    """An image with left and right, or top and bottom, in each other's place."""
    axes = [axis for axis, wanted in ((0, flip_y), (1, flip_x)) if wanted]
    if image.dtype == torch.uint16:  # torch cannot flip it, but the same bytes by another name
        return image.view(torch.int16).flip(axes).view(torch.uint16)
    return image.flip(axes) if axes else image
