"""Overviews out of pixels: means over blocks, or over stretches that end within pixels, and batches of such means."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Num
from torch import Tensor

_STRETCH = 2**20  # values summed at a time: what the sums of 16 bits then take stays in the cache


def reduced(image: Num[Tensor, "height width channel"], factor: int) -> Num[Tensor, "row column channel"]:
    """An image averaged over blocks of ``factor``; the last, partial ones over what they have.

    8-bit images stay 8-bit, halves rounded up, exactly and so alike on every device; all others become float32.

    Memory: of 8-bit images, twice a megabyte of pixels beside the result, since sums of 16 bits are twice as long.

    >>> reduced(torch.tensor([[0, 1, 7], [1, 0, 8]], dtype=torch.uint8)[..., None], 2)[..., 0].tolist()
    [[1, 8]]
    """
    if factor == 1:
        return image
    if image.dtype != torch.uint8:
        values = image.permute(2, 0, 1)[None].float()
        return F.avg_pool2d(values, factor, ceil_mode=True, count_include_pad=False)[0].permute(1, 2, 0)
    rows, columns = (-(-length // factor) for length in image.shape[:2])
    found = image.new_empty(rows, columns, image.shape[2])
    whole = image.shape[0] // factor
    at_once = max(1, _STRETCH // max(1, factor * image[0].numel()))
    for first in range(0, whole, at_once):
        last = min(first + at_once, whole)
        stretches = image[first * factor : last * factor].unflatten(0, (last - first, factor))
        _average_rows(stretches, factor, found[first:last])
    if whole < rows:
        _average_rows(image[None, whole * factor :], factor, found[whole:])
    return found


def _average_rows(
    stretches: Num[Tensor, "row high width channel"], factor: int, found: Num[Tensor, "row column channel"]
) -> None:
    """Average stretches of rows over blocks as wide as ``factor``, the last as wide as it is, into ``found``."""
    high, width = stretches.shape[1:3]
    largest = 255 * high * factor
    kind = torch.int16 if largest < 2**15 else torch.int32 if largest < 2**31 else torch.int64
    sums = stretches.sum(1, dtype=kind)  # whole rows are added: the fast order
    whole = width // factor
    if whole:
        first, *others = sums[:, : whole * factor].unflatten(1, (whole, factor)).unbind(2)
        total = first.clone()
        for each in others:
            total += each
        found[:, :whole] = _rounded_mean(total, high * factor)
    if whole * factor < width:
        rest = sums[:, whole * factor :]
        found[:, whole] = _rounded_mean(rest.sum(1, dtype=kind), high * rest.shape[1])


def _rounded_mean(sums: Num[Tensor, "*axes"], count: int) -> Num[Tensor, "*axes"]:
    """Sums over ``count``, halves rounded up; what is added lies between two quotients, out of reach of rounding."""
    exact = torch.float32 if sums.dtype == torch.int16 else torch.float64
    return sums.to(exact).mul_(1 / count).add_(0.5 + 0.25 / count).to(torch.uint8)


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
