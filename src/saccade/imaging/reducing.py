"""Overviews out of pixels: means over blocks, or over stretches that end within pixels, and batches of such means."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Num
from torch import Tensor


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
