"""Stored bags in memory: each feature beside the place it was read at."""

from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.features.loading import load_bags
from saccade.features.store import Bag, BagAttributes, BagWriter, open_bag
from saccade.models import create_model


def stored(path: Path, coords: list[list[int]]) -> Bag:
    told = BagAttributes("a.svs", patch_size=256, patch_size_level0=512, mpp=0.5, source_mpp=0.25, encoder="mean")
    places = np.array(coords, np.int64).reshape(-1, 2)
    with BagWriter(path, rows=len(places), dim=2, coords=places, attributes=told) as writer:
        writer.put(0, places.astype(np.float32))  # the features of a patch say where it lies
    return open_bag(path)


def test_features_follow_their_patches_into_raster_order(tmp_path: Path) -> None:
    first = stored(tmp_path / "a.h5", [[1034, 10], [10, 10], [522, 522]])
    second = stored(tmp_path / "b.h5", [[0, 512], [0, 0]])
    bags = load_bags([first, second])
    assert bags.lengths == (3, 2)
    assert bags.cells.tolist() == [[0, 0], [2, 0], [1, 1], [0, 0], [0, 1]]
    assert bags.boxes[:, :2].equal(bags.features)
    assert (bags.boxes[:, 2:] - bags.boxes[:, :2]).unique().tolist() == [512]
    assert bags.cost().reads.tolist() == [3, 2]


def test_a_slide_without_tissue_is_a_slide(tmp_path: Path) -> None:
    bags = load_bags([stored(tmp_path / "a.h5", []), stored(tmp_path / "b.h5", [[0, 0]])])
    assert bags.lengths == (0, 1)
    assert create_model("span", ("a", "b"), in_features=2)(bags).empty.tolist() == [True, False]


def test_patches_that_fit_no_lattice_are_refused_unless_moved(tmp_path: Path) -> None:
    bag = stored(tmp_path / "a.h5", [[0, 0], [512, 0], [1024, 0], [1536, 200], [2048, 0]])
    with pytest.raises(BadInput, match="lattice"):
        load_bags([bag])
    assert len(load_bags([bag], snap="nearest").features) == 5
