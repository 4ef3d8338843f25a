"""Faithfulness of fields: do the patches with the most weight matter most to the answer?

Deletion paints over patches with the glass around them, the heaviest first, and follows the probability of the class
that was predicted; insertion starts from glass alone and gives the patches back. The model looks, selects and reads
anew in every changed field, so that a second needle is found when the first is gone. Both curves run over the patches
that were read: the axis is the share of them, and the area under a curve its mean height.

Random patches of the same number and size are the control: if the answer needed only pixels, any would do. Patches
that were read often overlap, random ones rarely do, so the control changes more of the field, not less.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.core.results import Sites
from saccade.explanation.faithfulness import Curve, Faithfulness
from saccade.explanation.glass import LocalGlass
from saccade.imaging.image_files import Array
from saccade.inference.predictor import Predictor
from saccade.inference.result import Item

Boxes = Int[Tensor, "site 4"]
PatchOrder = Callable[[Sites, tuple[int, int]], Boxes]
"""From the sites of one field and its extent to patches, the most important first."""


@dataclass(frozen=True)
class HeaviestFirst:
    """The patches read, by falling weight: the model's own order."""

    def __call__(self, sites: Sites, extent: tuple[int, int]) -> Boxes:
        """As many as were read."""
        valid = sites.valid[0]
        return sites.boxes[0][valid][sites.weights[0][valid].argsort(descending=True, stable=True)].round().long()


@dataclass(frozen=True)
class ShuffledPatches:
    """The patches read, shuffled: what is left when the weights are taken away."""

    seed: int = 0

    def __call__(self, sites: Sites, extent: tuple[int, int]) -> Boxes:
        """As many as were read."""
        boxes = sites.boxes[0][sites.valid[0]].round().long()
        return boxes[torch.randperm(len(boxes), generator=torch.Generator().manual_seed(self.seed))]


@dataclass(frozen=True)
class RandomPatches:
    """Patches of the same size with their middles anywhere in the field: an order that knows nothing."""

    seed: int = 0

    def __call__(self, sites: Sites, extent: tuple[int, int]) -> Boxes:
        """As many as were read."""
        boxes = sites.boxes[0][sites.valid[0]].round().long()
        places = torch.rand(len(boxes), 2, generator=torch.Generator().manual_seed(self.seed))
        corners = (places * torch.tensor([extent[1], extent[0]])).long() - (boxes[:, 2:] - boxes[:, :2]) // 2
        return torch.cat([corners, corners + boxes[:, 2:] - boxes[:, :2]], dim=1)


PATCH_ORDERS: Mapping[str, Sequence[PatchOrder]] = {
    "model's weights": (HeaviestFirst(),),
    "patches read, in random order": (ShuffledPatches(),),
    "random patches": (RandomPatches(0), RandomPatches(1)),
}
"""The model's own order and what it must beat; names with several members are averaged."""


def patch_faithfulness(
    predictor: Predictor,
    fields: Iterable[Array],
    items: Iterable[Item] = repeat(None),
    *,
    orders: Mapping[str, Sequence[PatchOrder]] = PATCH_ORDERS,
    fill: LocalGlass = LocalGlass(),  # noqa: B008 - frozen
    steps: int = 5,
) -> Faithfulness:
    """Delete and insert patches in several orders, and follow the predicted class.

    Args:
        predictor: A model of fields that reads patches.
        fields: As they are stored; taken one at a time.
        items: What each was opened from, for a predictor that knows where their boxes lie.
        orders: Orders by name, the model's own first; where a name has several, their curves are averaged.
        fill: What a deleted patch becomes.
        steps: Points on a curve after the first, at most one for each patch.

    Raises:
        BadInput: There are no fields.

    Cost: ``2 · steps + 1`` predictions per field and order; one field in memory at a time.
    """
    pairs = zip(fields, items, strict=False)  # items may go on for ever
    measured = [_curves(_Probe(predictor, field, item, fill, steps), orders) for field, item in pairs]
    if not measured:
        raise BadInput("there are no fields to measure faithfulness on", remedy="pass at least one")
    curves = {name: _stacked([each[name] for each in measured]) for name in orders}
    return Faithfulness(curves, fill.name, unit="patches", whole="those read")


class _Probe:
    """One field, its glass, and the model that is asked about everything between."""

    def __init__(self, predictor: Predictor, field: Array, item: Item, fill: LocalGlass, steps: int) -> None:
        self.predictor, self.model, self.item = predictor, predictor.fast_form(predictor.model), item
        self.field = predictor.preprocessing.resize(field)
        self.glass = fill(self.field)
        whole = self.model(predictor.open_images([self.field], [item])).to("cpu")
        self.sites, self.predicted = whole.sites, int(whole.logits[0].argmax())
        self.counts = np.unique(np.linspace(0, int(whole.sites.valid.sum()), steps + 1).round().astype(int))
        self.ends = float(whole.probabilities[0, self.predicted]), self.probability(self.glass)

    def curve(self, order: PatchOrder) -> Curve:
        """Both curves of one order."""
        boxes = order(self.sites, self.field.shape[:2]).tolist()
        deletion, insertion = [self.ends[0]], [self.ends[1]]
        without, alone, done = self.field.copy(), self.glass.copy(), 0
        for count in self.counts[1:].tolist():
            new = [box for box in boxes[done:count] if box not in boxes[:done]]
            for box in new:
                window = _window(box)
                without[window], alone[window] = self.glass[window], self.field[window]
            deletion.append(self.probability(without) if new else deletion[-1])
            insertion.append(self.probability(alone) if new else insertion[-1])
            done = count
        fractions = self.counts / max(1, self.counts[-1])
        return Curve(fractions, np.array([deletion]), np.array([insertion]))

    def probability(self, changed: Array) -> float:
        """Probability of the class that was predicted for the unchanged field."""
        images = self.predictor.open_images([changed], [self.item])
        return float(self.model(images).probabilities[0, self.predicted])


def _curves(probe: _Probe, orders: Mapping[str, Sequence[PatchOrder]]) -> dict[str, Curve]:
    return {name: Curve.mean([probe.curve(one) for one in several]) for name, several in orders.items()}


def _stacked(curves: Sequence[Curve]) -> Curve:
    """Curves of single fields as one."""
    deletion, insertion = (np.concatenate([getattr(c, name) for c in curves]) for name in ("deletion", "insertion"))
    return Curve(curves[0].fractions, deletion, insertion)


def _window(box: Sequence[int]) -> tuple[slice, slice]:
    """The part of a box that is inside the field, which ends what reaches beyond by itself."""
    x0, y0, x1, y1 = (max(0, edge) for edge in box)
    return slice(y0, y1), slice(x0, x1)
