"""The mean of all patches: the control that finds out whether attention is needed at all.

Paper: none; the embedding-level mean of Wang et al. 2018, "Revisiting multiple instance neural networks", on
features of patches.
"""

from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.models.parts.bag_classifier import BagClassifier, Pooled, SlidePooling, patch_embedding
from saccade.models.parts.numbers import Count, Share


class MeanPool(SlidePooling):
    """Every patch counts the same. Cost: O(patches · width)."""

    def forward(self, tokens: Float[Tensor, "patch width"], cells: Int[Tensor, "patch 2"]) -> Pooled:
        """The mean of the tokens; zeros where there are none."""
        count = max(1, len(tokens))
        return Pooled(tokens.sum(0) / count, tokens.new_full(tokens.shape[:1], 1 / count))


def mean_pooling(
    classes: tuple[str, ...], *, in_features: Count = 1024, width: Count = 512, dropout: Share = 0.0
) -> BagClassifier:
    """Build the control.

    Args:
        classes: Names of the classes.
        in_features: Numbers of a patch, as the encoder of patches leaves them.
        width: Numbers of a patch once embedded.
        dropout: Share of these dropped while training.
    """
    return BagClassifier(
        classes,
        in_features,
        read=patch_embedding(in_features, width, dropout),
        aggregate=MeanPool(),
        classify=nn.Linear(width, len(classes)),
    )
