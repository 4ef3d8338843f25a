"""The patches of one slide as they are shown and written: where they lie, what they weigh and which way they speak."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.core.results import Sites


@dataclass(frozen=True, eq=False)
class SlideSites:
    """The patches of one slide, in the order of its bag.

    >>> boxes = np.array([[0.0, 0, 4, 4], [4, 0, 8, 4]])
    >>> sites = SlideSites(boxes, weights=np.array([0.25, 0.75]), evidence=np.array([-1.0, 3.0]))
    >>> sites.shares.tolist(), sites.loudness.tolist(), sites.ranks.tolist(), sites.percentiles.tolist()
    ([0.5, 1.5], [-0.5, 1.5], [2, 1], [50.0, 100.0])

    Attributes:
        boxes: In base pixels, ``x0 y0 x1 y1``.
        weights: Summing to one.
        evidence: For the class above zero, against it below, in log-odds; NaN where nobody asked.
    """

    boxes: Float[np.ndarray, "patch 4"]
    weights: Float[np.ndarray, " patch"]
    evidence: Float[np.ndarray, " patch"]

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def has_evidence(self) -> bool:
        """Whether anybody asked which way the patches speak."""
        return not np.isnan(self.evidence).all()

    @property
    def shares(self) -> Float[np.ndarray, " patch"]:
        """Weights in equal shares: 1 is what every patch would weigh if all weighed the same."""
        return self.weights * len(self)

    @property
    def loudness(self) -> Float[np.ndarray, " patch"]:
        """Evidence in equal shares: 1 or −1 is what every patch would say if all spoke as loudly."""
        mean = np.abs(self.evidence).mean() if len(self) else 0.0
        return self.evidence / mean if mean > 0 else np.zeros_like(self.evidence)

    @property
    def order(self) -> Int[np.ndarray, " patch"]:
        """Patches from the heaviest to the lightest; of equal ones, the first first."""
        return np.argsort(-self.weights, kind="stable")

    @property
    def ranks(self) -> Int[np.ndarray, " patch"]:
        """1 for the heaviest patch; of equal ones, the first is ahead."""
        ranks = np.empty(len(self), np.int64)
        ranks[self.order] = np.arange(1, len(self) + 1)
        return ranks

    @property
    def percentiles(self) -> Float[np.ndarray, " patch"]:
        """Per cent of the patches that weigh as much or less; equal weights are equal here."""
        return 100 * np.searchsorted(np.sort(self.weights), self.weights, side="right") / max(1, len(self))

    @property
    def half(self) -> int:
        """How many of the heaviest patches have half of the weight between them."""
        return int(np.searchsorted(np.cumsum(np.sort(self.weights)[::-1]), 0.5)) + 1 if len(self) else 0


def slide_sites(sites: Sites, evidence: Float[Tensor, " patch"] | None = None) -> SlideSites:
    """Sites and evidence of one slide together.

    Args:
        sites: What a model of slides returned: a batch of one.
        evidence: Of each patch, in the order of the bag; ``None`` where nobody asked.

    Raises:
        BadInput: The sites are of several slides, or there is not one piece of evidence for each.
    """
    if len(sites.weights) != 1:
        raise BadInput(f"sites of {len(sites.weights)} slides were given as one", remedy="slice them: sites[i]")
    valid = sites.valid[0].cpu()
    if evidence is None:
        evidence = torch.full((int(valid.sum()),), torch.nan)
    if int(valid.sum()) != len(evidence):
        message = f"{len(evidence)} pieces of evidence were given for {int(valid.sum())} patches"
        raise BadInput(message, "give one for each patch, in the order of the bag")
    parts = (sites.boxes[0].cpu()[valid], sites.weights[0].cpu()[valid], evidence.cpu())
    return SlideSites(*(part.detach().double().numpy() for part in parts))
