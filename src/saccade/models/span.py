"""SPAN: whole slides, classified from a pyramid of their patches' stored features.

Paper: Wu et al., "Learning Spatial-Preserving Hierarchical Representations for Digital Pathology", arXiv 2406.09333
(2024; CVPR 2026 Findings).
Authors' code: published, MIT; its geometry and sizes are followed, written anew in plain PyTorch.
Changed: every slide has shifted windows; the padding holds no sentinel tokens; places are never truncated, so no two
patches merge; no map the size of the slide. ``compatibility="released"`` brings the first two back, for weights trained
there. The projections that a single global token makes superfluous, and the last stage's cells, are not computed.
Not reproduced: the paper's result tables, which rest on features of slides that users must bring themselves.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saccade.core.bags import Bags
from saccade.core.contract import AnyImages, ClassTargets, SparseClassifier
from saccade.core.errors import BadInput
from saccade.core.results import Losses, Prediction
from saccade.models.parts.condensations import CONDENSATIONS, CondensationName
from saccade.models.parts.numbers import Count, Share
from saccade.models.parts.slide_bags import bag_sites, opened_bags
from saccade.models.parts.span_ablations import VARIANTS, Ablation, Encoder
from saccade.models.parts.span_pyramid import Compatibility, Pyramid, pyramid_of, with_pyramid

Pooling = Literal["sum", "mean", "last", "concat", "attention"]
"""How the stages' global tokens become one vector; ``sum`` as published."""

_STAGES = 3
_HEAD_WIDTH = 64  # as published: a head for every 64 numbers


class TokenHead(nn.Module):
    """The stages' global tokens, pooled, normalised and classified.

    Args:
        width: Numbers of a token.
        classes: How many there are.
        pooling: How the tokens of the stages become one vector.
        dropout: Share of its numbers dropped while training.
    """

    def __init__(self, width: int, classes: int, pooling: Pooling = "sum", dropout: float = 0.05) -> None:
        super().__init__()
        self.pooling: Pooling = pooling
        self.score = nn.Linear(width, 1) if pooling == "attention" else None
        wide = _STAGES * width if pooling == "concat" else width
        self.norm, self.dropout, self.linear = nn.LayerNorm(wide), nn.Dropout(dropout), nn.Linear(wide, classes)

    def forward(self, tokens: Float[Tensor, "slide stage width"]) -> Float[Tensor, "slide class"]:
        """Logits of each slide."""
        return self.linear(self.dropout(self.norm(self._pooled(tokens))))

    def _pooled(self, tokens: Float[Tensor, "slide stage width"]) -> Float[Tensor, "slide wide"]:
        if self.score is not None:
            return (self.score(tokens).softmax(1) * tokens).sum(1)
        pools = {"sum": tokens.sum(1), "mean": tokens.mean(1), "last": tokens[:, -1], "concat": tokens.flatten(1)}
        return pools[self.pooling]


class Span(SparseClassifier):
    """Every tissue patch is read; windows, two condensations and a global token per slide combine them.

    A patch weighs what the global token made of it: its attention at each stage, mean over heads, spread evenly over
    the patches of a cell, mean over stages, renormalised (our choice; the paper has no weights).

    >>> model = span(("normal", "tumour"), in_features=64).eval()
    >>> bags = Bags(torch.rand(3, 64), torch.tensor([[0, 0], [1, 0], [7, 2]]), (3,))
    >>> model(bags).logits.shape, round(model(bags).sites.weights.sum().item(), 3)
    (torch.Size([1, 2]), 1.0)

    Args:
        classes: Names of the classes.
        in_features: Numbers of a patch.
        aggregate: From patches to global tokens.
        classify: From global tokens to logits.
        compatibility: ``correct``, or with the release's faults.
        geometry: Changes the index of some slides; an ablation's.
    """

    leaning = (
        "Weights lean to the tissue's rim, where fewer patches share the weight of a cell; "
        "the map of evidence does not lean."
    )

    def __init__(
        self,
        classes: tuple[str, ...],
        in_features: int,
        *,
        aggregate: Encoder,
        classify: TokenHead,
        compatibility: Compatibility,
        geometry: Callable[[Pyramid], Pyramid],
    ) -> None:
        super().__init__()
        self.classes, self.in_features = tuple(classes), in_features
        self.compatibility: Compatibility = compatibility
        self.aggregate, self.classify, self.geometry = aggregate, classify, geometry

    def pyramid(self, bags: Bags) -> Pyramid:
        """The index of some slides, on their device: the one beside them, or a new one."""
        return self.geometry(pyramid_of(bags, self.compatibility))

    def preparation(self) -> Callable[[Bags], Bags]:
        """Builds the pyramid of some bags' cells and keeps it beside them."""
        return partial(with_pyramid, compatibility=self.compatibility)

    def forward(self, images: AnyImages) -> Prediction:
        """Classify some slides; they follow each other and never mix."""
        bags = opened_bags(images, self.in_features)
        pyramid = self.pyramid(bags)
        stages = self.aggregate.tokens(bags.features, pyramid)
        logits = self.classify(torch.stack([stage.token for stage in stages], dim=1))
        weights = pyramid.spread(tuple(stage.weights.detach() for stage in stages))
        return Prediction(logits, bag_sites(bags, weights), bags.cost())

    def losses(self, images: AnyImages, targets: ClassTargets) -> Losses:
        """Cross-entropy of the logits."""
        prediction = self(images)
        return Losses({"cross_entropy": targets.cross_entropy(prediction.logits)}, prediction)


def span(
    classes: tuple[str, ...],
    *,
    in_features: Count = 1024,
    width: Count | None = None,
    heads: Count | None = None,
    condensation: CondensationName = "depthwise",
    pooling: Pooling = "sum",
    dropout: Share = 0.05,
    compatibility: Compatibility = "correct",
    ablation: Ablation = "none",
) -> Span:
    """Build the whole model from its parts; the defaults are as published.

    Args:
        classes: Names of the classes.
        in_features: Numbers of a patch, as the encoder of patches leaves them.
        width: Numbers of a cell; ``None`` takes half of ``in_features``.
        heads: Attention heads; ``None`` takes one for every 64 of ``width``.
        condensation: How four cells become one.
        pooling: How the tokens of the stages become one vector.
        dropout: Share of features, attention weights and hidden numbers dropped while training.
        compatibility: ``released`` repeats the faults of the authors' code, for weights trained there.
        ablation: The part to leave out, to see what it is good for. Without a global token the last stage's cells are
            averaged instead.

    Raises:
        BadInput: The width cannot be shared among the heads, or what an ablation leaves out was asked for.
    """
    width = max(1, in_features // 2) if width is None else width
    heads = max(1, width // _HEAD_WIDTH) if heads is None else heads
    if width % heads:
        raise BadInput(f"a width of {width} cannot be shared among {heads} heads", "choose a multiple of the heads")
    if ablation != "none" and compatibility == "released":
        raise BadInput("an ablation was asked for with the release's faults", "leave the compatibility out")
    if ablation == "no-global-token" and pooling != "sum":
        raise BadInput(f"without global tokens none can be pooled by {pooling}", "leave the pooling out")
    if ablation == "no-pyramid" and condensation != "depthwise":
        raise BadInput(f"without a pyramid nothing is condensed ({condensation})", "leave the condensation out")
    variant, pooling = VARIANTS[ablation], "last" if ablation == "no-global-token" else pooling
    return Span(
        classes,
        in_features,
        aggregate=variant.encoder(in_features, width, heads, dropout, CONDENSATIONS[condensation]),
        classify=TokenHead(width, len(classes), pooling, dropout),
        compatibility=compatibility,
        geometry=variant.geometry,
    )
