"""Teaching a look from the labels of fields alone, before anything is read. Our addition; the paper starts cold."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saccade.core.contract import ClassTargets
from saccade.models.parts.field_look import FieldLook, log_probabilities


class WarmUp(nn.Module):
    """A throw-away head finds the cells that speak for a class; the look's own score learns to point at them.

    From scratch the look does not move: as long as the reader knows nothing, no draw earns more than another. Here a
    3×3 convolution on the look's trunk scores every cell for every class, and a class is scored by the mean of its
    best cells, so that the trunk learns what is worth seeing. The look's score, with the trunk held fixed, learns to
    give its probability to the cells whose scores say most, whatever they say.

    Source: our own (METHODS §2, "What a prototype taught"). A loss through the softmax of all cells does not move.

    Args:
        look: Whose trunk and score are taught.
        classes: Number of classes.
        best: Cells that speak for a class, and that are pointed at.
    """

    def __init__(self, look: FieldLook, classes: int, best: int = 20) -> None:
        super().__init__()
        self.head = nn.Conv2d(look.width, classes, 3, padding=1)
        self.best = best

    def forward(
        self, look: FieldLook, view: Float[Tensor, "batch channel row column"], inside: Tensor, targets: ClassTargets
    ) -> tuple[dict[str, Float[Tensor, ""]], Float[Tensor, "batch row column"]]:
        """The terms ``warm_up`` and ``pointing``, and the look's scores."""
        seen = look.seen(view, inside)
        outside = ~inside.flatten(1)
        speaks = self.head(seen).flatten(2).masked_fill(outside[:, None], -torch.inf)
        best = min(self.best, int(inside.flatten(1).sum(1).min()))
        logits = speaks.topk(best, dim=2).values.mean(2)
        telling = speaks.detach().logsumexp(1).topk(best, dim=1).indices
        scores = look.score(seen.detach())[:, 0]
        pointing = -log_probabilities(scores, inside).gather(1, telling).mean()
        return {"warm_up": targets.cross_entropy(logits), "pointing": pointing}, scores
