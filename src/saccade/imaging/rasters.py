"""Images of any size, read where a model asks: kept as they were stored, converted patch by patch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.core.results import Cost
from saccade.imaging.meter import Meter

Normalise = Callable[[Tensor], Tensor]
"""From stored values (batch, channel, height, width) to those the model wants."""


@dataclass(frozen=True, eq=False)
class PixelStore:
    """All pixels of many images in one tensor, so that one look-up gathers patches from any of them.

    Attributes:
        pixels: The images end to end, each row by row; the channels of a pixel lie side by side.
        start: Where each image begins.
        height: Rows of each.
        width: Columns of each.
    """

    pixels: Num[Tensor, "pixel channel"]
    start: Int[Tensor, " image"]
    height: Int[Tensor, " image"]
    width: Int[Tensor, " image"]

    @classmethod
    def of(cls, images: Sequence[np.ndarray]) -> "PixelStore":
        """From arrays of height × width × channel, of one type and number of channels.

        Several are copied, once; one alone is shared, and must stay as it is while the store is in use.

        Raises:
            BadInput: There are none, or they differ in more than their size.
        """
        kinds = {(image.dtype, image.shape[2]) for image in images}
        if len(kinds) != 1:
            found = ", ".join(f"{channels} channels of {dtype}" for dtype, channels in sorted(kinds, key=str))
            raise BadInput(f"images of different kinds: {found or 'none at all'}", "convert them to one")
        if len(images) == 1 and images[0].flags.c_contiguous and images[0].flags.writeable:
            height, width, channels = images[0].shape
            places = (torch.tensor([each]) for each in (0, height, width))
            return cls(torch.from_numpy(images[0].reshape(-1, channels)), *places)
        filling = FillingStore(len(images), room=sum(image.shape[0] * image.shape[1] for image in images))
        for index, image in enumerate(images):
            filling.put(index, image)
        return filling.store()

    def __len__(self) -> int:
        """Images held."""
        return len(self.start)

    def take(self, rows: Int[Tensor, " chosen"]) -> "PixelStore":
        """Some of the images; no pixel is copied."""
        return replace(self, start=self.start[rows], height=self.height[rows], width=self.width[rows])

    def to(self, device: torch.device | str) -> "PixelStore":
        """The same on another device."""
        fields = (self.pixels, self.start, self.height, self.width)
        return PixelStore(*(field.to(device) for field in fields))

    def image(self, row: int) -> Num[Tensor, "height width channel"]:
        """One image, as a view."""
        start, height, width = (int(each[row]) for each in (self.start, self.height, self.width))
        return self.pixels[start : start + height * width].view(height, width, -1)


class FillingStore:
    """A ``PixelStore`` in the making, that images are copied into as they come, in any order and from any thread.

    Loading so holds the pixels once, and one image more: a list of images and the store made of it would hold them
    twice. Images lie in the order in which they came.

    Memory: where the room is used up, an eighth more is added in place; the last of it is given back at the end. (Large
    blocks are moved by the system's page table, where it has one to move, and not copied.)

    >>> filling = FillingStore(2)
    >>> filling.put(1, np.ones((2, 3, 1), np.uint8)); filling.put(0, np.zeros((1, 1, 1), np.uint8))
    >>> store = filling.store()
    >>> store.image(1).shape, len(store.pixels)
    (torch.Size([2, 3, 1]), 7)

    Args:
        count: Images to come.
        room: Pixels to make room for, where it is known how many will come.
    """

    def __init__(self, count: int, room: int = 0) -> None:
        self._places = torch.zeros(count, 3, dtype=torch.long)  # start, height, width
        self._pixels: np.ndarray | None = None
        self._room, self._used, self._lock = room, 0, Lock()

    def put(self, index: int, image: np.ndarray) -> None:
        """Copy an image of height × width × channel.

        Raises:
            BadInput: It has another type or number of channels than the first that came.
        """
        with self._lock:
            start, end = self._used, self._used + image.shape[0] * image.shape[1]
            pixels = self._with_room(end, image)
            pixels[start:end] = image.reshape(-1, image.shape[2])
            self._places[index] = torch.tensor([start, *image.shape[:2]])
            self._used = end

    def store(self) -> PixelStore:
        """What has come, which must be all images; nothing can be put in after that.

        Raises:
            BadInput: There are none.
        """
        if self._pixels is None:
            raise BadInput("images of different kinds: none at all", "give at least one image")
        pixels, self._pixels = self._pixels, None
        pixels.resize((self._used, pixels.shape[1]), refcheck=False)
        return PixelStore(torch.from_numpy(pixels), *self._places.unbind(1))

    def _with_room(self, end: int, image: np.ndarray) -> np.ndarray:
        """The pixels so far, with room for ``end`` in all, of the image's kind."""
        if self._pixels is None:
            self._pixels = np.empty((max(self._room, end), image.shape[2]), image.dtype)
        pixels = self._pixels
        if (pixels.dtype, pixels.shape[1]) != (image.dtype, image.shape[2]):
            found = [f"{each.shape[-1]} channels of {each.dtype}" for each in (pixels, image)]
            raise BadInput(f"images of different kinds: {', '.join(found)}", "convert them to one")
        if end > len(pixels):
            pixels.resize((end + end // 8, pixels.shape[1]), refcheck=False)
        return pixels


class Rasters:
    """A batch of images of any size in memory, with a meter.

    >>> small, large = np.zeros((10, 12, 3), np.uint8), np.zeros((20, 16, 3), np.uint8)
    >>> images = Rasters(PixelStore.of([small, large]), lambda values: values / 255)
    >>> images.overview(4).shape, images.inside(4).sum((1, 2)).tolist()
    (torch.Size([2, 3, 5, 4]), [9, 20])

    Args:
        store: The pixels.
        normalise: Applied to what is handed out.
        boxes: Where the truth is known to lie, in base pixels, rows of NaN where an image has fewer; no model but a
            control may ask for them.
    """

    def __init__(
        self, store: PixelStore, normalise: Normalise, boxes: Float[Tensor, "batch box 4"] | None = None
    ) -> None:
        self.store, self.normalise, self.boxes = store, normalise, boxes
        pixels = store.height * store.width
        self.meter = Meter(len(store), total=pixels, decoded=pixels)

    def __len__(self) -> int:
        """Images in the batch."""
        return len(self.store)

    @property
    def channels(self) -> int:
        """Channels of a pixel."""
        return self.store.pixels.shape[1]

    @property
    def extents(self) -> Int[Tensor, "batch 2"]:
        """Height and width of each image in base pixels."""
        return torch.stack([self.store.height, self.store.width], dim=1)

    def overview(self, factor: int) -> Float[Tensor, "batch channel row column"]:
        """Every image, averaged over blocks; smaller ones are continued by their edge to the size of the largest."""
        small = [reduced(self.store.image(row), factor) for row in range(len(self))]
        self.meter.count_looked(torch.tensor([each.shape[0] * each.shape[1] for each in small]))
        return self.normalise(side_by_side(small))

    def inside(self, factor: int) -> Bool[Tensor, "batch row column"]:
        """Where the overview shows the image and not its continuation."""
        rows, columns = -(-self.store.height // factor), -(-self.store.width // factor)
        row, column = (torch.arange(int(each.max()), device=each.device) for each in (rows, columns))
        return (row < rows[:, None])[:, :, None] & (column < columns[:, None])[:, None]

    def read(self, boxes: Int[Tensor, "batch site 4"], size: int) -> Float[Tensor, "batch site channel {size} {size}"]:
        """The boxes' pixels, edges reflected: an exact gather, one look-up for all."""
        self.meter.count_read(boxes.shape[1], boxes.shape[1] * size * size)
        patches = gather_stored(self.store, boxes, size)
        return self.normalise(patches.flatten(0, 1)).unflatten(0, boxes.shape[:2])

    def take(self, rows: Int[Tensor, " chosen"]) -> "Rasters":
        """Some of the images, with a meter at zero; no pixel is copied."""
        boxes = None if self.boxes is None else self.boxes[rows]
        return Rasters(self.store.take(rows), self.normalise, boxes)

    def metered(self) -> "Rasters":
        """The same images with a meter at zero."""
        return Rasters(self.store, self.normalise, self.boxes)

    def cost(self) -> Cost:
        """What has been asked for since the meter stood at zero."""
        return self.meter.cost()


def gather_stored(
    store: PixelStore, boxes: Int[Tensor, "batch site 4"], size: int
) -> Num[Tensor, "batch site channel {size} {size}"]:
    """Square patches out of a store, in its own type; channels last in memory.

    Cost: one index per row of a patch on a CPU, a small part of the time of one per pixel, as it is elsewhere.

    Raises:
        BadInput: A box is not ``size`` wide and high.
    """
    if bool((boxes[..., 2:] - boxes[..., :2] != size).any()):
        raise BadInput(f"a box is not {size} × {size} base pixels", remedy="read boxes at their own size")
    steps = torch.arange(size, device=boxes.device)
    rows = reflected(boxes[..., 1, None] + steps, store.height[:, None, None])  # (batch, site, size)
    columns = boxes[..., 0, None] + steps
    over = (columns[..., 0] < 0) | (columns[..., -1] >= store.width[:, None])
    if store.pixels.device.type != "cpu" or bool(over.all()):
        return pixels_at(store, rows, reflected(columns, store.width[:, None, None]))
    found = stretches_at(store, rows, boxes[..., 0].masked_fill(over, 0), size)
    if bool(over.any()):
        those = store.take(over.nonzero()[:, 0])
        mirrored = reflected(columns[over], those.width[:, None])
        patches = pixels_at(those, rows[over][:, None], mirrored[:, None])[:, 0]
        found[over.numpy()] = patches.permute(0, 2, 3, 1).numpy()
    return torch.from_numpy(found).permute(0, 1, 4, 2, 3)


def stretches_at(
    store: PixelStore, rows: Int[Tensor, "batch site row"], left: Int[Tensor, "batch site"], length: int
) -> Num[np.ndarray, "batch site row {length} channel"]:
    """Stretches of some rows of each image, as they lie in memory: what leaves an image goes on in the next row."""
    pixels = store.pixels.numpy()
    begin = rows * store.width[:, None, None] + store.start[:, None, None] + left[..., None]
    every = np.lib.stride_tricks.as_strided(
        pixels,
        (len(pixels) - length + 1, length * pixels.shape[1]),
        (pixels.strides[0], pixels.itemsize),
        writeable=False,
    )
    found = every[begin.clamp(max=len(every) - 1).flatten().numpy()]
    return found.reshape(*rows.shape, length, pixels.shape[1])


def pixels_at(
    store: PixelStore, rows: Int[Tensor, "batch site row"], columns: Int[Tensor, "batch site column"]
) -> Num[Tensor, "batch site channel row column"]:
    """The pixels where some rows and columns of each image cross, all inside it: one look-up."""
    starts = rows * store.width[:, None, None] + store.start[:, None, None]
    index = starts[..., :, None] + columns[..., None, :]
    found = store.pixels.index_select(0, index.flatten())
    return found.view(*index.shape, found.shape[1]).permute(0, 1, 4, 2, 3)


def reflected(position: Int[Tensor, "*axes"], length: Int[Tensor, "*others"]) -> Int[Tensor, "*axes"]:
    """``reflect`` for lengths that differ; positions inside, nearly all, cost two comparisons."""
    if bool(((position >= 0) & (position < length)).all()):
        return position
    period = 2 * (length - 1).clamp_min(1)
    folded = position.remainder(period)
    return torch.where(length == 1, 0, torch.where(folded < length, folded, period - folded))


def reduced(image: Num[Tensor, "height width channel"], factor: int) -> Num[Tensor, "row column channel"]:
    """An image averaged over blocks of ``factor``; the last, partial ones over what they have.

    8-bit images stay 8-bit, halves rounded up, in integer arithmetic and so alike on every device; all others become
    float32.

    >>> reduced(torch.tensor([[0, 1, 7], [1, 0, 8]], dtype=torch.uint8)[..., None], 2)[..., 0].tolist()
    [[1, 8]]
    """
    if factor == 1:
        return image
    if image.dtype != torch.uint8:
        values = image.permute(2, 0, 1)[None].float()
        return F.avg_pool2d(values, factor, ceil_mode=True, count_include_pad=False)[0].permute(1, 2, 0)
    few = 255 * factor**2 < 2**15  # sums that 16 bits hold
    sums = _block_sums(_block_sums(image, factor, 0, few), factor, 1, few)
    heights, widths = (_block_lengths(length, factor, image.device) for length in image.shape[:2])
    areas = (heights[:, None] * widths)[..., None]
    exact = torch.float32 if few else torch.float64
    return (2 * sums.to(exact)).add_(areas).div_(2 * areas).floor_().to(torch.uint8)


def _block_sums(values: Num[Tensor, "_ _ channel"], factor: int, axis: int, few: bool) -> Num[Tensor, "_ _ channel"]:
    """Sums over stretches of ``factor`` along an axis, the last over what is left."""
    count, kind = values.shape[axis] // factor, torch.int16 if few else torch.int32
    stretches = values.narrow(axis, 0, count * factor).unflatten(axis, (count, factor))
    if axis == 0:
        parts = [stretches.sum(1, dtype=kind)]  # the fast order: whole rows are added
    else:
        parts = [sum((each for each in stretches.unbind(2)), start=torch.zeros((), dtype=kind, device=values.device))]
    if count * factor < values.shape[axis]:
        rest = values.narrow(axis, count * factor, values.shape[axis] - count * factor)
        parts.append(rest.sum(axis, keepdim=True, dtype=kind))
    return torch.cat(parts, axis) if len(parts) > 1 else parts[0]


def _block_lengths(length: int, factor: int, device: torch.device) -> Int[Tensor, " block"]:
    """How long the stretches of an axis are: ``factor``, the last perhaps less."""
    starts = torch.arange(0, length, factor, device=device)
    return (length - starts).clamp_(max=factor)


def mean_over_spans(
    values: Num[Tensor, "pixel other channel"], begin: Float[Tensor, " cell"], end: Float[Tensor, " cell"]
) -> Float[Tensor, "cell other channel"]:
    """The mean over stretches of the first axis whose ends may lie within pixels, which count by their share.

    Cost: as many passes over the result as the longest stretch touches pixels.

    >>> mean_over_spans(torch.tensor([[[1.0]], [[4.0]]]), torch.tensor([0.5]), torch.tensor([1.5])).item()
    2.5
    """
    first = begin.floor().long()
    total = torch.zeros(len(begin), *values.shape[1:], device=values.device)
    for step in range(int((end.ceil() - first).max())):
        pixel = first + step
        share = (torch.minimum(end, pixel + 1) - torch.maximum(begin, pixel)).clamp_min(0) / (end - begin)
        part = values.index_select(0, pixel.clamp(max=len(values) - 1)).float()
        total.addcmul_(part, share.float()[:, None, None])
    return total


def side_by_side(small: Sequence[Num[Tensor, "_ _ channel"]]) -> Num[Tensor, "batch channel row column"]:
    """Overviews as one batch; smaller ones are continued by their edges, to the right and below."""
    rows, columns = (max(each.shape[axis] for each in small) for axis in (0, 1))
    return torch.stack([continued(each, rows, columns) for each in small]).permute(0, 3, 1, 2)


def continued(small: Num[Tensor, "_ _ channel"], rows: int, columns: int) -> Num[Tensor, "{rows} {columns} channel"]:
    """An overview with its edges repeated, to the right and below."""
    if small.shape[:2] == (rows, columns):
        return small
    row, column = (torch.arange(count, device=small.device) for count in (rows, columns))
    return small[row.clamp(max=small.shape[0] - 1)][:, column.clamp(max=small.shape[1] - 1)]
