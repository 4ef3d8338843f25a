"""Means over blocks against torch's pooling, and means over shares of pixels against finer pixels."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from saccade.imaging.reducing import continued, mean_over_spans, reduced, side_by_side
from tests.imaging.miniature_pictures import KINDS, picture


@given(
    height=st.integers(1, 23),
    width=st.integers(1, 23),
    factor=st.integers(1, 9),
    channels=st.sampled_from([1, 2, 3, 4, 5]),
    kind=st.sampled_from(KINDS),
)
def test_overviews_are_means_of_blocks(height: int, width: int, factor: int, channels: int, kind: type) -> None:
    """The last, partial blocks over what they have; 8 bits are rounded, halves up."""
    image = picture(height, width, channels, kind)
    values = torch.from_numpy(image.astype(np.float64)).permute(2, 0, 1)[None]
    expected = F.avg_pool2d(values, factor, ceil_mode=True, count_include_pad=False)[0].permute(1, 2, 0)
    found = reduced(torch.from_numpy(image), factor)
    assert found.shape == expected.shape
    if kind == np.uint8:
        assert found.dtype == torch.uint8
        assert torch.equal(found, (expected + 0.5 + 1e-9).floor().to(torch.uint8))
    else:
        assert torch.allclose(found.double(), expected, rtol=1e-6)


@pytest.mark.parametrize("factor", [11, 12, 181, 300])
def test_means_of_large_blocks_are_exact(factor: int) -> None:
    """Sums beyond 16 bits, and means that lie on a half or just beside one."""
    image = torch.full((factor, 2 * factor, 1), 255, dtype=torch.uint8)
    below = factor**2 // 2 + 1
    image[:, :factor].view(factor, factor)[:] = (torch.arange(factor**2) >= below).view(factor, factor) * 255
    share = 255 * (factor**2 - below) / factor**2
    assert reduced(image, factor).flatten().tolist() == [int(share + 0.5), 255]


@pytest.mark.parametrize("side", [2901, 2902, 3000])
def test_means_of_blocks_whose_sums_need_more_than_32_bits(side: int) -> None:
    image = torch.full((side, side + 1, 1), 255, dtype=torch.uint8)
    assert reduced(image, side).flatten().tolist() == [255, 255]
    assert reduced(image, side + 1).flatten().tolist() == [255], "a partial block"


@pytest.mark.parametrize(("height", "factor"), [(1, 2), (4095, 5), (4096, 64), (4097, 4), (4100, 1)])
def test_images_that_are_averaged_in_several_stretches(height: int, factor: int) -> None:
    """More values than are summed at a time, with and without a rest of rows."""
    image = picture(height, 513, 1, np.uint8)
    rows, columns = (np.arange(0, length, factor) for length in (height, 513))
    sums = np.add.reduceat(np.add.reduceat(image[..., 0].astype(np.int64), rows, 0), columns, 1)
    counts = np.diff(rows, append=height)[:, None] * np.diff(columns, append=513)
    assert np.array_equal(reduced(torch.from_numpy(image), factor)[..., 0].numpy(), (2 * sums + counts) // (2 * counts))


@given(length=st.integers(1, 12), parts=st.integers(1, 6), cells=st.integers(1, 9))
def test_pixels_count_by_their_share(length: int, parts: int, cells: int) -> None:
    """Each pixel cut into parts: edges that lie on a part make means over whole parts."""
    values = torch.from_numpy(picture(length, 2, 1, np.float32))
    edges = torch.from_numpy(np.sort(np.random.default_rng(cells).integers(0, length * parts, cells + 1)))
    begin, end = edges[:-1], torch.maximum(edges[1:], edges[:-1] + 1)
    fine = values.repeat_interleave(parts, dim=0)
    expected = torch.stack([fine[low:high].mean(0) for low, high in zip(begin, end, strict=True)])
    assert torch.allclose(mean_over_spans(values, begin.double() / parts, end.double() / parts), expected, atol=1e-3)


def test_overviews_of_several_sizes_become_one_batch() -> None:
    small, wide = torch.from_numpy(picture(2, 2)), torch.from_numpy(picture(3, 4, seed=1))
    batch = side_by_side([small, wide])
    assert batch.shape == (2, 3, 3, 4) and batch[1].equal(wide.permute(2, 0, 1))
    found = continued(small, 3, 4)
    assert batch[0].equal(found.permute(2, 0, 1)) and found[:2, :2].equal(small)
    assert found[2].equal(found[1]) and found[:, 3].equal(found[:, 1])
