"""Layer normalisation with what its gradient needs, for operators that write their gradient out."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

_EPSILON = 1e-5  # as of nn.LayerNorm


@dataclass(frozen=True, eq=False)
class Normed:
    """Some rows, normalised.

    Attributes:
        rows: As they were.
        values: Normalised, scaled and moved.
        mean: Of each row.
        scale: One over each row's spread.
    """

    rows: Float[Tensor, "row width"]
    values: Float[Tensor, "row width"]
    mean: Float[Tensor, "row 1"]
    scale: Float[Tensor, "row 1"]

    def backward(
        self, grad: Float[Tensor, "row width"], weight: Float[Tensor, " width"], bias: Float[Tensor, " width"]
    ) -> tuple[Float[Tensor, "row width"], Float[Tensor, " width"], Float[Tensor, " width"]]:
        """The gradients of the rows, the weight and the bias from that of the values."""
        return torch.ops.aten.native_layer_norm_backward(
            grad, self.rows, [len(weight)], self.mean, self.scale, weight, bias, [True, True, True]
        )


def normed(rows: Float[Tensor, "row width"], weight: Float[Tensor, " width"], bias: Float[Tensor, " width"]) -> Normed:
    """Normalise each row to mean 0 and spread 1, then scale and move it.

    >>> normed(torch.tensor([[1.0, 3.0]]), torch.ones(2), torch.zeros(2)).values.round().tolist()
    [[-1.0, 1.0]]
    """
    return Normed(rows, *torch.native_layer_norm(rows, [len(weight)], weight, bias, _EPSILON))
