"""Training slides are moved and then prepared, by what was drawn for their step alone."""

import pytest
import torch

from saccade.core.bags import Bags
from saccade.datasets.grid_augmentation import GridAugmentation
from saccade.models import create_model
from saccade.models.parts.span_pyramid import Pyramid
from saccade.models.span import Span
from saccade.training.seeds import Purpose, derive_seed
from saccade.training.slide_changes import SlideChanges


@pytest.fixture
def model() -> Span:
    model = create_model("span", ("a", "b"), in_features=8, width=8, heads=1).eval()
    assert isinstance(model, Span)
    return model


@pytest.fixture
def bags() -> Bags:
    grid = torch.cartesian_prod(torch.arange(7), torch.arange(5))
    return Bags(torch.rand(70, 8), grid.repeat(2, 1), (35, 35))


def neighbours(bags: Bags) -> list[list[list[int]]]:
    """Of an index, the cells of each block and which blocks lie around it, stage by stage."""
    assert isinstance(bags.index, Pyramid)
    windows = [stage.windows for stage in bags.index.stages]
    return [[*each.tokens.tolist(), *each.neighbours.tolist()] for each in windows]


def test_the_index_is_of_the_places_the_patches_have_come_to(model: Span, bags: Bags) -> None:
    """Not of those they came from, which is another."""
    augmentation = GridAugmentation(probability=1.0)
    changed = SlideChanges(augmentation, model.preparation(), seed=3, epochs=10)(bags, epoch=2, step=5, rank=1)
    dice = torch.Generator().manual_seed(derive_seed(Purpose.AUGMENTATION, 3, 2, 5, 1))
    moved = augmentation(bags, dice, 0.2)
    assert changed.cells.equal(moved.cells) and not moved.cells.equal(bags.cells)
    assert neighbours(changed) == neighbours(model.preparation()(moved)) != neighbours(model.preparation()(bags))


def test_each_step_epoch_and_process_draws_its_own(model: Span, bags: Bags) -> None:
    changes = SlideChanges(GridAugmentation(), model.preparation(), 0, 10)
    drawn = [changes(bags, *numbers).cells.tolist() for numbers in ((0, 0, 0), (0, 1, 0), (1, 0, 0), (0, 0, 1))]
    assert all(drawn[0] != other for other in drawn[1:])
    assert changes(bags, 0, 0, 0).cells.tolist() == drawn[0]
