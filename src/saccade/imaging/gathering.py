"""Patches out of a store of pixels: exact, at any place, edges reflected."""

import numpy as np
import torch
from jaxtyping import Int, Num
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.imaging.pixel_store import PixelStore


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
