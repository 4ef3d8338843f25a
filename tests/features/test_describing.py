"""What is said of a bag is what it holds, and what is not known is said to be so."""

from pathlib import Path

import numpy as np

from saccade.features.describing import described_bag, described_lattice
from saccade.features.store.bag import Bag
from saccade.ops.lattice import infer_lattice


def test_all_that_is_known() -> None:
    features, places = np.zeros((1234, 76), np.float32), np.zeros((1234, 2), np.int64)
    bag = Bag(Path("s.h5"), "stamp", features, places, None, 448, 448, 0.5, 0.25, 3000, 2000, "s", "uni")
    assert dict(described_bag(bag)) == {
        "slide": "s",
        "layout": "STAMP",
        "features": "1,234 patches of 76 numbers, float32",
        "encoder": "uni",
        "patches read at": "0.5 µm per pixel",
        "base pixels": "0.25 µm per pixel",
        "slide's size": "3000 x 2000 base pixels",
        "patch": "448 base pixels",
    }


def test_what_is_not_known() -> None:
    facts = dict(described_bag(Bag(Path("s.h5"), "span", np.zeros((3, 2), np.float32), np.zeros((3, 2), np.int64))))
    unknown = ("encoder", "patches read at", "base pixels", "slide's size", "patch")
    assert {name for name, value in facts.items() if value == "not stated"} == set(unknown)


def test_lattices() -> None:
    coords = np.array([[5, 5], [105, 5], [105, 205], [330, 205]])
    assert dict(described_lattice(infer_lattice(coords[:3], 100))) == {
        "lattice": "2 x 3 places of 100 base pixels, the first at x 5, y 5"
    }
    assert dict(described_lattice(infer_lattice(coords[:0], 100))) == {"lattice": "no patches"}
    snapped = dict(described_lattice(infer_lattice(coords, 100, snap="nearest")))
    assert snapped["snapped"] == "1 patches moved to the nearest place, 0 left out there"
