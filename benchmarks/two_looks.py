"""A second look, as a variant to compare: half of the sites are read, and what they say moves the scores of the rest.

Ours, for one question of `cells_choices.py`. The coarse map's features are asked a question that the first reading put:
``scores + seen · W summary``, nearest neighbour up to the sites. The other half of the budget goes to the best of those
that were not read, and the same attention reads all of them; the first half is read twice and counted so, 15 % of the
pixels where the budget is 10 %. The look, its question and the first reading learn by the
same two terms as ever; the teacher is the attention over all sites.
"""

from typing import Any, Literal

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.imaging.stack import Stack
from saccade.models.parts.pixel_look import Glance, StridedTrunk, lattice_of
from saccade.models.sparse_attn_net import SparseAttnNet, sparse_attn_net
from saccade.ops.choosing import best_beside, top_sites


class TwoLooks(SparseAttnNet):
    """SparseAttnNet that reads half of its budget before it decides on the other half."""

    question: nn.Linear

    def _picked(
        self, stack: Stack, glance: Glance
    ) -> tuple[Int[Tensor, "batch site"], Float[Tensor, "batch candidate"]]:
        budget = self.budget
        assert glance.seen is not None and budget is not None
        first = top_sites(glance.scores.detach(), max(1, budget // 2))
        bias = glance.scores.gather(1, first) if self.look_bias else None
        summary = self.aggregate(self.read(stack, first, glance), bias).summary
        asked = (glance.seen * self.question(summary)[:, :, None, None]).sum(1, keepdim=True)
        scores = glance.scores + F.interpolate(asked, lattice_of(stack, self.read.site), mode="nearest").flatten(1)
        return best_beside(scores.detach(), first, budget), scores


def two_looks(
    classes: tuple[str, ...],
    *,
    channels: int = 3,
    budget: int = 153,
    distillation: Literal["kl", "bce"] = "kl",
    distillation_strength: float = 0.1,
) -> TwoLooks:
    """Build the variant from SparseAttnNet's parts; without random sites, which a first reading stands in for."""
    how: dict[str, Any] = {"distillation": distillation, "distillation_strength": distillation_strength}
    model: Any = sparse_attn_net(classes, channels=channels, budget=budget, random_share=0.0, **how)
    trunk = model.look.trunk
    assert isinstance(trunk, StridedTrunk)
    model.__class__ = TwoLooks
    model.question = nn.Linear(model.read.place.out_features, trunk.width)
    nn.init.zeros_(model.question.weight)
    nn.init.zeros_(model.question.bias)
    return model
