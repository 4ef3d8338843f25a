"""What a model of slides takes in: whose features, of which patches. A run keeps it in place of a preprocessing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.features.store.attributes import from_json
from saccade.features.store.bag import Bag
from saccade.ops.lattice import Snap

_MEASURED = 1024  # patches of a slide that its features are measured on
_LEAST = 1e-6  # of a number's mean: what varies less does so by rounding
_ALIKE = 0.05  # patches that differ by less than this share are of one size: tools round


@dataclass(frozen=True)
class SlideInput:
    """How the bags of a model came about, as far as their files tell.

    >>> SlideInput("colour-texture", 76, patch=224, mpp=0.5).patch_um
    112.0

    Attributes:
        encoder: Name of the encoder; empty where unknown.
        dim: Numbers of a patch.
        patch: Side of a patch in pixels at ``mpp``.
        mpp: Micrometres per pixel at which patches were read.
        overlap: Pixels that neighbouring patches share.
        facts: What else decides the encoder's features, as its bags have it.
        mean: Of each number over the patches of the training part; empty where features are taken as they are.
        std: Likewise, their standard deviation.
        snap: How patches that fit no lattice are treated; ``None`` refuses them.
    """

    encoder: str
    dim: int
    patch: int | None = None
    mpp: float | None = None
    overlap: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    snap: Snap | None = None

    def __post_init__(self) -> None:
        if not len(self.mean) == len(self.std) in (0, self.dim):
            counts = f"{len(self.mean)} means and {len(self.std)} standard deviations"
            raise BadInput(f"{counts} for features of {self.dim} numbers", "give one of each per number, or none")

    @classmethod
    def of(cls, bag: Bag) -> "SlideInput":
        """What the file of a bag says."""
        told = bag.provenance
        patch = told.get("patch_size", told.get("tile_size_px"))
        overlap = told.get("overlap", 0)
        return cls(
            bag.encoder,
            bag.dim,
            patch=int(patch) if isinstance(patch, int | float) else None,
            mpp=bag.mpp if bag.mpp is not None else _mpp_of(bag, patch),
            overlap=int(overlap) if isinstance(overlap, int | float) else 0,
            facts=from_json(told.get("encoder_facts")),
        )

    @property
    def patch_um(self) -> float | None:
        """Side of a patch in micrometres, where known."""
        return None if self.patch is None or self.mpp is None else self.patch * self.mpp

    def as_dict(self) -> dict[str, Any]:
        """Plain values for ``config.json``."""
        return {each.name: getattr(self, each.name) for each in fields(self)} | {"facts": dict(self.facts)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "SlideInput":
        """From what ``as_dict`` gave.

        Raises:
            BadInput: A key is missing or unknown.
        """
        try:
            return cls(**{**values, "mean": tuple(values.get("mean", ())), "std": tuple(values.get("std", ()))})
        except TypeError as error:
            raise BadInput(f"does not describe the features of slides ({error})", "save the model again") from error

    def fitted(self, bags: Iterable[Bag]) -> "SlideInput":
        """The same with mean and standard deviation measured; hand in the training part only.

        Of each bag a block of at most 1,024 patches in its middle is read. A number that never changes is only shifted.

        Raises:
            BadInput: There is not a single patch.
        """
        count, total, squares = 0, np.zeros(self.dim), np.zeros(self.dim)
        for bag in bags:
            start = max(0, (len(bag) - _MEASURED) // 2)
            block = np.asarray(bag.features[start : start + _MEASURED], np.float64)
            count, total, squares = count + len(block), total + block.sum(0), squares + (block**2).sum(0)
        if not count:
            raise BadInput("there are no patches to measure", "hand in slides with tissue")
        mean = total / count
        spread = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
        std = np.where(spread > _LEAST * np.maximum(np.abs(mean), 1.0), spread, 1.0)
        return replace(self, mean=tuple(mean.tolist()), std=tuple(std.tolist()))

    def normalised(self, bags: Bags) -> Bags:
        """The bags with their features shifted and scaled as the training's were, where these were."""
        if not self.mean:
            return bags
        mean, std = (bags.features.new_tensor(values) for values in (self.mean, self.std))
        return replace(bags, features=(bags.features - mean) / std)

    def check(self, other: "SlideInput", source: str) -> None:
        """Refuse features that cannot be of the same encoder.

        Raises:
            BadInput: Naming ``source``: they have another width, or say that they are another encoder's.
        """
        remedy = f"embed with {self.encoder or 'the encoder of the training'}"
        if other.dim != self.dim:
            raise BadInput(f"holds features of {other.dim} numbers where {self.dim} are wanted", remedy, source)
        if self.encoder and other.encoder and other.encoder != self.encoder:
            raise BadInput(f"holds features of {other.encoder} where {self.encoder}'s are wanted", remedy, source)

    def doubt(self, other: "SlideInput") -> str:
        """One line where the patches cover another area than this model's; empty where they do not, or nobody knows."""
        mine, theirs = self.patch_um, other.patch_um
        if mine is None or theirs is None or abs(mine - theirs) <= _ALIKE * mine:
            return ""
        return f"its patches are {theirs:g} µm wide, those of the training were {mine:g} µm"


def _mpp_of(bag: Bag, patch: Any) -> float | None:
    """Micrometres per pixel read, from a patch's size here and in base pixels."""
    if bag.source_mpp is None or bag.patch_size_level0 is None or not isinstance(patch, int | float) or not patch:
        return None
    return bag.source_mpp * bag.patch_size_level0 / patch
