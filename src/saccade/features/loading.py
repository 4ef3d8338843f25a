"""Stored bags in memory, as a model of slides takes them."""

import math
from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import torch
from jaxtyping import Int

from saccade.core.bags import Bags
from saccade.core.results import Cost
from saccade.features.store import Bag
from saccade.features.store.attributes import from_json
from saccade.ops.lattice import Lattice, Snap


def load_bags(bags: Sequence[Bag], snap: Snap | None = None) -> Bags:
    """Load the features of some slides, each on its lattice, in raster order.

    Cost: every feature once through memory, and O(n log n) for the lattices.

    >>> from saccade.features.store import BagAttributes, BagWriter, open_bag
    >>> told = BagAttributes("b.svs", patch_size=224, patch_size_level0=448, mpp=0.5, source_mpp=0.25, encoder="mean")
    >>> with BagWriter("job/b.h5", rows=2, dim=3, coords=np.array([[448, 0], [0, 0]]), attributes=told) as writer:
    ...     writer.put(0, np.ones((2, 3), np.float32))
    >>> loaded = load_bags([open_bag("job/b.h5")])
    >>> loaded.cells.tolist(), loaded.boxes[1].tolist()
    ([[0, 0], [1, 0]], [448.0, 0.0, 896.0, 448.0])

    Args:
        bags: The files, one per slide, all of one encoder.
        snap: ``nearest`` moves patches that fit no lattice to their nearest place; of those that meet one is kept.

    Raises:
        BadInput: A value is not finite, or the patches of a slide fit no lattice.
    """
    return Bags.concatenate([_loaded(bag, snap) for bag in bags])


def _loaded(bag: Bag, snap: Snap | None) -> Bags:
    lattice = bag.lattice(snap)
    features = torch.from_numpy(bag.load()[lattice.order])
    cells, recorded = torch.from_numpy(lattice.cells), recorded_cost(bag)
    return Bags(features, cells, (len(lattice),), torch.from_numpy(lattice_boxes(lattice)).float(), recorded)


def lattice_boxes(lattice: Lattice) -> Int[np.ndarray, "patch 4"]:
    """The patches of a lattice in its order, x0 y0 x1 y1 in base pixels."""
    return np.concatenate([lattice.coords, lattice.coords + lattice.patch], axis=1)


def recorded_cost(bag: Bag) -> Cost:
    """What its file says that embedding the slide has cost; NaN where it says nothing, as other tools' files do."""
    told = from_json(bag.provenance.get("extra"))
    known = {name: value for name, value in told.items() if isinstance(value, int | float)}
    values = {each.name: torch.tensor([float(known.get(each.name, math.nan))]) for each in fields(Cost)}
    return Cost(**values | {"reads": torch.tensor([float(len(bag))])})
