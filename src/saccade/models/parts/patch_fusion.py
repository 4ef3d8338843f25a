"""Fusions: from what a classifier says of each patch to what is said of the image.

A fusion says how much each patch counts and joins their probabilities: ``log Σ_i w_i · softmax(l_i)``, which is the
logarithm of a probability, so that cross-entropy judges the mixture itself.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class MeanFusion(nn.Module):
    """All patches alike: the plain mean of their probabilities."""

    def weights(self, drawn: Float[Tensor, "*batch draw"]) -> Float[Tensor, "*batch draw"]:
        """How much each draw counts, from the logarithm of its probability on the map."""
        return torch.full_like(drawn, 1 / drawn.shape[-1])

    def forward(
        self, logits: Float[Tensor, "batch draw class"], weights: Float[Tensor, "batch draw"]
    ) -> Float[Tensor, "batch class"]:
        """Logarithms of the image's probabilities."""
        return mixture(logits, weights)


class WeightFusion(nn.Module):
    """Each patch by its probability on the map among those drawn, as attention sampling does it."""

    def weights(self, drawn: Float[Tensor, "*batch draw"]) -> Float[Tensor, "*batch draw"]:
        """``a_i / Σ_j a_j``."""
        return drawn.softmax(-1)

    def forward(
        self, logits: Float[Tensor, "batch draw class"], weights: Float[Tensor, "batch draw"]
    ) -> Float[Tensor, "batch class"]:
        """Logarithms of the image's probabilities."""
        return mixture(logits, weights)


class VoteFusion(nn.Module):
    """In evaluation each patch votes for one class; training joins by the mean, since a vote has no gradient.

    The image's probabilities are the shares of the votes, but for a share of 1 / 2P (of P patches) that the mean of the
    probabilities gets: too little to outdo a vote, enough to decide between classes of equally many, and to leave no
    class without any.
    """

    def weights(self, drawn: Float[Tensor, "*batch draw"]) -> Float[Tensor, "*batch draw"]:
        """One vote each."""
        return torch.full_like(drawn, 1 / drawn.shape[-1])

    def forward(
        self, logits: Float[Tensor, "batch draw class"], weights: Float[Tensor, "batch draw"]
    ) -> Float[Tensor, "batch class"]:
        """Logarithms of the image's probabilities."""
        mean = mixture(logits, weights)
        if self.training:
            return mean
        votes = nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).to(logits.dtype).mean(1)
        little = 0.5 / logits.shape[1]
        return torch.logaddexp(((1 - little) * votes).log(), mean + torch.as_tensor(little).log())


def mixture(
    logits: Float[Tensor, "batch draw class"], weights: Float[Tensor, "batch draw"]
) -> Float[Tensor, "batch class"]:
    """``log Σ_i w_i · softmax(l_i)``.

    >>> mixture(torch.tensor([[[0.0, 0.0], [9.0, 9.0]]]), torch.tensor([[0.5, 0.5]])).exp().tolist()
    [[0.5, 0.5]]
    """
    return (logits.log_softmax(-1) + weights.log()[..., None]).logsumexp(1)
