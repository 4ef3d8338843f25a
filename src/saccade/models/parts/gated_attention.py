"""Gated attention: a small network scores each patch by itself, a softmax over the slide makes weights of it."""

from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.models.parts.bag_classifier import Pooled, SlidePooling


class GatedAttention(SlidePooling):
    """``aᵢ = softmaxᵢ(w · (tanh(V hᵢ) ⊙ σ(U hᵢ)))``, and the summary is ``Σ aᵢ hᵢ``.

    Source: Ilse et al. 2018, "Attention-based Deep Multiple Instance Learning", arXiv 1802.04712, equation 9. ``V``,
    ``U`` and ``w`` have a bias each, as in the authors' code and in CLAM's; that of ``w`` adds the same to every score.
    Cost: O(patches · width · hidden).

    Args:
        width: Numbers of a token.
        hidden: Numbers between the two layers.
        dropout: Share of either branch's numbers dropped while training.
    """

    def __init__(self, width: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.content, self.gate = nn.Linear(width, hidden), nn.Linear(width, hidden)
        self.score, self.dropout = nn.Linear(hidden, 1), nn.Dropout(dropout)

    def scores(self, tokens: Float[Tensor, "patch width"]) -> Float[Tensor, " patch"]:
        """Before the softmax."""
        content = self.dropout(self.content(tokens).tanh())
        return self.score(content * self.dropout(self.gate(tokens).sigmoid())).squeeze(-1)

    def forward(self, tokens: Float[Tensor, "patch width"], cells: Int[Tensor, "patch 2"]) -> Pooled:
        """Pool the patches of one slide by their weights; where they lie does not matter."""
        weights = self.scores(tokens).softmax(0)
        return Pooled(weights @ tokens, weights)
