"""Nyström attention: softmax attention by way of a few landmarks, in time and memory linear in the tokens.

Paper: Xiong et al., "Nyströmformer: A Nyström-Based Algorithm for Approximating Self-Attention", AAAI 2021,
arXiv 2102.03902. With landmarks ``Q̃``, ``K̃``, the means of segments of the queries and keys,

    softmax(QKᵀ) ≈ softmax(QK̃ᵀ) · softmax(Q̃K̃ᵀ)⁺ · softmax(Q̃Kᵀ)

where ⁺ is the pseudo-inverse, found by iteration (Razavi et al. 2014). Where every token is a landmark this is exact.
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from saccade.core.errors import BadInput

_ITERATIONS = 6  # as published
_TAPS = 33  # of the convolution over values, as published


def segment_means(values: Float[Tensor, "head token part"], segments: int) -> Float[Tensor, "head segment part"]:
    """Means of consecutive tokens, as evenly shared out as whole numbers allow; the longer segments come first.

    >>> segment_means(torch.tensor([[[1.0], [3.0], [5.0]]]), 2).tolist()
    [[[2.0], [5.0]]]

    Args:
        values: Of each token.
        segments: How many; where there are fewer tokens, every token is one.
    """
    tokens = values.shape[1]
    if tokens <= segments:
        return values
    short, longer = divmod(tokens, segments)
    border = longer * (short + 1)
    halves = ((values[:, :border], short + 1), (values[:, border:], short))
    means = [
        rearrange(half, "head (segment token) part -> head segment token part", token=size) for half, size in halves
    ]
    return torch.cat([each.mean(2) for each in means], dim=1)


def pseudo_inverse(matrix: Float[Tensor, "head row row"], iterations: int) -> Float[Tensor, "head row row"]:
    """The iteration of the paper, ``Z ← ¼ Z (13 I − A Z (15 I − A Z (7 I − A Z)))``, from ``Aᵀ / (‖A‖₁ ‖A‖∞)``.

    Each head starts from norms of its own, so that heads do not meet. Cost: four products a step.
    """
    norms = matrix.abs().sum(1).amax(1) * matrix.abs().sum(2).amax(1)
    inverse = matrix.transpose(1, 2) / norms[:, None, None]
    one = torch.eye(matrix.shape[1], dtype=matrix.dtype, device=matrix.device)
    for _ in range(iterations):
        product = matrix @ inverse
        inverse = inverse @ (13 * one - product @ (15 * one - product @ (7 * one - product))) / 4
    return inverse


@dataclass(frozen=True, eq=False)
class NystromKernel:
    """The three factors of approximate attention.

    Attributes:
        to_landmarks: From each query to the landmarks; rows sum to one.
        inverse: Pseudo-inverse of the attention among landmarks.
        from_landmarks: From each landmark to the keys; rows sum to one.
    """

    to_landmarks: Float[Tensor, "head token landmark"]
    inverse: Float[Tensor, "head landmark landmark"]
    from_landmarks: Float[Tensor, "head landmark token"]

    def attend(self, values: Float[Tensor, "head token part"]) -> Float[Tensor, "head token part"]:
        """The values each query gathers. Products from the right: no matrix of tokens by landmarks is made anew."""
        return self.to_landmarks @ (self.inverse @ (self.from_landmarks @ values))

    def row(self, token: int) -> Float[Tensor, "head token"]:
        """What one token attends to; sums to one but for the pseudo-inverse, and may be negative in places."""
        return (self.to_landmarks[:, token : token + 1] @ self.inverse @ self.from_landmarks)[:, 0]


def nystrom_kernel(
    queries: Float[Tensor, "head token part"],
    keys: Float[Tensor, "head token part"],
    landmarks: int,
    iterations: int = _ITERATIONS,
) -> NystromKernel:
    """The factors for scaled queries. The inverse is found in float32 at least, autocast or not.

    Cost: O(token · landmark · width + iterations · landmark³) per head.
    """
    few_queries, few_keys = segment_means(queries, landmarks), segment_means(keys, landmarks)
    to_landmarks = (queries @ few_keys.transpose(1, 2)).softmax(-1)
    from_landmarks = (few_queries @ keys.transpose(1, 2)).softmax(-1)
    exact = torch.promote_types(queries.dtype, torch.float32)
    with torch.autocast(queries.device.type, enabled=False):
        among = few_queries.to(exact) @ few_keys.to(exact).transpose(1, 2)
        inverse = pseudo_inverse(among.softmax(-1), iterations)
    return NystromKernel(to_landmarks, inverse.to(to_landmarks.dtype), from_landmarks)


class NystromAttention(nn.Module):
    """Multi-head Nyström attention with a depthwise convolution of the values along the tokens added to it.

    Args:
        width: Numbers of a token.
        heads: Attention heads.
        landmarks: Segments of queries and keys.
        dropout: Share of the output dropped while training.

    Raises:
        BadInput: The heads do not divide the width.
    """

    def __init__(self, width: int, heads: int, landmarks: int, dropout: float) -> None:
        super().__init__()
        if width % heads:
            raise BadInput(f"a width of {width} cannot be shared among {heads} heads", "choose a multiple of the heads")
        self.heads, self.landmarks = heads, landmarks
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.residual = nn.Conv1d(heads, heads, _TAPS, padding=_TAPS // 2, groups=heads, bias=False)
        self.out = nn.Sequential(nn.Linear(width, width), nn.Dropout(dropout))

    def forward(self, tokens: Float[Tensor, "token width"]) -> tuple[Float[Tensor, "token width"], NystromKernel]:
        """What each token gathers from all, and the attention that did it."""
        by_head = rearrange(
            self.project(tokens), "token (kind head part) -> kind head token part", kind=3, head=self.heads
        )
        queries, keys, values = by_head.unbind(0)
        kernel = nystrom_kernel(queries / queries.shape[-1] ** 0.5, keys, self.landmarks)
        gathered = kernel.attend(values) + self._nearby(values)
        return self.out(rearrange(gathered, "head token part -> token (head part)")), kernel

    def _nearby(self, values: Float[Tensor, "head token part"]) -> Float[Tensor, "head token part"]:
        """The same taps for all numbers of a head, so these are the batch."""
        along = rearrange(values, "head token part -> part head token")
        return rearrange(self.residual(along), "part head token -> head token part")
