"""How alike maps are, and whose masks they are laid on."""

from pathlib import Path

import numpy as np
import pytest

from saccade.datasets.cells import open_data


def test_maps_that_say_the_same_agree_and_chance_is_that_of_other_images() -> None:
    from cells_faithful import agreement

    rng = np.random.default_rng(0)
    maps = rng.random((200, 16))
    same, other = agreement([maps.tolist(), (2 * maps + 3).tolist()])
    assert same == pytest.approx(1)
    assert other == pytest.approx(0, abs=0.02)


def test_maps_of_unrelated_seeds_agree_no_more_than_those_of_other_images() -> None:
    from cells_faithful import agreement

    rng = np.random.default_rng(1)
    same, other = agreement([rng.random((300, 16)).tolist() for _ in range(3)])
    assert same == pytest.approx(other, abs=0.05)


def test_what_all_maps_share_is_in_the_chance_too() -> None:
    """A cell in the middle of every image makes all maps alike, and no credit is given for that."""
    from cells_faithful import agreement

    rng = np.random.default_rng(2)
    middle = 10 * np.hanning(16)
    same, other = agreement([(middle + rng.random((100, 16))).tolist() for _ in range(2)])
    assert other > 0.9
    assert same == pytest.approx(other, abs=0.02)


def test_places_are_spread_over_all_images() -> None:
    from cells_faithful import spread

    assert spread(5, 100) == [0, 1, 2, 3, 4]
    assert spread(101, 3) == [0, 50, 100]


def test_each_cell_has_its_own_mask_and_the_nucleus_lies_within_the_cell(tmp_path: Path) -> None:
    from cells_faithful import masks_of

    from saccade.datasets.simulators.cell_sets import write_dataset

    write_dataset(tmp_path, 2)
    cells = open_data(tmp_path / "manifest.csv", size=64)
    cell, nucleus = masks_of(cells, "cell_masks"), masks_of(cells, "masks")
    assert cell.shape == (len(cells.rows), 64, 64)
    assert len({mask.numpy().tobytes() for mask in cell}) == len(cell)
    assert ((nucleus & cell).sum((1, 2)) >= 0.99 * nucleus.sum((1, 2))).all()
    inside = [image[:, mask].mean() for image, mask in zip(cells.images.float(), cell, strict=True)]
    beside = [image[:, ~mask].mean() for image, mask in zip(cells.images.float(), cell, strict=True)]
    assert all(dark < bright for dark, bright in zip(inside, beside, strict=True))
