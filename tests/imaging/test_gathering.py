"""Patches out of a store against a plain way: pad the whole image by numpy, cut the box out."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.imaging.gathering import gather_stored, pixels_at
from saccade.imaging.pixel_store import PixelStore
from tests.imaging.miniature_pictures import KINDS, cut, picture


@given(
    sizes=st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), min_size=1, max_size=3),
    corners=st.lists(st.tuples(st.integers(-30, 30), st.integers(-30, 30)), min_size=1, max_size=4),
    size=st.integers(1, 9),
    channels=st.sampled_from([1, 3, 5]),
    kind=st.sampled_from(KINDS),
)
def test_patches_are_cut_from_the_padded_image(
    sizes: list[tuple[int, int]], corners: list[tuple[int, int]], size: int, channels: int, kind: type
) -> None:
    """Images of several sizes in one batch, one of a single pixel too; boxes on edges and wholly outside."""
    images = [picture(*each, channels, kind, seed) for seed, each in enumerate(sizes)]
    boxes = torch.tensor([[[x - row, y, x - row + size, y + size] for x, y in corners] for row in range(len(images))])
    store = PixelStore.of(images)
    patches = gather_stored(store, boxes, size)
    assert patches.dtype == store.pixels.dtype
    for row, image in enumerate(images):
        for site, (x, y) in enumerate(corners):
            assert np.array_equal(patches[row, site].permute(1, 2, 0).numpy(), cut(image, x - row, y, size))


def test_pixels_where_rows_and_columns_cross() -> None:
    image = picture(5, 6)
    found = pixels_at(PixelStore.of([image]), torch.tensor([[[4, 0]]]), torch.tensor([[[1, 1, 5]]]))
    assert np.array_equal(found[0, 0].permute(1, 2, 0).numpy(), image[[4, 0]][:, [1, 1, 5]])
