"""Pixels as words: one shared embedding of position and value."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.imaging.stack import Stack
from saccade.models.parts.pixel_look import Glance, lattice_of
from saccade.ops.positions import pixel_positions


class PixelTokens(nn.Module):
    """The joint embedding of ``(x, y, v)``, shared by all sites.

    ``t = relu(W_p · fourier(x, y) + W_v · v + b)``, then further hidden layers if asked for; ``v`` holds the site's
    pixels and, if wanted, what the look saw around it. The first layer splits: its half for positions is the same table
    for every image, so a site costs one lookup and ``|v| · width`` MAC. The published embedding's last linear layer is
    not applied here, since whatever attends to the tokens projects them linearly first and absorbs it.

    Args:
        channels: Channels of the image.
        width: Numbers in a token.
        frequencies: Octaves of sines and cosines per axis (our choice; the paper names none).
        layers: Hidden layers, the first included.
        site: Side of a site in pixels; 1 as published.
        features: How many of the look's features join the pixels; 0 as published.
    """

    def __init__(
        self, channels: int, width: int = 64, frequencies: int = 4, layers: int = 1, site: int = 1, features: int = 0
    ) -> None:
        super().__init__()
        self.frequencies, self.site, self.features = frequencies, site, features
        self.place = nn.Linear(2 + 4 * frequencies, width)
        self.value = nn.Linear(channels * site**2 + features, width, bias=False)
        self.deeper = nn.ModuleList(nn.Linear(width, width) for _ in range(layers - 1))
        self._positions: dict[tuple[int, int], Tensor] = {}
        self._table: tuple[tuple[object, ...], Tensor] | None = None

    def forward(
        self, images: Stack, index: Int[Tensor, "batch site"], glance: Glance
    ) -> Float[Tensor, "batch site width"]:
        """Tokens of the sites at these raster indices."""
        rows, columns = lattice_of(images, self.site)
        places = F.embedding(index, self._table_of(rows, columns, index.device))
        values = images.read_blocks(index, self.site)
        if self.features:
            values = torch.cat([values, self._seen_at(index, columns, glance)], dim=2)
        tokens = torch.addmm(places.flatten(0, 1), values.flatten(0, 1), self.value.weight.t())
        tokens = F.relu_(tokens).view(*index.shape, -1)
        for layer in self.deeper:
            tokens = F.relu(layer(tokens))
        return tokens

    def _seen_at(
        self, index: Int[Tensor, "batch site"], columns: int, glance: Glance
    ) -> Float[Tensor, "batch site feature"]:
        """The look's features in the grid cell that holds each site's first pixel."""
        assert glance.seen is not None, "tokens with features need a look"
        row, column = index.div(columns, rounding_mode="floor") * self.site, index % columns * self.site
        cell = row.div(glance.stride, rounding_mode="floor") * glance.seen.shape[-1]
        cell = cell + column.div(glance.stride, rounding_mode="floor")
        cells = glance.seen.permute(0, 2, 3, 1).flatten(1, 2)
        return cells.gather(1, cell[:, :, None].expand(-1, -1, cells.shape[2]))

    def _table_of(self, rows: int, columns: int, device: torch.device) -> Float[Tensor, "place width"]:
        """The position half of the first layer; outside training it is kept until the weights change."""
        weight, bias = self.place.weight, self.place.bias
        if torch.is_grad_enabled() or weight.is_inference():  # weights made in inference mode tell of no change
            return self.place(self._positions_of(rows, columns, device))
        state = (rows, columns, device, weight.dtype, weight.data_ptr(), weight._version, bias._version)
        if self._table is None or self._table[0] != state:
            self._table = state, self.place(self._positions_of(rows, columns, device))
        return self._table[1]

    def _positions_of(self, rows: int, columns: int, device: torch.device) -> Tensor:
        """The constant position features of a lattice, made once."""
        known = self._positions.get((rows, columns))
        if known is None or known.device != device:
            known = pixel_positions(rows, columns, self.frequencies).to(device)
            self._positions = {(rows, columns): known}
        return known.to(self.place.weight.dtype)
