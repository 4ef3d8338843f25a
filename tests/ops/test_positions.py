"""Positions against their definition."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.ops.positions import pixel_positions, site_boxes


@given(height=st.integers(1, 12), width=st.integers(1, 12), frequencies=st.integers(0, 4))
def test_positions_are_their_formula(height: int, width: int, frequencies: int) -> None:
    table = pixel_positions(height, width, frequencies)
    assert table.shape == (height * width, 2 + 4 * frequencies)
    row, column = height - 1, width // 2
    x, y = (column + 0.5) / width * 2 - 1, (row + 0.5) / height * 2 - 1
    turns = [2**i * math.pi / 2 for i in range(frequencies)]
    angles = [x * t for t in turns] + [y * t for t in turns]
    expected = [x, y, *map(math.sin, angles), *map(math.cos, angles)]
    assert torch.allclose(table[row * width + column], torch.tensor(expected), atol=1e-5)


def test_no_two_pixels_share_a_place() -> None:
    assert len(pixel_positions(64, 64, 4).unique(dim=0)) == 64 * 64


@given(size=st.integers(1, 5), height=st.integers(1, 17), width=st.integers(1, 17))
def test_boxes_tile_the_image(size: int, height: int, width: int) -> None:
    sites = -(-height // size) * -(-width // size)
    covered = torch.zeros(height, width)
    for x0, y0, x1, y1 in site_boxes(torch.arange(sites)[None], size, height, width)[0].long().tolist():
        covered[y0:y1, x0:x1] += 1
    assert (covered == 1).all()
