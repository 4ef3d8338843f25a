"""Selections of fields: from a map of probabilities to the cells whose patches are read."""

from jaxtyping import Float, Int
from torch import Tensor

from saccade.models.parts.pixel_select import Budgeted
from saccade.ops.sampling import draw_distinct_sites, draw_sites_by_log, spread_sites_by_log


class DrawnSites(Budgeted):
    """Draws by probability while training, the map's quantiles in evaluation.

    The budget is how many patches are read; a cell may come more than once unless ``distinct``.

    Args:
        budget: Draws.
        distinct: Whether training draws without replacement.
    """

    def __init__(self, budget: int, distinct: bool = False) -> None:
        super().__init__(budget)
        self.distinct = distinct

    def forward(self, log_probabilities: Float[Tensor, "batch cell"], repeats: int = 1) -> Int[Tensor, "batch draw"]:
        """Cells by raster index; in training ``repeats`` sets of draws, one after the other."""
        if not self.training:
            return spread_sites_by_log(log_probabilities, self.budget)
        return self.draw(log_probabilities, repeats)

    def draw(self, log_probabilities: Float[Tensor, "batch cell"], repeats: int = 1) -> Int[Tensor, "batch draw"]:
        """Random draws, in evaluation too."""
        fixed = log_probabilities.detach()
        if not self.distinct:
            return draw_sites_by_log(fixed, repeats * self.budget)
        several = fixed.repeat_interleave(repeats, 0)
        return draw_distinct_sites(several, self.budget).view(len(fixed), -1)
