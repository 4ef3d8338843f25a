"""Folds hold every image once, and know nothing of the images that they hold back."""

from collections import Counter

import pytest

from saccade.datasets.cells import CellData, open_data


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> CellData:
    from saccade.datasets.simulators.cell_sets import write_dataset

    folder = tmp_path_factory.mktemp("cells")
    write_dataset(folder, 8)
    return open_data(folder / "manifest.csv", size=32)


def test_folds_validate_every_known_image_once_and_never_see_the_test_part(cells: CellData) -> None:
    from cells_choices import FOLDS, folds_of

    folds = folds_of(cells)
    held = Counter(row.name for fold in folds for row in fold.rows if row.split == "val")
    assert len(folds) == FOLDS
    assert held == Counter(row.name for row in cells.rows if row.split in ("train", "val"))
    for fold in folds:
        assert {row.split for row in fold.rows} == {"train", "val"}
        assert len(fold.rows) == len(held)


def test_a_fold_is_normalised_by_its_own_training_images(cells: CellData) -> None:
    from cells_choices import folds_of

    first, second, *_ = folds_of(cells)
    assert first.preprocessing.mean != second.preprocessing.mean
