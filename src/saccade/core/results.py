"""What every classifier returns, at every scale: a prediction, the sites behind it and what it cost.

All holders are frozen; ``eq`` is off because tensors do not compare to a single truth value.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Generic, TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Holder = TypeVar("Holder", bound="_Batched")


class _Batched:
    """Slicing, joining and moving for dataclasses whose fields are tensors (or holders) led by a batch axis."""

    def _map(self: Holder, change: Callable[[Tensor], Tensor]) -> Holder:
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return type(self)(
            **{name: change(v) if isinstance(v, Tensor) else v._map(change) for name, v in values.items()}
        )

    def __getitem__(self: Holder, rows: int | slice | Tensor) -> Holder:
        """The same thing for some images; an integer keeps the batch axis."""
        rows = slice(rows, rows + 1 or None) if isinstance(rows, int) else rows
        return self._map(lambda tensor: tensor[rows])

    def to(self: Holder, device: torch.device | str) -> Holder:
        """The same thing on another device."""
        return self._map(lambda tensor: tensor.to(device))

    def detach(self: Holder) -> Holder:
        """The same thing without its graph."""
        return self._map(Tensor.detach)

    @classmethod
    def concatenate(cls: type[Holder], parts: Sequence[Holder]) -> Holder:
        """Join batches end to end; where they differ in the number of sites, zeros (not valid) fill up."""
        names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
        columns = {name: [getattr(part, name) for part in parts] for name in names}
        return cls(
            **{
                name: _joined(column) if isinstance(column[0], Tensor) else type(column[0]).concatenate(column)
                for name, column in columns.items()
            }
        )


def _joined(parts: Sequence[Tensor]) -> Tensor:
    """Tensors one after the other, the second axis of each filled up with zeros to the longest."""
    if parts[0].ndim < 2 or len({part.shape[1] for part in parts}) == 1:
        return torch.cat(list(parts))
    longest = max(part.shape[1] for part in parts)
    gaps = [part.new_zeros(part.shape[0], longest - part.shape[1], *part.shape[2:]) for part in parts]
    return torch.cat([torch.cat(pair, dim=1) for pair in zip(parts, gaps, strict=True)])


@dataclass(frozen=True, eq=False)
class Sites(_Batched):
    """The places a model read, and how much each counted.

    Attributes:
        boxes: ``x0 y0 x1 y1`` in base pixels, ``x1`` and ``y1`` exclusive.
        weights: ≥ 0, summing to one per image over its valid sites.
        valid: False where a row is padding.
    """

    boxes: Float[Tensor, "batch site 4"]
    weights: Float[Tensor, "batch site"]
    valid: Bool[Tensor, "batch site"]


@dataclass(frozen=True, eq=False)
class Cost(_Batched):
    """Pixels handled per image, counted by a meter at the door to pixels; NaN where unknown.

    Attributes:
        pixels_total: Pixels of the image as handed to the model.
        pixels_looked: Pixels returned by ``overview``.
        pixels_read: Pixels returned by ``read``.
        pixels_decoded: Pixels the file reader had to decompress.
        reads: Sites read.
    """

    pixels_total: Float[Tensor, " batch"]
    pixels_looked: Float[Tensor, " batch"]
    pixels_read: Float[Tensor, " batch"]
    pixels_decoded: Float[Tensor, " batch"]
    reads: Float[Tensor, " batch"]

    @property
    def pixels_read_fraction(self) -> Float[Tensor, " batch"]:
        """Read over total; to be shown beside ``pixels_looked_fraction``."""
        return self.pixels_read / self.pixels_total

    @property
    def pixels_looked_fraction(self) -> Float[Tensor, " batch"]:
        """Looked over total."""
        return self.pixels_looked / self.pixels_total


@dataclass(frozen=True, eq=False)
class Prediction(_Batched):
    """What every classifier returns; no flag changes it.

    Attributes:
        logits: Before the softmax.
        sites: Where the model read.
        cost: What that took.
    """

    logits: Float[Tensor, "batch class"]
    sites: Sites
    cost: Cost

    @property
    def probabilities(self) -> Float[Tensor, "batch class"]:
        """Softmax of the logits."""
        return self.logits.softmax(-1)

    @property
    def empty(self) -> Bool[Tensor, " batch"]:
        """Where there was nothing to read, as in a slide without tissue: what is said then is a guess."""
        return ~self.sites.valid.any(1)


@dataclass(frozen=True, eq=False)
class SurvivalPrediction(Prediction):
    """A prediction whose classes are bins of time and whose logits are those of the hazards, bin by bin."""

    @property
    def hazards(self) -> Float[Tensor, "batch bin"]:
        """Probability of the event within each bin, for who came so far."""
        return self.logits.sigmoid()

    @property
    def survival(self) -> Float[Tensor, "batch bin"]:
        """Probability that the event comes after each bin."""
        return (1 - self.hazards).cumprod(1)

    @property
    def probabilities(self) -> Float[Tensor, "batch bin"]:
        """Probability of the event within each bin; what is missing to one survives them all."""
        before = torch.cat([torch.ones_like(self.logits[:, :1]), self.survival[:, :-1]], dim=1)
        return before * self.hazards

    @property
    def risk(self) -> Float[Tensor, " batch"]:
        """Higher for an earlier event: less the number of bins that are survived in the mean."""
        return -self.survival.sum(1)


@dataclass(frozen=True, eq=False)
class Segmentation(_Batched):
    """What every segmenter returns: a class for each site.

    Attributes:
        logits: Of each site, before the softmax; whatever where a site is not valid.
        sites: Where the model read, in the order of the logits.
        cost: What that took.
    """

    logits: Float[Tensor, "batch site class"]
    sites: Sites
    cost: Cost

    @property
    def probabilities(self) -> Float[Tensor, "batch site class"]:
        """Softmax of the logits."""
        return self.logits.softmax(-1)

    @property
    def empty(self) -> Bool[Tensor, " batch"]:
        """Where there was nothing to read."""
        return ~self.sites.valid.any(1)


Result = TypeVar("Result", bound=Prediction | Segmentation)


@dataclass(frozen=True, eq=False)
class Losses(Generic[Result]):
    """Named terms whose sum is trained, and the prediction they came from: one forward pass serves both."""

    terms: dict[str, Float[Tensor, ""]]
    prediction: Result

    @property
    def total(self) -> Float[Tensor, ""]:
        """The sum of all terms."""
        return torch.stack(tuple(self.terms.values())).sum()
