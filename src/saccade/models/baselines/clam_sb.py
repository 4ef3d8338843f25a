"""CLAM-SB: gated attention that is also told to find patches of its class: the most against the least attended.

Paper: Lu et al., "Data-efficient and weakly supervised computational pathology on whole-slide images", Nature
Biomedical Engineering 5, 2021, arXiv 2004.09666.
Authors' code: published, GPL-3.0; facts alone are taken from it, no line of code.
As published: one attention branch; per class a classifier of patches, taught that the ``instances`` most attended
patches of a slide of that class belong to it and the least attended do not, by the smooth top-1 SVM loss of Berrada et
al. 2018 (arXiv 1802.07595) with margin and temperature 1; 0.7 of the slide's loss plus 0.3 of the patches'.
Our choice: classes exclude each other here, so the other classes' classifiers are taught that the most attended patches
are not theirs (the paper's form for subtyping); a slide of fewer than twice ``instances`` patches gives half of them to
either side, and a slide of one patch gives none.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.core.bags import Bags
from saccade.core.contract import AnyImages, ClassTargets, SparseClassifier
from saccade.core.results import Losses, Prediction
from saccade.models.parts.bag_classifier import Pooled, bag_prediction, patch_embedding, pool_slides, summaries
from saccade.models.parts.gated_attention import GatedAttention
from saccade.models.parts.numbers import Count, Share
from saccade.models.parts.slide_bags import opened_bags


def smooth_svm(scores: Float[Tensor, "patch class"], labels: Int[Tensor, " patch"]) -> Float[Tensor, ""]:
    """Mean smooth top-1 SVM loss: ``log Σⱼ exp(sⱼ + [j ≠ y]) − s_y``, the margin and the temperature being 1.

    >>> round(float(smooth_svm(torch.zeros(1, 2), torch.tensor([0]))), 4)  # log(1 + e)
    1.3133
    """
    margin = 1 - F.one_hot(labels, scores.shape[1]).to(scores)
    return F.cross_entropy(scores + margin, labels)


class ClamSb(SparseClassifier):
    """Gated attention with clustering of patches; a patch weighs its attention.

    Args:
        classes: Names of the classes.
        in_features: Numbers of a patch.
        read: From a patch's feature to its token.
        aggregate: From a slide's tokens to one vector.
        classify: From that vector to logits.
        clusters: One classifier of patches per class: not of it, of it.
        instances: Most and least attended patches that a slide teaches with.
        bag_weight: Share of the slide's loss; the rest is the patches'.
    """

    def __init__(
        self,
        classes: tuple[str, ...],
        in_features: int,
        *,
        read: nn.Module,
        aggregate: GatedAttention,
        classify: nn.Linear,
        clusters: Sequence[nn.Linear],
        instances: int,
        bag_weight: float,
    ) -> None:
        super().__init__()
        self.classes, self.in_features = tuple(classes), in_features
        self.read, self.aggregate, self.classify = read, aggregate, classify
        self.clusters = nn.ModuleList(clusters)
        self.instances, self.bag_weight = instances, bag_weight

    def forward(self, images: AnyImages) -> Prediction:
        """Classify some slides; the classifiers of patches are for training alone."""
        bags = opened_bags(images, self.in_features)
        return self._predicted(pool_slides(self.aggregate, self.read(bags.features), bags), bags)

    def losses(self, images: AnyImages, targets: ClassTargets) -> Losses:
        """Cross-entropy of the slides and the smooth SVM loss of their telling patches, in their shares."""
        bags = opened_bags(images, self.in_features)
        tokens = self.read(bags.features)
        pools = pool_slides(self.aggregate, tokens, bags)
        prediction = self._predicted(pools, bags)
        slides = zip(tokens.split(bags.lengths), pools, targets.labels.tolist(), strict=True)
        patches = torch.stack([self._cluster(rows, pooled.weights, label) for rows, pooled, label in slides]).mean()
        entropy = targets.cross_entropy(prediction.logits)
        return Losses({"bag": self.bag_weight * entropy, "instances": (1 - self.bag_weight) * patches}, prediction)

    def _predicted(self, pools: list[Pooled], bags: Bags) -> Prediction:
        return bag_prediction(self.classify(summaries(pools)), [pooled.weights for pooled in pools], bags)

    def _cluster(
        self, tokens: Float[Tensor, "patch width"], weights: Float[Tensor, " patch"], label: int
    ) -> Float[Tensor, ""]:
        """The patches' loss of one slide, mean over classes."""
        count = min(self.instances, len(tokens) // 2)
        if not count:
            return tokens.sum() * 0
        order = weights.argsort(descending=True)
        most, least = tokens[order[:count]], tokens[order[-count:]]
        ours = torch.arange(2, device=tokens.device).flip(0).repeat_interleave(count)
        terms = [smooth_svm(cluster(most), torch.zeros_like(ours[:count])) for cluster in self.clusters]
        terms[label] = smooth_svm(self.clusters[label](torch.cat([most, least])), ours)
        return torch.stack(terms).mean()


def clam_sb(
    classes: tuple[str, ...],
    *,
    in_features: Count = 1024,
    width: Count = 512,
    hidden: Count = 256,
    dropout: Share = 0.25,
    instances: Count = 8,
    bag_weight: Share = 0.7,
) -> ClamSb:
    """Build the peer from its parts; the defaults are as published (the "small" network).

    Args:
        classes: Names of the classes.
        in_features: Numbers of a patch, as the encoder of patches leaves them.
        width: Numbers of a patch once embedded.
        hidden: Numbers within the attention.
        dropout: Share of embedded and hidden numbers dropped while training.
        instances: Most and least attended patches that a slide teaches with.
        bag_weight: Share of the slide's loss; the rest is the patches'.
    """
    return ClamSb(
        classes,
        in_features,
        read=patch_embedding(in_features, width, dropout),
        aggregate=GatedAttention(width, hidden, dropout),
        classify=nn.Linear(width, len(classes)),
        clusters=[nn.Linear(width, 2) for _ in classes],
        instances=instances,
        bag_weight=bag_weight,
    )
