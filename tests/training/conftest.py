"""What the tests of training share."""

import pytest

from saccade.datasets.cells import CellData
from tests.training.miniature_cells import make_cells


@pytest.fixture(scope="session")
def cells() -> CellData:
    """Three classes of twelve images of 16 pixels: eight to train, two to validate, two to test."""
    return make_cells()
