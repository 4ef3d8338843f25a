"""DSMIL: the patch that speaks loudest for a class, and all others by how much they resemble it.

Paper: Li, Li, Eliceiri, "Dual-stream Multiple Instance Learning Network for Whole Slide Image Classification with
Self-supervised Contrastive Learning", CVPR 2021, arXiv 2011.08939.
Authors' code: published, MIT; written from the paper's equations.
As published: features are taken as they are, queries of 128 numbers, a slide's logits are the mean of both streams',
its loss the mean of both losses.
Changed: a softmax over classes where the paper has a sigmoid per class.
Our choice: a patch weighs its attention, mean over classes; a slide without tissue is one critical patch of zeros.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saccade.core.bags import Bags
from saccade.core.contract import AnyImages, ClassTargets, SparseClassifier
from saccade.core.results import Losses, Prediction
from saccade.models.parts.bag_classifier import bag_prediction
from saccade.models.parts.numbers import Count, Share
from saccade.models.parts.slide_bags import opened_bags


class DualStream(nn.Module):
    """Both streams of one slide.

    The first scores every patch for every class; a class's best is its critical patch ``m``. The second weighs patch
    ``i`` by ``softmaxᵢ(qᵢ · q_m / √hidden)``, sums the values, and classifies the sums of all classes together.

    Cost: O(patches · width · (width + hidden)).

    Args:
        width: Numbers of a patch.
        classes: How many there are.
        hidden: Numbers of a query.
        dropout: Share of its numbers dropped before a patch's value is taken, while training.
    """

    def __init__(self, width: int, classes: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.score = nn.Linear(width, classes)
        self.query, self.value = nn.Linear(width, hidden), nn.Linear(width, width)
        self.dropout, self.classify = nn.Dropout(dropout), nn.Linear(classes * width, classes)

    def forward(
        self, tokens: Float[Tensor, "patch width"]
    ) -> tuple[Float[Tensor, " class"], Float[Tensor, " class"], Float[Tensor, "patch class"]]:
        """Logits of the critical patches, logits of the second stream, and its attention."""
        scores = self.score(tokens if len(tokens) else tokens.new_zeros(1, tokens.shape[1]))
        best, critical = scores.max(0)
        if not len(tokens):
            sums = self.value(tokens).sum(0).repeat(len(best))
            return best, self.classify(sums), scores[:0]
        queries = self.query(tokens)
        attention = (queries @ queries[critical].T / queries.shape[1] ** 0.5).softmax(0)
        sums = attention.T @ self.value(self.dropout(tokens))
        return best, self.classify(sums.flatten()), attention


class Dsmil(SparseClassifier):
    """Two streams that share the patches' features; the decision is the mean of both.

    Args:
        classes: Names of the classes.
        in_features: Numbers of a patch.
        read: From a patch's feature to its token.
        aggregate: Both streams.
    """

    def __init__(self, classes: tuple[str, ...], in_features: int, *, read: nn.Module, aggregate: DualStream) -> None:
        super().__init__()
        self.classes, self.in_features = tuple(classes), in_features
        self.read, self.aggregate = read, aggregate

    def forward(self, images: AnyImages) -> Prediction:
        """Classify some slides."""
        bags = opened_bags(images, self.in_features)
        critical, second, weights = self._streams(bags)
        return bag_prediction((critical + second) / 2, weights, bags)

    def losses(self, images: AnyImages, targets: ClassTargets) -> Losses:
        """Half the cross-entropy of either stream."""
        bags = opened_bags(images, self.in_features)
        critical, second, weights = self._streams(bags)
        terms = {"critical": targets.cross_entropy(critical) / 2, "bag": targets.cross_entropy(second) / 2}
        return Losses(terms, bag_prediction((critical + second) / 2, weights, bags))

    def _streams(self, bags: Bags) -> tuple[Tensor, Tensor, list[Tensor]]:
        tokens = self.read(bags.features).split(bags.lengths)
        critical, second, attention = zip(*(self.aggregate(rows) for rows in tokens), strict=True)
        return torch.stack(critical), torch.stack(second), [each.mean(1) for each in attention]


def dsmil(
    classes: tuple[str, ...],
    *,
    in_features: Count = 1024,
    width: Count | None = None,
    hidden: Count = 128,
    dropout: Share = 0.0,
) -> Dsmil:
    """Build the peer from its parts; the defaults are as published.

    Args:
        classes: Names of the classes.
        in_features: Numbers of a patch, as the encoder of patches leaves them.
        width: Numbers to which a linear layer with ReLU reduces a patch first; ``None`` takes features as they are.
        hidden: Numbers of a query.
        dropout: Share of its numbers dropped before a patch's value is taken, while training.
    """
    read = nn.Identity() if width is None else nn.Sequential(nn.Linear(in_features, width), nn.ReLU())
    aggregate = DualStream(width or in_features, len(classes), hidden, dropout)
    return Dsmil(classes, in_features, read=read, aggregate=aggregate)
