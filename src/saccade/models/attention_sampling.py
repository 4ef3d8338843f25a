"""Attention sampling: megapixel fields, classified from a few patches at full resolution.

Paper: Sinigaglia, "Scaling mega-pixel images classification via attention sampling: lymphoma subtype case study"
(report), after Katharopoulos & Fleuret, "Processing Megapixel Images with Deep Attention-Sampling Models", ICML 2019.
Authors' code: a public notebook with four checkpoints; networks and losses follow it, written anew.
Changed: the look is warmed up from the labels and released when the reader earns reward; patches lie around the middle
of their cell; the reader trains on the windows of its maxima alone (same gradients); evaluation draws evenly.
Not reproduced: the report's accuracies, which rest on a data set that users must bring themselves.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saccade.core.contract import AnyImages, ClassTargets, SparseClassifier
from saccade.core.errors import BadInput
from saccade.core.images import Images
from saccade.core.results import Losses, Prediction, Sites
from saccade.models.parts.field_images import opened
from saccade.models.parts.field_look import FieldLook, Init, log_map, log_probabilities
from saccade.models.parts.numbers import Count, Strength, Temperature
from saccade.models.parts.patch_places import boxes_of_cells, check_no_gaps
from saccade.models.parts.patch_reader import PatchReader
from saccade.models.parts.site_sampling import DrawnSites
from saccade.models.parts.warm_up import WarmUp
from saccade.ops.estimators import (
    Baseline,
    advantages,
    centred_sum,
    distinct_draw_weights,
    negative_entropy,
    reinforce_loss,
)

_NEWEST = 0.1
"""Weight of the newest batch in the running mean of the rewards (our choice)."""

Stage = Literal["warm-up", "reading", "joint"]
"""What is learned: the look by labels, the reader alone, or both by what the draws earn (as published)."""


@dataclass(frozen=True, eq=False)
class Map:
    """What the look leaves behind.

    Attributes:
        log_probabilities: Of all cells, raster order.
        columns: Cells in a row.
        extents: Height and width of each image in base pixels.
    """

    log_probabilities: Float[Tensor, "batch cell"]
    columns: int
    extents: Int[Tensor, "batch 2"]


@dataclass(frozen=True)
class Learning:
    """How the look learns from what its draws earned.

    Attributes:
        estimator: ``reinforce`` with replacement, or ``distinct``: draws without replacement through the unbiased
            estimate of the expectation (``ops.estimators.distinct_draw_weights``).
        reward: ``probability`` of the right class, or ``loss``: minus the cross-entropy.
        judged: ``patch``: each draw by itself (the report's derivation), or ``prediction``: all of a set (its code).
        baseline: What is taken off the rewards.
        entropy: λ of Σ a log a.
        repeats: Sets of draws per image and step; the look runs once for all of them.
        centred: Without replacement, whether the mean feature of the draws is taken off where they teach the look
            (``ops.estimators.centred_sum``). By default it is: what the draws share is most of the noise, and of the
            gradient little is lost, but for a single draw all of it. Without it the gradient is exactly unbiased.

    Raises:
        BadInput: Options that would have no effect, or a set of draws that has no other to be compared with.
    """

    estimator: Literal["reinforce", "distinct"] = "reinforce"
    reward: Literal["probability", "loss"] = "probability"
    judged: Literal["patch", "prediction"] = "patch"
    baseline: Baseline = "leave-one-out"
    entropy: float = 0.002
    repeats: int = 1
    centred: bool = True

    def __post_init__(self) -> None:
        if self.estimator == "distinct":
            for name in ("reward", "judged", "baseline"):
                if (value := getattr(self, name)) != getattr(Learning, name):
                    message = f"{name} = {value!r} has no effect with estimator = 'distinct'"
                    raise BadInput(message, f"leave {name} out, or set estimator to reinforce")
        elif not self.centred:
            message = "centred = False has no effect with estimator = 'reinforce'"
            raise BadInput(message, "leave centred out, or set estimator to distinct")
        elif (self.judged, self.baseline, self.repeats) == ("prediction", "leave-one-out", 1):
            message = "judged = 'prediction' leaves nothing to compare with where repeats is 1"
            raise BadInput(message, "set repeats to 2 or more, or baseline to batch")


class AttentionSampling(SparseClassifier):
    """A small map says where to look closely; patches drawn by it are read at full resolution and classified.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        look: Scores the cells of an overview.
        select: Draws cells.
        read: Turns patches into features, one number per class.
        factor: Base pixels along the side of a cell.
        patch: Side of a patch in base pixels.
        temperature: Factor of the mean feature before the softmax.
        weighted: Whether draws count by their probability, as published, or all alike; ``None`` is as the estimator
            wants. Without replacement they can only count alike: training estimates the map's expectation, of which
            the plain mean of evaluation's draws is the estimate.
        learning: How the look learns.

    Attributes:
        stage: What ``losses`` teaches; a training moves it.
        warm_up: Teaches the look in the stage of that name; a training brings it and takes it away.

    Raises:
        BadInput: The patch is not larger than a cell: the places between the patches could never be read. Or draws
            are to count by their probability where they are made without replacement.
    """

    def __init__(
        self,
        classes: tuple[str, ...],
        channels: int,
        *,
        look: FieldLook,
        select: DrawnSites,
        read: PatchReader,
        factor: int,
        patch: int,
        temperature: float,
        weighted: bool | None,
        learning: Learning,
    ) -> None:
        super().__init__()
        check_no_gaps(patch, factor)
        if weighted and learning.estimator == "distinct":
            message = "weighted = True has no effect with estimator = 'distinct'"
            raise BadInput(message, "leave weighted out, or set estimator to reinforce")
        self.classes, self.channels = tuple(classes), channels
        self.look, self.select, self.read = look, select, read
        self.factor, self.patch, self.temperature = factor, patch, temperature
        self.weighted = learning.estimator == "reinforce" if weighted is None else weighted
        self.learning = learning
        self.register_buffer("mean_reward", torch.tensor(torch.nan))
        self.mean_reward: Tensor
        self.stage: Stage = "joint"
        self.warm_up: WarmUp | None = None

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

    def attention(self, images: AnyImages) -> Map:
        """The map over all cells of an overview of each image."""
        return self._look(opened(images, self.channels))

    def forward(self, images: AnyImages) -> Prediction:
        """Classify: at the quantiles of the map in evaluation, at random draws in training."""
        images = opened(images, self.channels)
        return self._classified(images, self._look(images))

    def draws(self, images: AnyImages, count: int) -> tuple[Prediction, ...]:
        """Predictions from ``count`` sets of random draws; their mean and spread tell how much the draws decide."""
        images = opened(images, self.channels)
        seen, found = self._look(images), []
        for _ in range(count):
            index = self.select.draw(seen.log_probabilities)
            found.append(self._prediction(images, seen, index, self._features(images, seen, index)))
        return tuple(found)

    def losses(self, images: AnyImages, targets: ClassTargets) -> Losses:
        """What the stage teaches: the look by labels, the reader alone, or both by what the draws earn."""
        images = opened(images, self.channels)
        if self.stage == "warm-up" and self.warm_up is not None:
            view, inside = images.overview(self.factor), images.inside(self.factor)
            terms, scores = self.warm_up(self.look, view, inside, targets)
            with torch.no_grad():
                return Losses(terms, self._classified(images, self._map(scores, images)))
        seen = self._look(images)
        index = self.select(seen.log_probabilities, self.learning.repeats)
        features = self._features(images, seen, index)
        drawn = seen.log_probabilities.gather(1, index)
        if self.stage == "reading":
            drawn = drawn.detach()
        sets = (self.learning.repeats, -1)  # (image, repeat, draw)
        terms = self._terms(features.unflatten(1, sets), drawn.unflatten(1, sets), targets)
        if self.stage == "joint":
            terms["entropy"] = self.learning.entropy * negative_entropy(seen.log_probabilities)
        first = index.shape[1] // self.learning.repeats
        return Losses(terms, self._prediction(images, seen, index[:, :first], features[:, :first]))

    def _terms(
        self,
        features: Float[Tensor, "image repeat draw feature"],
        drawn: Float[Tensor, "image repeat draw"],
        targets: ClassTargets,
    ) -> dict[str, Tensor]:
        """What reader and look learn from sets of draws; a look whose probabilities have no graph learns nothing."""
        if self.learning.estimator == "distinct":
            return self._distinct_terms(features, drawn, targets)
        return self._reinforce_terms(features, drawn, targets)

    def _reinforce_terms(
        self,
        features: Float[Tensor, "image repeat draw feature"],
        drawn: Float[Tensor, "image repeat draw"],
        targets: ClassTargets,
    ) -> dict[str, Tensor]:
        """Cross-entropy of each set of draws for the reader, REINFORCE for the look."""
        weights = self._weights(drawn.detach())
        logits = self.temperature * (weights[..., None] * features).sum(2)
        labels = targets.labels[:, None].expand(logits.shape[:2])
        sets = ClassTargets(labels.flatten(), targets.class_weights)
        terms = {"cross_entropy": sets.cross_entropy(logits.flatten(0, 1))}
        if not drawn.requires_grad:
            return terms
        if self.learning.judged == "patch":
            judged = self.temperature * features.detach()
            labels = targets.labels[:, None, None].expand(drawn.shape)
        else:
            judged, labels = logits.detach()[:, :, None], labels[:, :, None]
        log_right = judged.log_softmax(-1).gather(-1, labels[..., None])[..., 0]
        rewards = log_right.exp() if self.learning.reward == "probability" else log_right
        earned = advantages(rewards, self.learning.baseline, self._earned_so_far(rewards))
        terms["reinforce"] = reinforce_loss(drawn, earned.expand_as(drawn))
        return terms

    def _earned_so_far(self, rewards: Tensor) -> Tensor | None:
        """The running mean before these rewards, which join it; ``None`` before the first."""
        before = self.mean_reward.clone()
        new = rewards.mean().detach().to(before)
        self.mean_reward.copy_(new if before.isnan() else before.lerp(new, _NEWEST))
        return None if before.isnan() else before.to(rewards)

    def _distinct_terms(
        self,
        features: Float[Tensor, "image repeat draw feature"],
        drawn: Float[Tensor, "image repeat draw"],
        targets: ClassTargets,
    ) -> dict[str, Tensor]:
        """Cross-entropy of the estimated expectation, which teaches reader and look at once."""
        expected = self._expected(features, drawn)
        labels = targets.labels[:, None].expand(expected.shape[:2]).flatten()
        sets = ClassTargets(labels, targets.class_weights)
        return {"cross_entropy": sets.cross_entropy(self.temperature * expected.flatten(0, 1))}

    def _expected(
        self, features: Float[Tensor, "*batch draw feature"], drawn: Float[Tensor, "*batch draw"]
    ) -> Float[Tensor, "*batch feature"]:
        """Σ_cells a f, estimated from draws without replacement."""
        weights = distinct_draw_weights(drawn.exp())
        return centred_sum(weights, features) if self.learning.centred else (weights[..., None] * features).sum(-2)

    def _look(self, images: Images) -> Map:
        """The map, counted by the meter of these images."""
        found = log_map(self.look, images, self.factor)
        return Map(found.flatten(1), found.shape[-1], images.extents)

    def _map(self, scores: Float[Tensor, "batch row column"], images: Images) -> Map:
        """Scores of the cells as probabilities."""
        return Map(log_probabilities(scores, images.inside(self.factor)), scores.shape[-1], images.extents)

    def _classified(self, images: Images, seen: Map) -> Prediction:
        """Select, read and classify."""
        index = self.select(seen.log_probabilities)
        return self._prediction(images, seen, index, self._features(images, seen, index))

    def _weights(self, drawn: Float[Tensor, "*batch draw"]) -> Float[Tensor, "*batch draw"]:
        """How much each draw counts: by its probability among the draws, as published, or all alike."""
        return drawn.softmax(-1) if self.weighted else torch.full_like(drawn, 1 / drawn.shape[-1])

    def _prediction(
        self,
        images: Images,
        seen: Map,
        index: Int[Tensor, "batch draw"],
        features: Float[Tensor, "batch draw feature"],
    ) -> Prediction:
        weights = self._weights(seen.log_probabilities.detach().gather(1, index))
        logits = self.temperature * (weights[..., None] * features).sum(1)
        sites = Sites(self._boxes(seen, index).float(), weights, torch.ones_like(index, dtype=torch.bool))
        return Prediction(logits, sites, images.cost())

    def _features(
        self, images: Images, seen: Map, index: Int[Tensor, "batch draw"]
    ) -> Float[Tensor, "batch draw feature"]:
        patches = images.read(self._boxes(seen, index), self.patch)
        return self.read(patches.flatten(0, 1)).unflatten(0, index.shape)

    def _boxes(self, seen: Map, index: Int[Tensor, "batch draw"]) -> Int[Tensor, "batch draw 4"]:
        """The patches of some cells."""
        return boxes_of_cells(index, seen.columns, seen.extents, self.factor, self.patch)


def attention_sampling(
    classes: tuple[str, ...],
    *,
    channels: Count = 3,
    budget: Count = 20,
    patch: Count = 50,
    factor: Count = 5,
    look_width: Count = 8,
    look_layers: Count = 3,
    norm: Literal["affine", "batch"] = "affine",
    read_width: Count = 16,
    read_layers: Count = 4,
    init: Init = "he",
    temperature: Temperature = 3.0,
    weighted: bool | None = None,
    estimator: Literal["reinforce", "distinct"] = "reinforce",
    reward: Literal["probability", "loss"] = "probability",
    judged: Literal["patch", "prediction"] = "patch",
    baseline: Baseline = "leave-one-out",
    entropy: Strength = 0.002,
    repeats: Count = 1,
    centred: bool = True,
) -> AttentionSampling:
    """Build the whole model from its parts; the defaults are the published networks with our way of learning."""
    look = FieldLook(channels, look_width, look_layers, norm, init)
    return AttentionSampling(
        classes,
        channels,
        look=look,
        select=DrawnSites(budget, distinct=estimator == "distinct"),
        read=PatchReader(channels, read_width, read_layers, len(classes), init),
        factor=factor,
        patch=patch,
        temperature=temperature,
        weighted=weighted,
        learning=Learning(estimator, reward, judged, baseline, entropy, repeats, centred),
    )
