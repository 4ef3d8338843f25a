"""How many are still without the event after each time, seen from cases of which some were lost from sight.

Kaplan & Meier, "Nonparametric estimation from incomplete observations", JASA 1958, as SciPy computes it:
``S(t) = Π_{events at u ≤ t} (1 − d_u / n_u)`` with d_u events among the n_u still under observation just before u. Who
is lost from sight at a time at which others have their event is under observation until then.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import CensoredData, ecdf


@dataclass(frozen=True, eq=False)
class KaplanMeier:
    """A survival curve, a step for each time at which something happened.

    >>> curve = KaplanMeier.of(np.array([2.0, 3.0, 3.0, 5.0]), np.array([True, True, False, False]))
    >>> curve.times.tolist(), curve.survival.tolist(), curve.at_risk(np.array([0.0, 3.0, 4.0])).tolist()
    ([2.0, 3.0, 5.0], [0.75, 0.5, 0.5], [4, 3, 1])

    Attributes:
        times: At which an event was seen or a case lost, rising, none twice.
        survival: Share without the event after each.
        ends: The time of every case, rising.
        lost: Times at which a case was lost from sight, rising, as often as there were.
    """

    times: Float[np.ndarray, " step"]
    survival: Float[np.ndarray, " step"]
    ends: Float[np.ndarray, " case"]
    lost: Float[np.ndarray, " lost"]

    @classmethod
    def of(cls, times: Float[np.ndarray, " case"], events: Bool[np.ndarray, " case"]) -> "KaplanMeier":
        """The curve of some cases; there may be none. Cost: O(n log n).

        Args:
            times: Until the event, or until the case was lost from sight.
            events: Whether the event was seen.
        """
        lost = np.sort(times[~events])
        curve = ecdf(CensoredData(times[events], right=lost)).sf
        return cls(curve.quantiles, curve.probabilities, np.sort(times), lost)

    def at(self, times: Float[np.ndarray, " asked"]) -> Float[np.ndarray, " asked"]:
        """Share without the event after each of some times; 1 before anything happened."""
        return np.append(1.0, self.survival)[np.searchsorted(self.times, times, side="right")]

    def at_risk(self, times: Float[np.ndarray, " asked"]) -> Int[np.ndarray, " asked"]:
        """How many are under observation just before each of some times."""
        return len(self.ends) - np.searchsorted(self.ends, times, side="left")
