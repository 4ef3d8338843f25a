"""Gated ABMIL: each patch scored by itself, the slide is the weighted mean.

Paper: Ilse, Tomczak, Welling, "Attention-based Deep Multiple Instance Learning", ICML 2018, arXiv 1802.04712.
Authors' code: published, MIT; written from the paper's equations.
Changed: a linear layer with ReLU embeds stored features where the paper trains a network on pixels; a softmax over
classes where the paper has one sigmoid. Widths are the field's for slides (512, and 384 within the attention).
"""

from torch import nn

from saccade.models.parts.bag_classifier import BagClassifier, patch_embedding
from saccade.models.parts.gated_attention import GatedAttention
from saccade.models.parts.numbers import Count, Share


def gated_abmil(
    classes: tuple[str, ...],
    *,
    in_features: Count = 1024,
    width: Count = 512,
    hidden: Count = 384,
    dropout: Share = 0.0,
) -> BagClassifier:
    """Build the peer from its parts.

    Args:
        classes: Names of the classes.
        in_features: Numbers of a patch, as the encoder of patches leaves them.
        width: Numbers of a patch once embedded.
        hidden: Numbers within the attention.
        dropout: Share of embedded and hidden numbers dropped while training.
    """
    return BagClassifier(
        classes,
        in_features,
        read=patch_embedding(in_features, width, dropout),
        aggregate=GatedAttention(width, hidden, dropout),
        classify=nn.Linear(width, len(classes)),
    )
