"""What there is to say of a bag before it is used."""

from collections.abc import Iterator

from saccade.features.store.bag import Bag
from saccade.imaging.slides.describing import Fact
from saccade.ops.lattice import Lattice

_DIALECTS = {
    "clam": "CLAM",
    "clam-pt": "CLAM's tensor",
    "span": "SPAN's authors",
    "stamp": "STAMP",
    "trident": "TRIDENT",
}


def described_bag(bag: Bag) -> Iterator[Fact]:
    """Whose features these are, how many, and at which resolution.

    >>> import numpy as np
    >>> from pathlib import Path
    >>> bag = Bag(Path("a.h5"), "trident", np.zeros((2, 76), np.float16), np.array([[448, 0], [0, 0]]))
    >>> dict(described_bag(bag))["features"]
    '2 patches of 76 numbers, float16'
    """
    yield "slide", bag.name
    yield "layout", _DIALECTS[bag.dialect]
    yield "features", f"{len(bag):,} patches of {bag.dim:,} numbers, {bag.features.dtype}"
    yield "encoder", bag.encoder or "not stated"
    for name, value in (("patches read at", bag.mpp), ("base pixels", bag.source_mpp)):
        yield name, "not stated" if value is None else f"{value:.4g} µm per pixel"
    yield "slide's size", f"{bag.width} x {bag.height} base pixels" if bag.width and bag.height else "not stated"
    yield "patch", f"{bag.patch_size_level0} base pixels" if bag.patch_size_level0 else "not stated"


def described_lattice(lattice: Lattice) -> Iterator[Fact]:
    """The grid of a bag's patches, and what was done to bring them onto it.

    >>> import numpy as np
    >>> from saccade.ops.lattice import infer_lattice
    >>> list(described_lattice(infer_lattice(np.array([[448, 0], [0, 0]]), 448)))
    [('lattice', '2 x 1 places of 448 base pixels, the first at x 0, y 0')]
    """
    if not len(lattice):
        yield "lattice", "no patches"
        return
    columns, rows = (int(cells.max()) + 1 for cells in lattice.cells.T)
    x, y = lattice.origin
    yield "lattice", f"{columns} x {rows} places of {lattice.stride:g} base pixels, the first at x {x}, y {y}"
    if lattice.moved or lattice.merged:
        yield "snapped", f"{lattice.moved} patches moved to the nearest place, {lattice.merged} left out there"
