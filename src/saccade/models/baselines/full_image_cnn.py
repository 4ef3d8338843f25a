"""Full-image CNN: attention sampling's own feature network, over every pixel.

Source: Sinigaglia, report on attention sampling for lymphoma subtypes, whose cost is stated against this network (9.55
GMAC for a field of 1388×1040). Written from the report. Ours is the way to run it in little memory.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from saccade.core.contract import AnyImages, ClassTargets, SparseClassifier
from saccade.core.results import Losses, Prediction
from saccade.models.parts.field_images import Rows, equal_groups, opened, rows_of, taken, whole_sites
from saccade.models.parts.numbers import Count, Temperature
from saccade.models.parts.patch_reader import PatchReader


class FullImageCnn(SparseClassifier):
    """Convolutions over the whole image, the global maximum of each channel, a unit vector, a softmax.

    The image goes through the layers in bands of rows, each with as many rows above and below as the layers reach, so
    that the values are those of one pass. While training, bands only find where the maxima are; a graph is built over
    the windows around them (``PatchReader``). So memory is set by the band's height, not by the image's.
    Cost per pixel at the defaults: 7,344 MAC, and (band + 2 · layers) / band of it.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        read: The feature network, one number per class.
        temperature: Factor of the feature before the softmax.
        band: Rows at once.
    """

    def __init__(
        self, classes: tuple[str, ...], channels: int, *, read: PatchReader, temperature: float, band: int
    ) -> None:
        super().__init__()
        self.classes, self.channels = tuple(classes), channels
        self.read, self.temperature, self.band = read, temperature, band

    def forward(self, images: AnyImages) -> Prediction:
        """Classify; every pixel is read once."""
        images = opened(images, self.channels)
        groups, parts = equal_groups(images.extents), []
        for group in groups:
            some = taken(images, group)
            logits = self.temperature * self._features(rows_of(some), int(some.extents[0, 0]))
            parts.append(Prediction(logits, whole_sites(some.extents), some.cost()))
        return Prediction.concatenate(parts)[torch.cat(groups).argsort()]

    def losses(self, images: AnyImages, targets: ClassTargets) -> Losses:
        """Cross-entropy."""
        prediction = self(images)
        return Losses({"cross_entropy": targets.cross_entropy(prediction.logits)}, prediction)

    def _features(self, rows: Rows, height: int) -> Float[Tensor, "image output"]:
        peaks, places = banded_peaks(self.read, rows, height, self.band)
        if torch.is_grad_enabled():
            peaks = self.read.peaks_at(rows(0, height), places)
        return F.normalize(self.read.out(peaks), dim=1)


@torch.no_grad()
def banded_peaks(
    read: PatchReader, rows: Rows, height: int, band: int
) -> tuple[Float[Tensor, "image feature"], Int[Tensor, "image feature 2"]]:
    """The maximum of each channel over images, and its row and column, from one band of rows after the other."""
    halo, peaks, places = len(read.convolutions), torch.zeros(0), torch.zeros(0, dtype=torch.long)
    for top in range(0, height, band):
        first, end = max(0, top - halo), min(height, top + band + halo)
        values = read.everywhere(rows(first, end))[:, :, top - first : min(top + band, height) - first]
        best, index = values.flatten(2).max(2)
        place = torch.stack([top + index.div(values.shape[3], rounding_mode="floor"), index % values.shape[3]], dim=-1)
        if top == 0:
            peaks, places = best, place
        places = torch.where((best > peaks)[..., None], place, places)
        peaks = torch.maximum(best, peaks)
    return peaks, places


def full_image_cnn(
    classes: tuple[str, ...],
    *,
    channels: Count = 3,
    width: Count = 16,
    layers: Count = 4,
    temperature: Temperature = 3.0,
    band: Count = 64,
) -> FullImageCnn:
    """The feature network of attention sampling without its attention.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        width: Channels of the convolutions.
        layers: Convolutions.
        temperature: Factor of the feature before the softmax.
        band: Rows that go through the layers at once; changes time and memory alone.
    """
    read = PatchReader(channels, width, layers, len(classes))
    return FullImageCnn(classes, channels, read=read, temperature=temperature, band=band)
