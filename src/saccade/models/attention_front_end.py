"""Attention in front of any classifier of patches: where to look is learned small, what is seen there is told by more.

A training takes the look over from the run that the recipe names in ``training.look_from``.

Source: Sinigaglia, report on attention sampling for lymphoma subtypes, improvement A: "the trained attention as a
sampler in front of any stronger classifier, fused by weight, mean or vote". The report names it and builds none; how
patches are fused and what teaches the look are our choice.
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.core.contract import AnyImages, ClassTargets, SparseClassifier
from saccade.core.errors import BadInput
from saccade.core.images import Images
from saccade.core.results import Losses, Prediction, Sites
from saccade.models.attention_sampling import AttentionSampling
from saccade.models.parts.field_images import opened
from saccade.models.parts.field_look import FieldLook, log_map
from saccade.models.parts.numbers import Count, Strength
from saccade.models.parts.patch_fusion import MeanFusion, VoteFusion, WeightFusion
from saccade.models.parts.patch_places import boxes_of_cells, check_no_gaps
from saccade.models.parts.site_sampling import DrawnSites
from saccade.ops.estimators import advantages, negative_entropy, reinforce_loss

Fusion = WeightFusion | MeanFusion | VoteFusion
_FUSIONS: dict[str, type[Fusion]] = {"weight": WeightFusion, "mean": MeanFusion, "vote": VoteFusion}
_SMALLEST = 32  # pixels: DenseNet halves five times


@dataclass(frozen=True, eq=False)
class Read:
    """What was drawn and what the classifier says of it.

    Attributes:
        log_map: Logarithm of the probability of every cell.
        drawn: The same of the cells drawn.
        boxes: Their patches.
        logits: Of each patch.
    """

    log_map: Float[Tensor, "batch cell"]
    drawn: Float[Tensor, "batch draw"]
    boxes: Int[Tensor, "batch draw 4"]
    logits: Float[Tensor, "batch draw class"]


class AttentionFrontEnd(SparseClassifier):
    """Draw patches by a map of where to look, classify each, fuse.

    With ``entropy`` the look goes on learning by REINFORCE: a draw earns the probability that its patch gives to the
    right class, minus what the image's other draws earned. Without it the look is frozen, and stays in evaluation mode.
    Cost: the look's, and ``budget`` times the classifier's.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        look: Scores the cells of an overview.
        select: Draws cells.
        read: From patches (patch, channel, height, width) to logits.
        fuse: Joins the patches.
        factor: Base pixels along the side of a cell.
        patch: Side of a patch in base pixels.
        entropy: λ of Σ a log a while the look learns; ``None`` freezes it.

    Raises:
        BadInput: The patch is not larger than a cell: the places between the patches could never be read.
    """

    def __init__(
        self,
        classes: tuple[str, ...],
        channels: int,
        *,
        look: FieldLook,
        select: DrawnSites,
        read: nn.Module,
        fuse: Fusion,
        factor: int,
        patch: int,
        entropy: float | None,
    ) -> None:
        super().__init__()
        check_no_gaps(patch, factor)
        self.classes, self.channels = tuple(classes), channels
        self.look, self.select, self.read, self.fuse = look, select, read, fuse
        self.factor, self.patch, self.entropy = factor, patch, entropy
        self.look.requires_grad_(entropy is not None)

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

    def adopt(self, teacher: AttentionSampling) -> None:
        """Take over what the look of a trained attention sampling has learned.

        Raises:
            BadInput: It looks at other channels or at another size, or its look is built differently.
        """
        if teacher.channels != self.channels:
            message = f"a look for {teacher.channels} channels does not fit images of {self.channels}"
            raise BadInput(message, "choose a run on images of the same channels")
        if (teacher.factor, teacher.patch) != (self.factor, self.patch):
            message = f"a look for cells of {teacher.factor} and patches of {teacher.patch} pixels does not fit"
            raise BadInput(message, f"train one for {self.factor} and {self.patch}, or build the front end for it")
        try:
            self.look.load_state_dict(teacher.look.state_dict())
        except RuntimeError as error:
            raise BadInput(
                "the look is built differently", "give both the same look_width, look_layers, norm"
            ) from error

    def train(self, mode: bool = True) -> "AttentionFrontEnd":
        """As usual, but a frozen look stays as it is: a batch norm would go on drifting."""
        super().train(mode)
        if self.entropy is None:
            self.look.eval()
        return self

    def forward(self, images: AnyImages) -> Prediction:
        """Classify: at the quantiles of the map in evaluation, at random draws in training."""
        images = opened(images, self.channels)
        return self._fused(images, self._read(images))

    def losses(self, images: AnyImages, targets: ClassTargets) -> Losses:
        """Cross-entropy of what is fused and, where the look learns, ``reinforce`` and ``entropy``."""
        images = opened(images, self.channels)
        seen = self._read(images)
        prediction = self._fused(images, seen)
        terms = {"cross_entropy": targets.cross_entropy(prediction.logits)}
        if self.entropy is not None:
            labels = targets.labels[:, None, None].expand(-1, self.budget, 1)
            rewards = seen.logits.detach().softmax(-1).gather(-1, labels).transpose(1, 2)  # (image, set, draw)
            terms["reinforce"] = reinforce_loss(seen.drawn[:, None], advantages(rewards, "leave-one-out"))
            terms["entropy"] = self.entropy * negative_entropy(seen.log_map)
        return Losses(terms, prediction)

    def _read(self, images: Images) -> Read:
        found = log_map(self.look, images, self.factor)
        seen, columns = found.flatten(1), found.shape[-1]
        index = self.select(seen)
        boxes = boxes_of_cells(index, columns, images.extents, self.factor, self.patch)
        patches = images.read(boxes, self.patch)
        logits = self.read(patches.flatten(0, 1)).unflatten(0, index.shape)
        return Read(seen, seen.gather(1, index), boxes, logits)

    def _fused(self, images: Images, seen: Read) -> Prediction:
        weights = self.fuse.weights(seen.drawn.detach())
        sites = Sites(seen.boxes.float(), weights, torch.ones_like(weights, dtype=torch.bool))
        return Prediction(self.fuse(seen.logits, weights), sites, images.cost())


def front_end_of(
    teacher: AttentionSampling,
    network: nn.Module,
    *,
    fuse: Literal["weight", "mean", "vote"] = "mean",
    budget: int | None = None,
    entropy: float | None = None,
) -> AttentionFrontEnd:
    """A trained attention sampling's look in front of any network of patches; the teacher is not changed.

    Args:
        teacher: Whose look is taken.
        network: From patches (patch, channel, height, width) to logits.
        fuse: How patches are joined.
        budget: Patches to read; the teacher's if not given.
        entropy: λ of the entropy, where the look is to go on learning.
    """
    return AttentionFrontEnd(
        teacher.classes,
        teacher.channels,
        look=deepcopy(teacher.look),
        select=DrawnSites(budget or teacher.budget),
        read=network,
        fuse=_FUSIONS[fuse](),
        factor=teacher.factor,
        patch=teacher.patch,
        entropy=entropy,
    )


def attention_front_end(
    classes: tuple[str, ...],
    *,
    channels: Count = 3,
    budget: Count = 20,
    patch: Count = 50,
    factor: Count = 5,
    network: Literal["densenet121", "resnet18"] = "resnet18",
    fuse: Literal["weight", "mean", "vote"] = "mean",
    look_width: Count = 8,
    look_layers: Count = 3,
    norm: Literal["affine", "batch"] = "affine",
    entropy: Strength | None = 0.002,
) -> AttentionFrontEnd:
    """A look and one of MONAI's networks; ``adopt`` brings what a trained look knows.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        budget: Patches to read.
        patch: Side of a patch in base pixels.
        factor: Base pixels along the side of a cell.
        network: What classifies patches, untrained.
        fuse: How patches are joined.
        look_width: Channels of the look.
        look_layers: Convolutions of the look before the one that scores.
        norm: Of the look.
        entropy: λ of the entropy while the look learns; ``None`` freezes it.

    Raises:
        BadInput: The network halves patches more often than they can be.
    """
    if network == "densenet121" and patch < _SMALLEST:
        raise BadInput(f"patches of {patch} pixels are too small for densenet121", f"choose {_SMALLEST} or resnet18")
    return AttentionFrontEnd(
        classes,
        channels,
        look=FieldLook(channels, look_width, look_layers, norm),
        select=DrawnSites(budget),
        read=_monai(network, channels, len(classes)),
        fuse=_FUSIONS[fuse](),
        factor=factor,
        patch=patch,
        entropy=entropy,
    )


def _monai(name: Literal["densenet121", "resnet18"], channels: int, outputs: int) -> nn.Module:
    """Built where it is asked for: MONAI takes seconds to import."""
    if name == "densenet121":
        from monai.networks.nets.densenet import DenseNet121

        return DenseNet121(spatial_dims=2, in_channels=channels, out_channels=outputs)
    from monai.networks.nets.resnet import resnet18

    return resnet18(
        spatial_dims=2,
        n_input_channels=channels,
        conv1_t_size=3,
        conv1_t_stride=1,
        num_classes=outputs,
        shortcut_type="B",
    )
