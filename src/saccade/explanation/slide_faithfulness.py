"""Faithfulness of slides: do the patches with the most weight matter most to the answer?

Deletion takes patches out of the bag, the most important first, and follows the probability of the class that was
predicted; insertion starts from an empty bag and puts them back. Nothing is painted over: a patch that is taken out is
not there, as background never was. What is left keeps its place on the lattice, but a model whose windows begin at the
first patch may lay them anew.

Both curves run over all patches, in steps that are finer at the ends, where the heaviest few come and go. What is left
after a deletion in one order is what an insertion in the reverse order has put back, so that each such part of a slide
is asked about once; several small ones go through the model together.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saccade.core.bags import Bags
from saccade.core.contract import SparseClassifier
from saccade.core.errors import BadInput
from saccade.explanation.faithfulness import Curve, Faithfulness
from saccade.explanation.signed_evidence import check_explainable
from saccade.explanation.slide_orders import BAG_ORDERS, BagOrder

AT_ONCE = 2**15
"""Patches that go through the model together, or one slide's where it has more."""

Part = Bool[np.ndarray, " patch"]
"""Which patches are there."""


def slide_faithfulness(
    model: SparseClassifier,
    bags: Bags,
    *,
    target: int | None = None,
    orders: Mapping[str, Sequence[BagOrder]] = BAG_ORDERS,
    steps: int = 20,
    passes: int = 24,
    at_once: int = AT_ONCE,
) -> Faithfulness:
    """Delete and insert the patches of one slide in several orders, and follow a class.

    Cost: at most ``passes`` forward passes, none of more than ``at_once`` patches or the whole slide; as few as one
    for a small slide.

    >>> from saccade.models.span import span
    >>> bags = Bags(torch.rand(3, 64), torch.tensor([[0, 0], [1, 0], [7, 2]]), (3,))
    >>> slide_faithfulness(span(("normal", "tumour"), in_features=64).eval(), bags).curves["heaviest first"].fractions
    array([0.        , 0.33333333, 0.66666667, 1.        ])

    Args:
        model: Any classifier of slides, in evaluation mode.
        bags: The slide: bags of one.
        target: Number of the class to follow; ``None`` takes the one predicted.
        orders: Orders by name, the model's own first; where a name has several, their curves are averaged.
        steps: Points on a curve after the first; fewer where there are not so many patches or passes.
        passes: Calls of the model, at most.
        at_once: Patches in a call, at most, unless the slide itself has more.

    Raises:
        BadInput: There are no patches, several slides, or too few passes; or the model is in training mode.
    """
    check_explainable(model, bags)
    if not len(bags.features):
        raise BadInput("there are no patches to take away", "leave out slides without tissue")
    with torch.no_grad():
        whole = model(bags)
        target = int(whole.logits[0].argmax()) if target is None else target
        weights = whole.sites.weights[0][whole.sites.valid[0]]
        ranked = {name: [order(bags, weights).cpu().numpy() for order in each] for name, each in orders.items()}
        counts, calls = _planned([rank for each in ranked.values() for rank in each], steps, passes - 1, at_once)
        known = _asked(model, bags, calls, target)
    known[np.ones(len(weights), bool).tobytes()] = float(whole.probabilities[0, target])
    curves = {name: Curve.mean([_curve(rank, counts, known) for rank in each]) for name, each in ranked.items()}
    return Faithfulness(curves, "nothing, for they are left out", unit="patches", whole="those of the slide")


def step_counts(patches: int, steps: int) -> Int[np.ndarray, " step"]:
    """How many patches are gone at each step: finer at both ends, and the same from either.

    >>> step_counts(1000, 10).tolist()
    [0, 28, 104, 216, 352, 500, 648, 784, 896, 972, 1000]
    >>> step_counts(2, 10).tolist()
    [0, 1, 2]
    """
    along = np.arange(steps // 2 + 1) / steps
    first = np.round(patches * (3 * along**2 - 2 * along**3)).astype(np.int64)
    few = np.arange(min(patches, steps) + 1) if patches <= steps else first  # each patch by itself
    return np.unique(np.concatenate([few, patches - few]))


def packed(sizes: Sequence[int], most: int) -> list[list[int]]:
    """Which of some parts go together, so that no call has more than ``most`` patches unless one part alone has.

    The largest first, each into the first call that has room for it.

    >>> packed([5, 3, 2, 9], most=8)
    [[3], [0, 1], [2]]
    """
    calls: list[list[int]] = []
    room: list[int] = []
    for part in sorted(range(len(sizes)), key=lambda each: -sizes[each]):
        place = next((call for call, left in enumerate(room) if left >= sizes[part]), len(calls))
        if place == len(calls):
            calls.append([])
            room.append(most)
        calls[place].append(part)
        room[place] -= sizes[part]
    return calls


def _planned(
    ranked: Sequence[Int[np.ndarray, " patch"]], steps: int, passes: int, at_once: int
) -> tuple[Int[np.ndarray, " step"], list[list[Part]]]:
    """The most steps that the passes are enough for, and what to ask in each pass."""
    patches = len(ranked[0])
    for fewer in range(steps, 0, -1):
        counts = step_counts(patches, fewer)
        parts = [part for rank in ranked for part in _parts(rank, counts) if not part.all()]  # the whole is known
        parts = list({part.tobytes(): part for part in parts}.values())
        calls = packed([int(part.sum()) for part in parts], max(at_once, patches))
        if len(calls) <= passes:
            return counts, [[parts[each] for each in call] for call in calls]
    raise BadInput(f"{passes + 1} passes are too few for a curve", "allow more passes")


def _parts(rank: Int[np.ndarray, " patch"], counts: Int[np.ndarray, " step"]) -> list[Part]:
    """What is left, then what was put back, after each count."""
    place = np.empty(len(rank), np.int64)
    place[rank] = np.arange(len(rank))
    return [place >= count for count in counts] + [place < count for count in counts]


def _curve(rank: Int[np.ndarray, " patch"], counts: Int[np.ndarray, " step"], known: Mapping[bytes, float]) -> Curve:
    values = np.array([known[part.tobytes()] for part in _parts(rank, counts)])
    return Curve(counts / len(rank), values[None, : len(counts)], values[None, len(counts) :])


def _asked(model: SparseClassifier, bags: Bags, calls: Sequence[Sequence[Part]], target: int) -> dict[bytes, float]:
    """Probability of the class for each part, by the part."""
    known: dict[bytes, float] = {}
    for parts in calls:
        asked = Bags.concatenate([_part_of(bags, torch.from_numpy(part)) for part in parts])
        values: Float[Tensor, " part"] = model(asked).probabilities[:, target].double().cpu()
        known |= {part.tobytes(): float(value) for part, value in zip(parts, values, strict=True)}
    return known


def _part_of(bags: Bags, kept: Bool[Tensor, " patch"]) -> Bags:
    """Some patches of a slide, on their places."""
    kept = kept.to(bags.features.device)
    return Bags(bags.features[kept], bags.cells[kept], (int(kept.sum()),), bags.boxes[kept])
