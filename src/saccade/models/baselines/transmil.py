"""TransMIL: two layers of Nyström attention over all patches, with convolutions between them on a made-up square.

Paper: Shao et al., "TransMIL: Transformer based Correlated Multiple Instance Learning for Whole Slide Image
Classification", NeurIPS 2021, arXiv 2106.00908.
Authors' code: published, GPL-3.0; facts alone are taken from it, no line of code. 2,672,146 parameters at 1024 features
and 2 classes, as theirs.
As published: patches fill a square row by row, the first ones again where it has places left; where they lay on the
slide is lost but for their order.
Changed: patches are put into raster order first, so that the order they come in does not matter. Segments of tokens are
as even as they can be; the authors' attention puts zeros before the tokens until landmarks divide them, and lets these
take part as keys. The pseudo-inverse starts from norms per head, as the paper of the Nyströmformer has it.
Our choice: a patch weighs what the class token gives it in the second layer, mean over heads, both of its copies added,
negative values of the approximation cut off, renormalised.
"""

from math import ceil, sqrt

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.models.parts.bag_classifier import BagClassifier, Pooled, SlidePooling, normalised, patch_embedding
from saccade.models.parts.numbers import Count, Share
from saccade.models.parts.nystrom import NystromAttention

_KERNELS = (7, 5, 3)


class SquareConvolutions(nn.Module):
    """Three depthwise convolutions of a square of tokens added to it: the pyramid position encoding of the paper.

    Args:
        width: Numbers of a token.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width) for kernel in _KERNELS
        )

    def forward(self, tokens: Float[Tensor, "place width"]) -> Float[Tensor, "place width"]:
        """The square with what lies around each of its places; its side is the root of their number."""
        if not len(tokens):
            return tokens
        square = rearrange(tokens, "(row column) width -> 1 width row column", row=round(sqrt(len(tokens))))
        square = square + sum(convolution(square) for convolution in self.convolutions)
        return rearrange(square, "1 width row column -> (row column) width")


def raster_order(cells: Int[Tensor, "patch 2"]) -> Int[Tensor, " patch"]:
    """Numbers of the patches row by row, each row from its least column; of cells however far apart."""
    order = cells[:, 0].argsort(stable=True)
    return order[cells[order, 1].argsort(stable=True)]


def squared(count: int) -> tuple[int, int]:
    """Side of the least square with room for some patches, and the places left over.

    >>> squared(7), squared(9), squared(0)
    ((3, 2), (3, 0), (0, 0))
    """
    side = ceil(sqrt(count))
    return side, side * side - count


class TransMilEncoder(SlidePooling):
    """A class token and the slide's patches through both layers; the class token is what they come to.

    Cost: O(patches · landmarks · width), no matrix of patches by patches.

    Args:
        width: Numbers of a token.
        heads: Attention heads.
        landmarks: Segments of queries and keys in the Nyström attention.
        dropout: Share of an attention's output dropped while training.
    """

    def __init__(self, width: int, heads: int, landmarks: int, dropout: float) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.attend = nn.ModuleList(NystromAttention(width, heads, landmarks, dropout) for _ in range(2))
        self.between, self.norm = SquareConvolutions(width), nn.LayerNorm(width)

    def forward(self, tokens: Float[Tensor, "patch width"], cells: Int[Tensor, "patch 2"]) -> Pooled:
        """The class token of one slide."""
        order, (_, more) = raster_order(cells), squared(len(tokens))
        order = torch.cat([order, order[:more]])
        tokens = torch.cat([self.token, tokens[order]])
        tokens = tokens + self.attend[0](self.norms[0](tokens))[0]
        tokens = torch.cat([tokens[:1], self.between(tokens[1:])])
        gathered, kernel = self.attend[1](self.norms[1](tokens))
        attention = kernel.row(0).detach().mean(0)[1:]
        weights = normalised(attention.new_zeros(len(cells)).index_add(0, order, attention))
        return Pooled(self.norm((tokens + gathered)[0]), weights)


def transmil(
    classes: tuple[str, ...],
    *,
    in_features: Count = 1024,
    width: Count = 512,
    heads: Count = 8,
    landmarks: Count | None = None,
    dropout: Share = 0.1,
) -> BagClassifier:
    """Build the peer from its parts; the defaults are as published.

    Args:
        classes: Names of the classes.
        in_features: Numbers of a patch, as the encoder of patches leaves them.
        width: Numbers of a token.
        heads: Attention heads.
        landmarks: Segments of queries and keys in the Nyström attention; ``None`` takes half of ``width``.
        dropout: Share of an attention's output dropped while training.

    Raises:
        BadInput: The width cannot be shared among the heads.
    """
    landmarks = max(1, width // 2) if landmarks is None else landmarks
    return BagClassifier(
        classes,
        in_features,
        read=patch_embedding(in_features, width, 0.0),
        aggregate=TransMilEncoder(width, heads, landmarks, dropout),
        classify=nn.Linear(width, len(classes)),
    )
