"""Where a pixel is, as numbers a small network can use."""

import math

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor


def pixel_positions(height: int, width: int, frequencies: int) -> Float[Tensor, "pixel feature"]:
    """``x`` and ``y`` of every pixel centre in [-1, 1], raster order, with sines and cosines of both.

    A plain network is too smooth in position; ``sin(2^i π x / 2)`` and its cosine for ``i < frequencies`` let it tell
    neighbours apart. Features: ``2 + 4 · frequencies``.

    >>> pixel_positions(1, 2, 0).tolist()
    [[-0.5, 0.0], [0.5, 0.0]]
    """
    y = (torch.arange(height) + 0.5) / height * 2 - 1
    x = (torch.arange(width) + 0.5) / width * 2 - 1
    grid = torch.stack([x.expand(height, width), y[:, None].expand(height, width)], dim=-1)
    points = rearrange(grid, "row column coordinate -> (row column) coordinate")
    turns = 2.0 ** torch.arange(frequencies) * (math.pi / 2)
    angles = rearrange(points[:, :, None] * turns, "pixel coordinate turn -> pixel (coordinate turn)")
    return torch.cat([points, angles.sin(), angles.cos()], dim=1)


def pixel_boxes(index: Int[Tensor, "batch site"], width: int) -> Float[Tensor, "batch site 4"]:
    """One-pixel boxes of raster indices, in an image ``width`` pixels wide.

    >>> pixel_boxes(torch.tensor([[5]]), 4).tolist()
    [[[1.0, 1.0, 2.0, 2.0]]]
    """
    x, y = index % width, index.div(width, rounding_mode="floor")
    return torch.stack([x, y, x + 1, y + 1], dim=-1).float()
