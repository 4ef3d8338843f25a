"""When a layer goes over a slide's cells in sweeps that keep nothing, and when it is written plainly."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def sweeps(cells: Float[Tensor, "cell _"]) -> bool:
    """Whether sweeps serve these cells: in full precision, and not while a graph is traced.

    Both ways are tested equal. A trace wants one operator for all cells, whatever their number; in mixed precision
    autograd knows best what to cast.
    """
    return not (torch.is_autocast_enabled(cells.device.type) or torch.compiler.is_compiling())


def rows_of(norm: nn.LayerNorm) -> Float[Tensor, "2 width"]:
    """Weight and bias of a normalisation, as two rows."""
    return torch.stack([norm.weight, norm.bias])
