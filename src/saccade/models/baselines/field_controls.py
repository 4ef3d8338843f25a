"""Controls of attention sampling: the same reader, with patches spread evenly, on the bluest places, or on the truth.

Source: our own, after METHODS §2: "uniformly random patches are the baseline to beat", and colour alone finds a stained
cell. A control differs in the selection alone: the reader is attention sampling's, and so is the aggregation, a mean of
unit vectors times the temperature, in which patches count alike, as draws of equal probability do there.
"""

import torch

from saccade.core.contract import AnyImages, ClassTargets, SparseClassifier
from saccade.core.errors import BadInput
from saccade.core.results import Losses, Prediction, Sites
from saccade.models.parts.field_images import opened
from saccade.models.parts.field_selections import OraclePatches, StainPatches, UniformPatches
from saccade.models.parts.numbers import Count, CountOrZero, Temperature
from saccade.models.parts.patch_places import boxes_around
from saccade.models.parts.patch_reader import PatchReader


class PatchControl(SparseClassifier):
    """Patches chosen without learning are read and classified: ``softmax(T · mean f)``.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        select: From images to the middles of patches.
        read: Turns patches into features, one number per class.
        patch: Side of a patch in base pixels.
        temperature: Factor of the mean feature before the softmax.
    """

    def __init__(
        self,
        classes: tuple[str, ...],
        channels: int,
        *,
        select: UniformPatches | StainPatches | OraclePatches,
        read: PatchReader,
        patch: int,
        temperature: float,
    ) -> None:
        super().__init__()
        self.classes, self.channels = tuple(classes), channels
        self.select, self.read = select, read
        self.patch, self.temperature = patch, temperature

    @property
    def budget(self) -> int:
        """Patches the model reads per image."""
        return self.select.budget

    @budget.setter
    def budget(self, value: int) -> None:
        self.select.budget = value

    @property
    def site_pixels(self) -> int:
        """Base pixels in a patch."""
        return self.patch**2

    def forward(self, images: AnyImages) -> Prediction:
        """Classify from the patches chosen."""
        images = opened(images, self.channels)
        boxes = boxes_around(self.select(images), self.patch)
        features = self.read(images.read(boxes, self.patch).flatten(0, 1)).unflatten(0, boxes.shape[:2])
        weights = torch.full_like(features[..., 0], 1 / boxes.shape[1]).detach()
        sites = Sites(boxes.float(), weights, torch.ones_like(weights, dtype=torch.bool))
        return Prediction(self.temperature * (weights[..., None] * features).sum(1), sites, images.cost())

    def losses(self, images: AnyImages, targets: ClassTargets) -> Losses:
        """Cross-entropy."""
        prediction = self(images)
        return Losses({"cross_entropy": targets.cross_entropy(prediction.logits)}, prediction)


def uniform_patches(
    classes: tuple[str, ...],
    *,
    channels: Count = 3,
    budget: Count = 20,
    patch: Count = 50,
    factor: Count = 5,
    seed: CountOrZero = 0,
    read_width: Count = 16,
    read_layers: Count = 4,
    temperature: Temperature = 3.0,
) -> PatchControl:
    """Patches drawn uniformly, anew at each training step; an even spread in evaluation.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        budget: Patches to read.
        patch: Side of a patch in base pixels.
        factor: Base pixels along the side of a cell; patches lie around the middles of cells.
        seed: Of the spread of evaluation.
        read_width: Channels of the reader.
        read_layers: Convolutions of the reader.
        temperature: Factor of the mean feature before the softmax.
    """
    select = UniformPatches(budget, factor, seed)
    return _control(classes, channels, select, patch, read_width, read_layers, temperature)


def stain_patches(
    classes: tuple[str, ...],
    *,
    channels: Count = 3,
    budget: Count = 20,
    patch: Count = 50,
    factor: Count = 5,
    read_width: Count = 16,
    read_layers: Count = 4,
    temperature: Temperature = 3.0,
) -> PatchControl:
    """The patches that are most blue and least green: a selection that colour alone makes.

    Blue and green are compared as they are stored (``StainPatches``).

    Args:
        classes: Names of the classes.
        channels: Channels of the images: 3.
        budget: Patches to read.
        patch: Side of a patch in base pixels.
        factor: Base pixels along the side of a cell of the overview.
        read_width: Channels of the reader.
        read_layers: Convolutions of the reader.
        temperature: Factor of the mean feature before the softmax.

    Raises:
        BadInput: Channels other than 3.
    """
    if channels != 3:
        raise BadInput(f"stain-patches cannot tell blue from green in {channels} channels", "use uniform-patches")
    select = StainPatches(budget, factor, patch)
    return _control(classes, channels, select, patch, read_width, read_layers, temperature)


def oracle_patches(
    classes: tuple[str, ...],
    *,
    channels: Count = 3,
    budget: Count = 20,
    patch: Count = 50,
    read_width: Count = 16,
    read_layers: Count = 4,
    temperature: Temperature = 3.0,
) -> PatchControl:
    """Patches on the truth boxes: what the reader could do if the selection were perfect.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        budget: Patches to read.
        patch: Side of a patch in base pixels.
        read_width: Channels of the reader.
        read_layers: Convolutions of the reader.
        temperature: Factor of the mean feature before the softmax.
    """
    return _control(classes, channels, OraclePatches(budget), patch, read_width, read_layers, temperature)


def _control(
    classes: tuple[str, ...],
    channels: int,
    select: UniformPatches | StainPatches | OraclePatches,
    patch: int,
    read_width: int,
    read_layers: int,
    temperature: float,
) -> PatchControl:
    read = PatchReader(channels, read_width, read_layers, len(classes))
    return PatchControl(classes, channels, select=select, read=read, patch=patch, temperature=temperature)
