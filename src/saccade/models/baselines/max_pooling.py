"""The maximum over all patches, feature by feature: the control for evidence that is rare.

Paper: none; the embedding-level maximum of Wang et al. 2018, "Revisiting multiple instance neural networks", on
features of patches.
Our choice: a patch weighs the share of the features of which it holds the maximum; those that share one share it alike.
"""

from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.models.parts.bag_classifier import BagClassifier, Pooled, SlidePooling, patch_embedding
from saccade.models.parts.numbers import Count, Share


class MaxPool(SlidePooling):
    """The largest value of each feature. Cost: O(patches · width)."""

    def forward(self, tokens: Float[Tensor, "patch width"], cells: Int[Tensor, "patch 2"]) -> Pooled:
        """The maximum of the tokens; zeros where there are none."""
        if not len(tokens):
            return Pooled(tokens.sum(0), tokens.new_zeros(0))
        top = tokens.amax(0)
        won = (tokens == top).to(tokens)
        return Pooled(top, (won / won.sum(0)).mean(1))


def max_pooling(
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
        aggregate=MaxPool(),
        classify=nn.Linear(width, len(classes)),
    )
