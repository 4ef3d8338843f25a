"""The stack: exact pixels, and a meter that counts them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.core.images import Images
from saccade.imaging.stack import Stack, as_stack
from saccade.ops.positions import site_boxes


def test_a_stack_is_images() -> None:
    assert isinstance(Stack(torch.rand(1, 1, 2, 2)), Images)


@given(height=st.integers(1, 9), width=st.integers(1, 9), factor=st.integers(1, 10))
def test_overview_is_the_mean_of_each_block(height: int, width: int, factor: int) -> None:
    values = torch.rand(2, 3, height, width)
    view = Stack(values).overview(factor)
    assert view.shape == (2, 3, -(-height // factor), -(-width // factor))
    last = values[:, :, (view.shape[2] - 1) * factor :, (view.shape[3] - 1) * factor :].mean((2, 3))
    assert torch.allclose(view[:, :, -1, -1], last, atol=1e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_reading_blocks_is_reading_their_boxes(layout: torch.memory_format, size: int) -> None:
    stack = Stack(torch.rand(2, 3, 8, 12).contiguous(memory_format=layout))
    index = torch.tensor([[0, 1, 5], [3, 3, 2]])
    boxes = site_boxes(index, size, 8, 12)
    expected = stack.read(boxes.long(), size).flatten(2)
    assert stack.read_blocks(index, size).equal(expected)
    assert stack.cost().pixels_read.tolist() == [6 * size**2] * 2


def test_a_block_that_leaves_the_image_continues_its_edge() -> None:
    stack = Stack(torch.arange(9.0).view(1, 1, 3, 3))
    assert stack.read_blocks(torch.tensor([[3]]), 2).tolist() == [[[8, 8, 8, 8]]]


def test_the_meter_counts_what_was_asked_for() -> None:
    stack = Stack(torch.rand(2, 3, 6, 8))
    stack.overview(2)
    stack.read(torch.tensor([[[0, 0, 3, 3]], [[1, 1, 4, 4]]]), 3)
    stack.read_blocks(torch.zeros(2, 5, dtype=torch.long), 1)
    cost = stack.cost()
    assert cost.pixels_total.tolist() == [48, 48]
    assert cost.pixels_looked.tolist() == [12, 12]
    assert cost.pixels_read.tolist() == [9 + 5, 9 + 5]
    assert cost.reads.tolist() == [6, 6]
    assert cost.pixels_decoded.tolist() == [48, 48]
    assert stack.metered().cost().pixels_read.tolist() == [0, 0]


def test_reading_it_whole_reads_every_pixel_once() -> None:
    stack = Stack(torch.rand(1, 1, 3, 3))
    assert stack.read_whole().equal(stack.values)
    assert stack.cost().pixels_read_fraction.tolist() == [1.0]


@pytest.mark.parametrize("shape", [(3, 4, 4), (1, 3, 0, 4), (1, 0, 4, 4)])
def test_shapes_that_are_no_images_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match="shape"):
        Stack(torch.zeros(shape))


def test_wrong_channels_are_refused() -> None:
    with pytest.raises(BadInput, match="1 channels"):
        as_stack(torch.zeros(1, 1, 4, 4), channels=3)


def test_every_forward_pass_counts_for_itself() -> None:
    stack = Stack(torch.rand(1, 1, 3, 3))
    stack.overview(1)
    assert as_stack(stack, 1).cost().pixels_looked.tolist() == [0]
