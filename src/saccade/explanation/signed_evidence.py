"""Signed evidence: which patches of a slide speak for a class, and which against it.

Weights tell where a model read, not what it made of it. The evidence of patch i is how much the log-odds of the class
would fall if its features were moved to the slide's mean feature, estimated from gradients:

    evidence_i = (x_i − mean) · ḡ_i        with   log-odds = log p − log (1 − p)

where ḡ_i is ∂ log-odds / ∂ x_i, at the slide as it is (first order, one backward pass) or averaged over a few places on
the straight way there from a slide that is all mean. Our choice is the latter, with the slide's own mean in place of
a zero that no encoder gives: where a model is sure its log-odds are flat, and first order then sees little (measured in
docs/log.md). All evidence together is what the log-odds have over those of the mean slide, up to the error of having
few places. Both are exact where the log-odds are linear in the features, as under mean pooling with a linear head;
everywhere else they are estimates, and deletion tells how far they hold.

Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", ICML 2017: integrated gradients.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from saccade.core.bags import Bags
from saccade.core.contract import SparseClassifier
from saccade.core.errors import BadInput

FIRST_ORDER = (1.0,)
"""The slide as it is."""

EIGHT_PLACES = tuple((place + 0.5) / 8 for place in range(8))
"""The middles of eight stretches of the way."""


@dataclass(frozen=True, eq=False)
class SignedEvidence:
    """What each patch of one slide says about one class.

    Attributes:
        values: In log-odds; above zero for the class, below against it.
        target: Number of the class.
        log_odds: Of the class, from all patches.
    """

    values: Float[Tensor, " patch"]
    target: int
    log_odds: float

    @property
    def pro(self) -> float:
        """Sum of what speaks for the class."""
        return float(self.values.clamp_min(0).sum())

    @property
    def contra(self) -> float:
        """Sum of what speaks against it, below zero."""
        return float(self.values.clamp_max(0).sum())


def signed_evidence(
    model: SparseClassifier, bags: Bags, target: int | None = None, places: Sequence[float] = EIGHT_PLACES
) -> SignedEvidence:
    """Evidence of every patch of one slide for one class.

    Cost: a forward pass, and for each place a forward and a backward one, which hold in memory what a training step
    does.

    >>> from saccade.models.span import span
    >>> bags = Bags(torch.rand(3, 64), torch.tensor([[0, 0], [1, 0], [7, 2]]), (3,))
    >>> signed_evidence(span(("normal", "tumour"), in_features=64).eval(), bags, target=1).values.shape
    torch.Size([3])

    Args:
        model: Any classifier of slides, in evaluation mode; its parameters' gradients are left as they are.
        bags: The slide: bags of one.
        target: Number of the class; ``None`` takes the one predicted.
        places: Where gradients are taken: shares of the way from the mean slide (0) to the slide (1).

    Raises:
        BadInput: The model is in training mode or has no such class, there are several slides or no places, or no
            gradient reaches the features.
    """
    check_explainable(model, bags)
    if target is not None and not 0 <= target < len(model.classes):
        raise BadInput(f"there is no class {target}", f"give a number from 0 to {len(model.classes) - 1}")
    if not places:
        raise BadInput("gradients are to be taken at no place", "give FIRST_ORDER, or several")
    with torch.no_grad():
        logits = model(bags).logits[0]
    target = int(logits.argmax()) if target is None else target
    found = SignedEvidence(bags.features.new_zeros(len(bags.features)), target, float(_log_odds(logits, target)))
    if not len(bags.features):
        return found
    mean = bags.features.detach().mean(0)
    away = bags.features.detach() - mean
    for place in places:
        gradient = _gradient(model, replace(bags, features=mean + place * away), target)
        found.values.add_((away * gradient).sum(1), alpha=1 / len(places))
    return found


def check_explainable(model: SparseClassifier, bags: Bags) -> None:
    """Refuse models that answer by chance, and several slides at once."""
    if model.training:
        raise BadInput("the model is in training mode and would answer by chance", "call model.eval() first")
    if len(bags) != 1:
        raise BadInput(f"{len(bags)} slides were given as one", "slice them: bags[i]")


def _log_odds(logits: Float[Tensor, " class"], target: int) -> Float[Tensor, ""]:
    others = torch.arange(len(logits), device=logits.device) != target
    return logits[target] - logits[others].logsumexp(0)


def _gradient(model: SparseClassifier, bags: Bags, target: int) -> Float[Tensor, "patch feature"]:
    """Of the log-odds, by the features."""
    features = bags.features.requires_grad_()
    with torch.enable_grad():
        log_odds = _log_odds(model(bags).logits[0], target)
        found = torch.autograd.grad(log_odds, features, allow_unused=True)[0] if log_odds.requires_grad else None
    if found is None:
        raise BadInput("the model's answer passes no gradient to the features", "explain it by its weights alone")
    return found
