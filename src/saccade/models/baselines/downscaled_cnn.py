"""Downscaled CNN: a small network on the overview alone.

Source: our own plain network, the layers of ``tiny_cnn`` (about 60,000 parameters). It tells what a field gives away
at low resolution, and so what the look of attention sampling might have said without reading a single patch.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saccade.core.contract import AnyImages, ClassTargets, SparseClassifier
from saccade.core.errors import BadInput
from saccade.core.results import Losses, Prediction
from saccade.models.baselines.tiny_cnn import tiny_cnn
from saccade.models.parts.field_images import cells_of, equal_groups, opened, whole_sites
from saccade.models.parts.numbers import Count


class DownscaledCnn(SparseClassifier):
    """Looks and reads nothing: its one site is the whole image, of which no pixel is counted as read.

    Images of one size go through the network together, those of another by themselves: an overview's continuation to
    the size of the largest would count in the mean over the image. Batch norm takes its statistics from such a group.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        network: From an overview of any size to logits.
        factor: Base pixels along the side of a cell of the overview.
    """

    def __init__(self, classes: tuple[str, ...], channels: int, *, network: nn.Module, factor: int) -> None:
        super().__init__()
        self.classes, self.channels = tuple(classes), channels
        self.network, self.factor = network, factor

    def forward(self, images: AnyImages) -> Prediction:
        """Classify the overview."""
        images = opened(images, self.channels)
        view, extents = images.overview(self.factor), images.extents
        own = cells_of(extents, self.factor)
        groups = equal_groups(own)
        parts = [self._logits(view[group][:, :, : own[group[0], 0], : own[group[0], 1]]) for group in groups]
        logits = torch.cat(parts)[torch.cat(groups).argsort()]
        return Prediction(logits, whole_sites(extents), images.cost())

    def _logits(self, view: Float[Tensor, "image channel row column"]) -> Float[Tensor, "image output"]:
        try:
            return self.network(view)
        except ValueError as error:  # batch norm has no statistics of one value
            message = f"a field of {view.shape[2]} × {view.shape[3]} cells, alone of its size in a batch, is too small"
            raise BadInput(message, "choose a smaller factor, or leave it out") from error

    def losses(self, images: AnyImages, targets: ClassTargets) -> Losses:
        """Cross-entropy."""
        prediction = self(images)
        return Losses({"cross_entropy": targets.cross_entropy(prediction.logits)}, prediction)


def downscaled_cnn(
    classes: tuple[str, ...],
    *,
    channels: Count = 3,
    factor: Count = 5,
    widths: tuple[Count, ...] = (16, 32, 64, 64),
) -> DownscaledCnn:
    """The layers of ``tiny_cnn`` on an overview.

    Cost of 1388×1040 RGB at the defaults: 190 million MAC.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        factor: How much smaller the image is made; attention sampling's look has the same.
        widths: Channels after each convolution.
    """
    network = tiny_cnn(classes, channels=channels, widths=widths).network
    return DownscaledCnn(classes, channels, network=network, factor=factor)
