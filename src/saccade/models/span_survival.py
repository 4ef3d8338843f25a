"""SPAN for survival: the same network, whose logits are the hazards of bins of time.

Paper: Wu et al., "Learning Spatial-Preserving Hierarchical Representations for Digital Pathology", arXiv 2406.09333
(2024; CVPR 2026 Findings).
Authors' code: published, MIT; its loss and its risk, the negative sum of the survival over the bins, are followed.
Changed: all that ``span`` changes; it is the published classifier in every part, while the authors' configuration for
survival shares the projections of windows and token, and has a feed-forward part twice as wide.
Not reproduced: the paper's concordance, which rests on features and follow-up that users must bring themselves.
"""

from collections.abc import Callable
from typing import Any

from saccade.core.bags import Bags
from saccade.core.contract import AnyImages, SparseClassifier, SurvivalTargets
from saccade.core.results import Losses, SurvivalPrediction
from saccade.models.parts.condensations import CondensationName
from saccade.models.parts.numbers import Count, Share
from saccade.models.parts.span_ablations import Ablation
from saccade.models.span import Pooling, Span, span


class SpanSurvival(SparseClassifier[SurvivalTargets]):
    """SPAN, asked when.

    >>> import torch
    >>> model = span_survival(("under 12", "12 to 30", "30 or more"), in_features=64).eval()
    >>> prediction = model(Bags(torch.rand(3, 64), torch.tensor([[0, 0], [1, 0], [7, 2]]), (3,)))
    >>> round((prediction.probabilities.sum() + prediction.survival[0, -1]).item(), 4)
    1.0

    Args:
        span: The network; its classes are the bins of time.
    """

    def __init__(self, span: Span) -> None:
        super().__init__()
        self.classes, self.span = span.classes, span

    def preparation(self) -> Callable[[Bags], Bags]:
        """What readies bags for the network."""
        return self.span.preparation()

    def forward(self, images: AnyImages) -> SurvivalPrediction:
        """The hazards of some slides; weights as ``Span`` has them."""
        prediction = self.span(images)
        return SurvivalPrediction(prediction.logits, prediction.sites, prediction.cost)

    def losses(self, images: AnyImages, targets: SurvivalTargets) -> Losses:
        """Negative log-likelihood of the bins."""
        prediction = self(images)
        return Losses({"nll": targets.nll(prediction.logits)}, prediction)


def span_survival(
    classes: tuple[str, ...],
    *,
    in_features: Count = 1024,
    width: Count | None = None,
    heads: Count | None = None,
    condensation: CondensationName = "depthwise",
    pooling: Pooling = "sum",
    dropout: Share = 0.05,
    ablation: Ablation = "none",
) -> SpanSurvival:
    """Build the whole model from its parts; the options are those of ``span``.

    Args:
        classes: Names of the bins of time, from the first; ``TimeBins.names`` has them.
        in_features: Numbers of a patch, as the encoder of patches leaves them.
        width: Numbers of a cell; ``None`` takes half of ``in_features``.
        heads: Attention heads; ``None`` takes one for every 64 of ``width``.
        condensation: How four cells become one.
        pooling: How the tokens of the stages become one vector.
        dropout: Share of features, attention weights and hidden numbers dropped while training.
        ablation: The part to leave out.

    Raises:
        BadInput: As for ``span``.
    """
    options: dict[str, Any] = {"width": width, "heads": heads, "pooling": pooling, "dropout": dropout}
    network = span(classes, in_features=in_features, condensation=condensation, ablation=ablation, **options)
    return SpanSurvival(network)
