"""The attention network of fields: a small version of the image in, a probability for each of its cells out."""

import math
from collections.abc import Iterable
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from saccade.core.errors import BadInput
from saccade.core.images import Images
from saccade.imaging.tiled import OverviewBlock, TiledImage

SLOPE = 0.2
"""Of the leaky ReLU for negative values, as published."""

_KERAS_EPSILON = 1e-3
_STRETCH = 2**20  # cells exponentiated at a time


Init = Literal["he", "glorot"]
"""How convolutions start: ``he`` keeps values at their size through the layers, ``glorot``, published, does not."""


def start_convolution(convolution: nn.Conv2d, init: Init) -> None:
    """Draw the weights of a convolution that a leaky ReLU follows; its bias is zero."""
    if init == "he":
        nn.init.kaiming_normal_(convolution.weight, SLOPE)
    else:
        nn.init.xavier_uniform_(convolution.weight)
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)


class Affine(nn.Module):
    """A scale and a shift per channel: ``y = γ · x / √(1 + 10⁻³) + β``.

    The published network normalises its channels, but in the authors' checkpoints that layer never saw a batch's
    statistics (mean 0 and variance 1 to the last digit), so this is what it did.

    Args:
        width: Channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, values: Float[Tensor, "batch channel row column"]) -> Float[Tensor, "batch channel row column"]:
        """Channel by channel."""
        scale = self.weight / math.sqrt(1 + _KERAS_EPSILON)
        return torch.addcmul(self.bias[:, None, None], values, scale[:, None, None])


class FieldLook(nn.Module):
    """Scores every cell of an overview; its receptive field is 9 × 9 cells.

    ``look.trunk`` sees, ``look.score`` judges. 1,513 parameters for RGB and the published width.
    Cost per cell at that size: 1,440 MAC.

    Source: Sinigaglia, report on attention sampling for lymphoma subtypes; the authors' notebook.

    Args:
        channels: Channels of the image.
        width: Channels of the hidden layers.
        layers: 3×3 convolutions before the one that scores.
        norm: ``affine`` as the published checkpoints behave; ``batch`` for a batch norm.
        init: How the trunk starts; a look warms up in half the time with ``he`` (our choice), ``glorot`` is published.
            The score starts small in any case, so that the first map is nearly uniform.
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 8,
        layers: int = 3,
        norm: Literal["affine", "batch"] = "affine",
        init: Init = "he",
    ) -> None:
        super().__init__()
        norms = {"affine": Affine, "batch": nn.BatchNorm2d}
        parts: list[nn.Module] = []
        for depth in range(layers):
            parts += [
                nn.Conv2d(channels if depth == 0 else width, width, 3, padding=1),
                nn.LeakyReLU(SLOPE, inplace=True),
                norms[norm](width),
            ]
        self.trunk = nn.Sequential(*parts)
        self.score = nn.Conv2d(width, 1, 3, padding=1)
        self.width, self.layers = width, layers
        for part in self.trunk:
            if isinstance(part, nn.Conv2d):
                start_convolution(part, init)

    @property
    def reach(self) -> int:
        """How many cells to each side the score of a cell depends on."""
        return self.layers + 1

    def forward(
        self, view: Float[Tensor, "batch channel row column"], inside: Bool[Tensor, "batch row column"] | None = None
    ) -> Float[Tensor, "batch row column"]:
        """The map of an overview, in logits; see ``seen`` for ``inside``."""
        return self.score(self.seen(view, inside))[:, 0]

    def seen(
        self, view: Float[Tensor, "batch channel row column"], inside: Bool[Tensor, "batch row column"] | None = None
    ) -> Float[Tensor, "batch feature row column"]:
        """What the trunk sees.

        Args:
            view: The overview.
            inside: Where it shows an image and not what continues it. There, every layer finds the zeros that it
                would find beyond the edge of that image alone, so that its neighbours in the batch change nothing.
        """
        if inside is None or bool(inside.all()):
            return self.trunk(view)
        mask = inside[:, None].to(view.dtype)
        values = view * mask
        for part in self.trunk:
            values = part(values) if isinstance(part, nn.Conv2d | nn.LeakyReLU) else part(values) * mask
        return values


def log_probabilities(
    scores: Float[Tensor, "batch row column"], inside: Tensor | None = None
) -> Float[Tensor, "batch cell"]:
    """Softmax over all cells of a map, in logarithms, raster order; cells that are not inside get none."""
    flat = scores.flatten(1)
    flat = flat if flat.dtype == torch.float64 else flat.float()  # half precision is too coarse for a million cells
    if inside is not None and not bool(inside.all()):  # the mask takes as long as the softmax
        flat = flat.masked_fill(~inside.flatten(1), -torch.inf)
    return F.log_softmax(flat, dim=1)


def log_map(look: FieldLook, images: Images, factor: int) -> Float[Tensor, "batch row column"]:
    """Logarithms of the probabilities of all cells, counted by the meter of the images.

    Of a file too large to decode block by block, without a gradient.
    """
    if isinstance(images, TiledImage):
        scores = map_of_blocks(look, images.overview_blocks(factor, look.reach))
        return log_probabilities_in_place(scores).view_as(scores)
    inside = images.inside(factor)
    scores = look(images.overview(factor), inside)
    return log_probabilities(scores, inside).view_as(scores)


@torch.no_grad()
def map_of_blocks(look: FieldLook, blocks: Iterable[OverviewBlock]) -> Float[Tensor, "1 row column"]:
    """The map of an overview that comes block by block: the numbers of the whole at once, in logits.

    A block ends where the image ends or its halo does. At the image's edge every layer pads with zeros, as it would on
    the whole; what padding does at a cut reaches one cell further with every layer, and so never beyond a halo of
    ``look.reach`` rows, which is cut off. No gradient is kept.

    Memory: the map, and the hidden layers of one block.

    Args:
        look: Whose map it is; a batch norm must be in evaluation, for its statistics would be those of a block.
        blocks: From top to bottom, with a halo of ``look.reach``: ``images.overview_blocks(factor, look.reach)``.

    Raises:
        BadInput: A halo is too small, a batch norm is in training, or there are no blocks.
    """
    if any(isinstance(part, nn.BatchNorm2d) and part.training for part in look.modules()):
        raise BadInput("a batch norm in training cannot look block by block", "call eval() first")
    weight = look.score.weight
    whole = weight.new_zeros(1, 0, 0)
    for block in blocks:
        _check_halo(block, look.reach)
        view = block.values.to(weight).contiguous(memory_format=torch.channels_last)
        scores = look(view)[:, block.above : block.above + block.rows]
        if whole.numel() == 0:
            whole = scores.new_zeros(1, block.total, scores.shape[2])
        whole[:, block.start : block.start + block.rows] = scores
    if whole.numel() == 0:
        raise BadInput("there is no block to look at", "give an image with at least one pixel")
    return whole


def _check_halo(block: OverviewBlock, reach: int) -> None:
    """Refuse a block that knows less of its neighbours than the look sees."""
    below = block.values.shape[2] - block.above - block.rows
    wanted = min(reach, block.start), min(reach, block.total - block.start - block.rows)
    if block.above < wanted[0] or below < wanted[1]:
        raise BadInput(f"a block's halo is smaller than {reach} rows", f"ask for overview_blocks(factor, {reach})")


@torch.no_grad()
def log_probabilities_in_place(
    scores: Float[Tensor, "batch row column"], inside: Tensor | None = None
) -> Float[Tensor, "batch cell"]:
    """``log_probabilities`` in the memory of the scores, which are lost; for maps of many millions of cells.

    >>> scores = torch.zeros(1, 2, 2)
    >>> log_probabilities_in_place(scores).exp().tolist(), scores[0, 0, 0].exp().item()
    ([[0.25, 0.25, 0.25, 0.25]], 0.25)
    """
    flat = scores.view(len(scores), -1)
    if inside is not None:
        flat.masked_fill_(~inside.flatten(1), -torch.inf)
    most = flat.amax(1, keepdim=True)
    total = most.new_zeros(most.shape, dtype=torch.float64)
    for stretch in flat.split(_STRETCH, dim=1):
        total += (stretch - most).exp_().sum(1, keepdim=True, dtype=torch.float64)
    return flat.sub_((most + total.log()).to(flat))
