"""Conditional sampling: where to read next follows from what has been read. An extension of attention sampling.

Source: Sinigaglia, report on attention sampling for lymphoma subtypes, improvement B: "conditional sampling
q(p_t | p_<t, image), so that later patches follow earlier ones". The report names it and builds none; the recurrent
selector is ours, in the line of Mnih et al., "Recurrent Models of Visual Attention", NIPS 2014, and so is its learning.
Changed against attention sampling: a feature is as wide as one likes, so that it can tell the selector more than the
class, with a linear layer after the mean; draws count alike, for their probabilities are of different maps.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.core.contract import AnyImages, ClassTargets, SparseClassifier
from saccade.core.images import Images
from saccade.core.results import Losses, Prediction, Sites
from saccade.models.parts.conditional_selection import ChosenCells, ConditionalSites, IndependentSites, Reading, Seen
from saccade.models.parts.field_images import opened
from saccade.models.parts.field_look import FieldLook
from saccade.models.parts.numbers import Count, Strength, Temperature
from saccade.models.parts.patch_places import boxes_of_cells, check_no_gaps
from saccade.models.parts.patch_reader import PatchReader
from saccade.ops.estimators import advantages

Judged = Literal["prediction", "increments"]
Rewards = Float[Tensor, "image set draw"]


@dataclass(frozen=True)
class SequenceLearning:
    """How a selector learns from what its sequences of draws earned.

    Attributes:
        judged: ``prediction``: every draw by the probability of the right class in the end. ``increments``: by how much
            that grew from before the draw to the end, which is the same gradient with less noise.
        entropy: λ of Σ q log q, averaged over the maps that draws were made from.
        repeats: Sequences per image and step, which judge each other; the look runs once for all of them.
    """

    judged: Judged = "increments"
    entropy: float = 0.002
    repeats: int = 2


class ConditionalSampling(SparseClassifier):
    """Look once, then read patch after patch, each drawn in view of those before it.

    ``softmax(T · W mean f)``. Reader and selector learn from the cross-entropy and from REINFORCE: the gradient of
    Σ_t log q(p_t | p_<t) runs through the state into the features too, so that a patch learns to say where to go next.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        look: Scores the cells of an overview.
        select: Draws cells and has them read; ``IndependentSites`` makes it attention sampling again.
        read: Turns patches into features.
        feature: Numbers in a feature.
        factor: Base pixels along the side of a cell.
        patch: Side of a patch in base pixels.
        temperature: Factor of the logits.
        learning: How the selector learns.

    Raises:
        BadInput: The patch is not larger than a cell: the places between the patches could never be read.
    """

    def __init__(
        self,
        classes: tuple[str, ...],
        channels: int,
        *,
        look: FieldLook,
        select: ConditionalSites | IndependentSites,
        read: PatchReader,
        feature: int,
        factor: int,
        patch: int,
        temperature: float,
        learning: SequenceLearning,
    ) -> None:
        super().__init__()
        check_no_gaps(patch, factor)
        self.classes, self.channels = tuple(classes), channels
        self.look, self.select, self.read = look, select, read
        self.classify = nn.Linear(feature, len(self.classes))
        self.factor, self.patch, self.temperature, self.learning = factor, patch, temperature, learning

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
        """Classify: at the most probable cells, one after the other, in evaluation; at random draws in training."""
        images = opened(images, self.channels)
        seen = self._seen(images)
        chosen = self.select(seen, self._reading(images, seen, 1))
        return self._prediction(images, seen, chosen.index, self._logits(chosen.features)[:, -1])

    def draws(self, images: AnyImages, count: int) -> tuple[Prediction, ...]:
        """Predictions from ``count`` sequences of random draws; their mean and spread tell how much these decide."""
        images = opened(images, self.channels)
        seen, found = self._seen(images), []
        for _ in range(count):
            chosen = self.select.draw(seen, self._reading(images, seen, 1))
            found.append(self._prediction(images, seen, chosen.index, self._logits(chosen.features)[:, -1]))
        return tuple(found)

    def losses(self, images: AnyImages, targets: ClassTargets) -> Losses:
        """Cross-entropy of whole sequences, ``reinforce`` and ``entropy``."""
        images = opened(images, self.channels)
        seen, sets = self._seen(images), self.learning.repeats
        chosen: ChosenCells = self.select(seen.repeated(sets), self._reading(images, seen, sets))
        logits = self._logits(chosen.features)
        labels = targets.labels.repeat_interleave(sets)
        rewards = logits.detach().softmax(-1).gather(-1, labels[:, None, None].expand(-1, logits.shape[1], 1))[..., 0]
        earned = returns(rewards.unflatten(0, (-1, sets)), self.learning.judged, 1 / len(self.classes))
        terms = {
            "cross_entropy": ClassTargets(labels, targets.class_weights).cross_entropy(logits[:, -1]),
            "reinforce": sequence_loss(chosen.log_probabilities.unflatten(0, (-1, sets)), against_others(earned)),
            "entropy": self.learning.entropy * chosen.negative_entropies.mean(),
        }
        return Losses(terms, self._prediction(images, seen, chosen.index[::sets], logits[::sets, -1]))

    def _seen(self, images: Images) -> Seen:
        view, inside = images.overview(self.factor), images.inside(self.factor)
        features = self.look.seen(view, inside)
        return Seen(self.look.score(features)[:, 0], features, inside)

    def _reading(self, images: Images, seen: Seen, sets: int) -> Reading:
        """Reads cells of ``sets`` sequences per image, which follow each other in the batch."""

        def read(index: Int[Tensor, "batch draw"]) -> Float[Tensor, "batch draw feature"]:
            boxes = self._boxes(images, seen, index.view(len(index) // sets, -1))
            return self.read(images.read(boxes, self.patch).flatten(0, 1)).unflatten(0, index.shape)

        return read

    def _boxes(self, images: Images, seen: Seen, index: Int[Tensor, "batch draw"]) -> Int[Tensor, "batch draw 4"]:
        return boxes_of_cells(index, seen.scores.shape[2], images.extents, self.factor, self.patch)

    def _logits(self, features: Float[Tensor, "batch draw feature"]) -> Float[Tensor, "batch draw class"]:
        """What would be said after each draw."""
        so_far = torch.arange(1, features.shape[1] + 1, device=features.device)[:, None]
        return self.temperature * self.classify(features.cumsum(1) / so_far)

    def _prediction(
        self, images: Images, seen: Seen, index: Int[Tensor, "batch draw"], logits: Float[Tensor, "batch class"]
    ) -> Prediction:
        weights = torch.full(index.shape, 1 / index.shape[1], device=logits.device, dtype=logits.dtype)
        sites = Sites(self._boxes(images, seen, index).float(), weights, torch.ones_like(index, dtype=torch.bool))
        return Prediction(logits, sites, images.cost())


def returns(rewards: Rewards, judged: Judged, nothing: float) -> Rewards:
    """What each draw is credited with, from the reward that stopping after it would have earned.

    >>> returns(torch.tensor([[[0.5, 0.75]]]), "increments", nothing=0.25).tolist()
    [[[0.5, 0.25]]]

    Args:
        rewards: After each draw.
        judged: See ``SequenceLearning``.
        nothing: Reward of guessing before anything is read.
    """
    final = rewards[..., -1:].expand_as(rewards)
    if judged == "prediction":
        return final
    before = torch.cat([torch.full_like(rewards[..., :1], nothing), rewards[..., :-1]], dim=-1)
    return final - before


def against_others(earned: Rewards) -> Rewards:
    """Less what the image's other sequences earned with the same draw; with one sequence, less the batch's mean.

    >>> against_others(torch.tensor([[[1.0, 0.5], [0.0, 0.5]]])).tolist()
    [[[1.0, 0.0], [-1.0, 0.0]]]
    """
    by_draw = [advantages(earned[..., draw, None], "leave-one-out") for draw in range(earned.shape[-1])]
    return torch.cat(by_draw, dim=-1)


def sequence_loss(log_probabilities: Rewards, earned: Rewards) -> Float[Tensor, ""]:
    """Mean over sequences of −Σ_t log q_t · A_t; its gradient is that of the expected reward, turned round."""
    return -(log_probabilities * earned.detach()).sum(-1).mean()


def conditional_sampling(
    classes: tuple[str, ...],
    *,
    channels: Count = 3,
    budget: Count = 5,
    patch: Count = 50,
    factor: Count = 5,
    look_width: Count = 8,
    look_layers: Count = 3,
    norm: Literal["affine", "batch"] = "affine",
    read_width: Count = 16,
    read_layers: Count = 4,
    feature: Count = 16,
    state: Count = 16,
    reach: Count = 2,
    stride: Count | None = None,
    temperature: Temperature = 3.0,
    judged: Judged = "increments",
    entropy: Strength = 0.002,
    repeats: Count = 2,
) -> ConditionalSampling:
    """Build the whole model from its parts.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        budget: Patches to read, one after the other.
        patch: Side of a patch in base pixels.
        factor: Base pixels along the side of a cell.
        look_width: Channels of the look.
        look_layers: Convolutions of the look before the one that scores.
        norm: Of the look.
        read_width: Channels of the reader.
        read_layers: Convolutions of the reader.
        feature: Numbers in a patch's feature.
        state: Numbers in what is remembered.
        reach: Knots to each side of the last site within which it may be followed up.
        stride: Cells from knot to knot; half a patch where not given.
        temperature: Factor of the logits.
        judged: By what a draw is judged.
        entropy: λ of the entropy.
        repeats: Sequences per image and step.
    """
    look = FieldLook(channels, look_width, look_layers, norm)
    stride = stride or max(1, round(patch / (2 * factor)))
    return ConditionalSampling(
        classes,
        channels,
        look=look,
        select=ConditionalSites(budget, feature=feature, seen=look_width, state=state, stride=stride, reach=reach),
        read=PatchReader(channels, read_width, read_layers, feature),
        feature=feature,
        factor=factor,
        patch=patch,
        temperature=temperature,
        learning=SequenceLearning(judged, entropy, repeats),
    )
