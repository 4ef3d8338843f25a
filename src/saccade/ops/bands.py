"""A band of rows that moves down: what is made of them is kept while the band holds them, and then let go."""

from collections.abc import Callable

import torch
from jaxtyping import Shaped
from torch import Tensor

Make = Callable[[slice], Shaped[Tensor, "row *rest"]]
Take = Callable[[slice, Shaped[Tensor, "row *rest"]], object]


class Band:
    """Rows of something from one number to another.

    >>> band = Band(lambda rows: torch.arange(rows.start, rows.stop), lambda rows, values: print(values.tolist()))
    >>> band.moved(slice(0, 3)).tolist(), band.moved(slice(2, 4)).tolist()
    [0, 1]
    ([0, 1, 2], [2, 3])

    Args:
        make: The values of some rows; each row is made once.
        take: Is handed the values of rows as they are left behind.
    """

    def __init__(self, make: Make, take: Take | None = None) -> None:
        self._make, self._take = make, take
        self._rows = slice(0, 0)
        self._values: Tensor | None = None

    def moved(self, rows: slice) -> Shaped[Tensor, "row *rest"]:
        """The values of some rows, neither end of which may lie above where it was."""
        made = self._make(slice(max(self._rows.stop, rows.start), rows.stop))
        if self._values is None:
            self._values = made
        else:
            left = min(rows.start, self._rows.stop) - self._rows.start
            self._leave(left)
            self._values = torch.cat([self._values[left:], made])
        self._rows = rows
        return self._values

    def close(self) -> None:
        """Leave all that is still held."""
        self._leave(self._rows.stop - self._rows.start)

    def _leave(self, count: int) -> None:
        if self._take is not None and self._values is not None and count:
            self._take(slice(self._rows.start, self._rows.start + count), self._values[:count])
