"""A plain transformer over all patches of a slide: what dense attention costs, and what it gains.

Paper: Vaswani et al. 2017, "Attention Is All You Need", encoder with pre-norm and a class token as in Dosovitskiy et
al. 2021; on patches' features. Our own code on PyTorch's scaled dot-product attention.
Our choice: no positions, so that it sees a set, as ABMIL does (TransMIL and SPAN are the peers that know of places);
widths as SPAN's, half of the features, heads of 64 numbers, a hidden layer twice as wide; every layer computes every
token, as plain transformers do. A patch weighs what the class token gives it in the last layer, mean over heads,
renormalised.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.core.errors import BadInput
from saccade.models.parts.bag_classifier import BagClassifier, Pooled, SlidePooling, normalised
from saccade.models.parts.numbers import Count, Share

_HEAD_WIDTH = 64
_HIDDEN = 2  # times the width, as in SPAN


class DenseLayer(nn.Module):
    """Attention among all tokens, then a hidden layer; each behind a LayerNorm and added to what it began with.

    Cost: O(tokens² · width).

    Args:
        width: Numbers of a token.
        heads: Attention heads.
        dropout: Share of attention weights and hidden numbers dropped while training.

    Raises:
        BadInput: The heads do not divide the width.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        if width % heads:
            raise BadInput(f"a width of {width} cannot be shared among {heads} heads", "choose a multiple of the heads")
        self.heads, self.share = heads, dropout
        self.norm, self.project = nn.LayerNorm(width), nn.Linear(width, 3 * width, bias=False)
        self.out, self.dropout = nn.Linear(width, width), nn.Dropout(dropout)
        self.hidden = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, _HIDDEN * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(_HIDDEN * width, width),
        )

    def forward(self, tokens: Float[Tensor, "token width"]) -> tuple[Float[Tensor, "token width"], Tensor]:
        """The tokens after the layer, and what the first of them attended to, mean over heads."""
        by_head = rearrange(
            self.project(self.norm(tokens)), "token (kind head part) -> kind 1 head token part", kind=3, head=self.heads
        )
        queries, keys, values = by_head.unbind(0)
        share = self.share if self.training else 0.0
        gathered = F.scaled_dot_product_attention(queries, keys, values, dropout_p=share)
        first = queries[0, :, :1].detach() @ keys[0].detach().transpose(1, 2) / queries.shape[-1] ** 0.5
        tokens = tokens + self.dropout(self.out(rearrange(gathered, "1 head token part -> token (head part)")))
        return tokens + self.dropout(self.hidden(tokens)), first[:, 0].softmax(-1).mean(0)


class DenseEncoder(SlidePooling):
    """A class token and the slide's patches through all layers; the class token is what they come to.

    Args:
        width: Numbers of a token.
        heads: Attention heads.
        layers: How many.
        dropout: Share dropped while training, in every layer.
    """

    def __init__(self, width: int, heads: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.randn(1, width) * 0.02)
        self.layers = nn.ModuleList(DenseLayer(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Float[Tensor, "patch width"], cells: Int[Tensor, "patch 2"]) -> Pooled:
        """The class token of one slide; where its patches lie does not matter."""
        tokens, attention = torch.cat([self.token, tokens]), tokens.new_zeros(0)
        for layer in self.layers:
            tokens, attention = layer(tokens)
        return Pooled(self.norm(tokens[0]), normalised(attention[1:]))


def slide_transformer(
    classes: tuple[str, ...],
    *,
    in_features: Count = 1024,
    width: Count | None = None,
    heads: Count | None = None,
    layers: Count = 2,
    dropout: Share = 0.1,
) -> BagClassifier:
    """Build the peer from its parts.

    Args:
        classes: Names of the classes.
        in_features: Numbers of a patch, as the encoder of patches leaves them.
        width: Numbers of a token; ``None`` takes half of ``in_features``.
        heads: Attention heads; ``None`` takes one for every 64 of ``width``.
        layers: How many; SPAN has three.
        dropout: Share of attention weights and hidden numbers dropped while training.

    Raises:
        BadInput: The width cannot be shared among the heads.
    """
    width = max(1, in_features // 2) if width is None else width
    heads = max(1, width // _HEAD_WIDTH) if heads is None else heads
    return BagClassifier(
        classes,
        in_features,
        read=nn.Linear(in_features, width),
        aggregate=DenseEncoder(width, heads, layers, dropout),
        classify=nn.Linear(width, len(classes)),
    )
