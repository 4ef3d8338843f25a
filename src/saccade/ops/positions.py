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


def site_boxes(index: Int[Tensor, "batch site"], size: int, height: int, width: int) -> Float[Tensor, "batch site 4"]:
    """Boxes of the sites of a raster of ``size`` × ``size`` pixels, cut off where the image ends.

    >>> site_boxes(torch.tensor([[5]]), size=2, height=4, width=7).tolist()
    [[[2.0, 2.0, 4.0, 4.0]]]
    """
    across = -(-width // size)
    x, y = index % across * size, index.div(across, rounding_mode="floor") * size
    return torch.stack([x, y, (x + size).clamp(max=width), (y + size).clamp(max=height)], dim=-1).float()
