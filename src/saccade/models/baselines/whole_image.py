"""What ordinary networks share here: they read the whole image as one site."""

import torch
from torch import nn

from saccade.core.contract import AnyImages, ClassTargets, SparseClassifier
from saccade.core.results import Losses, Prediction, Sites
from saccade.imaging.stack import as_stack


class WholeImage(SparseClassifier):
    """Any network from images to logits, as a classifier whose one site is the whole image.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        network: From (batch, channel, height, width) to (batch, class).
    """

    def __init__(self, classes: tuple[str, ...], channels: int, network: nn.Module) -> None:
        super().__init__()
        self.classes, self.channels, self.network = tuple(classes), channels, network

    def forward(self, images: AnyImages) -> Prediction:
        """Classify; every pixel is read."""
        stack = as_stack(images, self.channels)
        logits = self.network(stack.read_whole())
        whole = logits.new_tensor([0.0, 0.0, stack.width, stack.height], dtype=torch.float32)
        sites = Sites(
            boxes=whole.expand(len(stack), 1, 4),
            weights=logits.new_ones(len(stack), 1),
            valid=torch.ones(len(stack), 1, dtype=torch.bool, device=logits.device),
        )
        return Prediction(logits, sites, stack.cost())

    def losses(self, images: AnyImages, targets: ClassTargets) -> Losses:
        """Cross-entropy."""
        prediction = self(images)
        return Losses({"cross_entropy": targets.cross_entropy(prediction.logits)}, prediction)
