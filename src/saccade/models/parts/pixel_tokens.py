"""Pixels as words: one shared embedding of position and value."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.imaging.stack import Stack
from saccade.ops.positions import pixel_positions


class PixelTokens(nn.Module):
    """The joint embedding of ``(x, y, v)``, shared by all pixels.

    ``t = relu(W_p · fourier(x, y) + W_v · v + b)``, then further hidden layers if asked for. The first layer splits: its
    half for positions is the same table for every image, so a pixel costs one lookup and ``channels · width`` MAC. The
    last linear layer of the published embedding is not applied here, since whatever attends to the tokens projects
    them linearly first and absorbs it.

    Args:
        channels: Channels of the image, the length of ``v``.
        width: Numbers in a token.
        frequencies: Octaves of sines and cosines per axis (our choice; the paper names none).
        layers: Hidden layers, the first included.
    """

    def __init__(self, channels: int, width: int = 64, frequencies: int = 4, layers: int = 1) -> None:
        super().__init__()
        self.frequencies = frequencies
        self.place = nn.Linear(2 + 4 * frequencies, width)
        self.value = nn.Linear(channels, width, bias=False)
        self.deeper = nn.ModuleList(nn.Linear(width, width) for _ in range(layers - 1))
        self._positions: dict[tuple[int, int], Tensor] = {}
        self._table: tuple[tuple[object, ...], Tensor] | None = None

    def forward(self, images: Stack, index: Int[Tensor, "batch site"]) -> Float[Tensor, "batch site width"]:
        """Tokens of the pixels at these raster indices."""
        table = self._table_of(images.height, images.width, index.device)
        values = images.read_pixels(index)
        tokens = torch.addmm(F.embedding(index, table).flatten(0, 1), values.flatten(0, 1), self.value.weight.t())
        tokens = F.relu_(tokens).view(*index.shape, -1)
        for layer in self.deeper:
            tokens = F.relu(layer(tokens))
        return tokens

    def _table_of(self, height: int, width: int, device: torch.device) -> Float[Tensor, "pixel width"]:
        """The position half of the first layer; outside training it is kept until the weights change."""
        if torch.is_grad_enabled():
            return self.place(self._positions_of(height, width, device))
        weight, bias = self.place.weight, self.place.bias
        state = (height, width, device, weight.dtype, weight.data_ptr(), weight._version, bias._version)
        if self._table is None or self._table[0] != state:
            self._table = state, self.place(self._positions_of(height, width, device))
        return self._table[1]

    def _positions_of(self, height: int, width: int, device: torch.device) -> Tensor:
        """The constant position features of a size, made once."""
        known = self._positions.get((height, width))
        if known is None or known.device != device:
            known = pixel_positions(height, width, self.frequencies).to(device)
            self._positions = {(height, width): known}
        return known.to(self.place.weight.dtype)
