"""Simulated bags: tumour where the label says so, and features that tell kinds apart but for noise."""

from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.datasets.bags import open_bags, simulated_bags
from saccade.datasets.simulators.slides.bags import CLASSES, draw_tissue_grid, simulate_bags
from saccade.datasets.simulators.slides.description import KINDS
from saccade.datasets.simulators.slides.patch_grids import PatchGrid, simulate_features
from saccade.datasets.sources import is_simulated
from saccade.features.store import open_bag

TUMOUR = KINDS.index("tumour")


@pytest.mark.parametrize("seed", range(8))
def test_there_is_tumour_where_the_label_says_so(seed: int) -> None:
    normal, tumour = (draw_tissue_grid(label, 3000.0, seed) for label in CLASSES)
    assert TUMOUR not in normal.kinds
    assert 0 < tumour.counts()[TUMOUR] < 0.25 * len(tumour)
    for grid in (normal, tumour):
        assert len(np.unique(grid.cells, axis=0)) == len(grid) > 100
        assert grid.counts()[KINDS.index("stroma")] > 0 and (grid.kinds >= 0).all()


def test_bags_on_disk_are_the_grids(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    table = simulate_bags(
        tmp_path / "set", {"train": 2, "test": 2}, noise=0.0, dim=16, progress=lambda *done: told.append(done)
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    bags = open_bags(table, table.parent)
    assert is_simulated(bags.manifest)
    assert simulated_bags(bags.paths) == 4
    assert bags.manifest.counts() == {"normal": 2, "tumour": 2}
    assert len({row.case for row in bags.manifest.rows}) == 4
    patch = PatchGrid(np.zeros((1, 2), np.int64), np.array([TUMOUR]), "tumour", KINDS)
    tumour = simulate_features(patch, np.random.default_rng(0), 16, noise=0.0)
    for number, row in enumerate(bags.manifest.rows):
        features = bags[number].load()
        assert 2 < len(np.unique(features, axis=0)) <= len(KINDS), "without noise each kind has one"
        assert (np.abs(features - tumour).sum(1) < 1e-5).any() == (row.label == "tumour")
    assert (bags[0].lattice().cells >= 0).all() and bags[0].lattice().stride == 224


def test_slides_do_not_depend_on_their_number(tmp_path: Path) -> None:
    few, many = (simulate_bags(tmp_path / str(n), {"train": n}, dim=8).parent for n in (1, 3))
    name = "features_simulated-kinds/train_0000.h5"
    other = simulate_bags(tmp_path / "other", {"train": 1}, dim=8, seed=1).parent
    one, same, different = (open_bag(folder / name).load() for folder in (few, many, other))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, different)


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="choose normal or tumour|Choose normal or tumour"):
        draw_tissue_grid("benign", 3000.0, 0)
    with pytest.raises(BadInput, match="has no room for tumour"):
        simulate_bags(tmp_path / "small", {"train": 2}, side=150.0)
    with pytest.raises(BadInput, match="do not fit 3 dimensions"):
        simulate_bags(tmp_path / "narrow", {"train": 1}, dim=3)
