"""Gathered patches against numpy's reflecting pad and a plain loop."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.ops.patches import gather_blocks, gather_patches, reflect


@given(
    height=st.integers(2, 9),
    width=st.integers(2, 9),
    size=st.integers(1, 6),
    corner=st.tuples(st.integers(-5, 8), st.integers(-5, 8)),
)
def test_a_patch_is_a_crop_of_the_padded_image(height: int, width: int, size: int, corner: tuple[int, int]) -> None:
    image = np.arange(2 * height * width, dtype=np.float32).reshape(2, height, width)
    padded = np.pad(image, ((0, 0), (20, 20), (20, 20)), mode="reflect")
    x, y = corner
    expected = padded[:, y + 20 : y + 20 + size, x + 20 : x + 20 + size]
    boxes = torch.tensor([[[x, y, x + size, y + size]]])
    assert np.array_equal(gather_patches(torch.from_numpy(image)[None], boxes, size)[0, 0], expected)


def test_each_image_gets_its_own_patches() -> None:
    values = torch.rand(2, 1, 5, 5)
    boxes = torch.tensor([[[0, 0, 2, 2]], [[3, 2, 5, 4]]])
    patches = gather_patches(values, boxes, 2)
    assert patches[0, 0].equal(values[0, :, :2, :2])
    assert patches[1, 0].equal(values[1, :, 2:4, 3:5])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_blocks_are_those_of_a_plain_loop(layout: torch.memory_format, channels: int, size: int) -> None:
    values = torch.rand(2, channels, 6, 12).contiguous(memory_format=layout)
    index = torch.randint(72 // size**2, (2, 5))
    found = gather_blocks(values, index, size)
    for image, blocks in enumerate(index.tolist()):
        for place, block in enumerate(blocks):
            row, column = divmod(block, 12 // size)
            cut = values[image, :, row * size : (row + 1) * size, column * size : (column + 1) * size]
            assert found[image, place].equal(cut.flatten())


def test_blocks_carry_gradients_to_their_pixels_alone() -> None:
    values = torch.rand(1, 2, 4, 4, requires_grad=True)
    gather_blocks(values, torch.tensor([[3]]), 2).sum().backward()
    expected = torch.zeros(1, 2, 4, 4)
    expected[:, :, 2:, 2:] = 1
    assert values.grad is not None and values.grad.equal(expected)


def test_a_box_of_another_size_is_refused() -> None:
    with pytest.raises(BadInput, match="2 × 2"):
        gather_patches(torch.rand(1, 1, 4, 4), torch.tensor([[[0, 0, 3, 2]]]), 2)


@given(position=st.integers(-30, 30))
def test_one_pixel_reflects_to_itself(position: int) -> None:
    assert reflect(torch.tensor([position]), 1).item() == 0
