"""Look maps: each field's own cells, with the probabilities that the model draws by."""

import numpy as np
import pytest
import torch

from saccade.explanation.field_maps import FieldMap, field_maps
from saccade.imaging.pixel_store import PixelStore
from saccade.imaging.rasters import Rasters
from saccade.models import create_model


def fields(*extents: tuple[int, int]) -> Rasters:
    dice = np.random.default_rng(0)
    images = [dice.integers(0, 256, (*extent, 3), dtype=np.uint8) for extent in extents]
    return Rasters(PixelStore.of(images), lambda values: values.float() / 128 - 1)


def test_maps_are_those_of_the_fields_alone() -> None:
    model = create_model("attention-sampling", ("a", "b"), factor=8, patch=16, budget=2).eval()
    both = fields((40, 61), (64, 30))
    maps = field_maps(model, both)
    assert maps is not None
    assert [tuple(each.probabilities.shape) for each in maps] == [(5, 8), (8, 4)]
    for row, each in enumerate(maps):
        assert each.probabilities.sum().item() == pytest.approx(1)
        alone = field_maps(model, both.take(torch.tensor([row])))
        assert alone is not None
        torch.testing.assert_close(each.probabilities.sum(), alone[0].probabilities.sum())
        assert each.relative.mean().item() == pytest.approx(1)
        assert each.extent == tuple(both.extents[row].tolist())


def test_a_model_without_a_map_has_none() -> None:
    assert field_maps(create_model("tiny-cnn", ("a", "b")), fields((16, 16))) is None


def test_middles_by_enumeration() -> None:
    look = FieldMap(torch.full((3, 2), 1 / 6), 5, (12, 9))
    expected = [
        [[(5 * c + min(5 * c + 5, 9)) / 2, (5 * r + min(5 * r + 5, 12)) / 2] for c in range(2)] for r in range(3)
    ]
    assert look.middles.tolist() == expected


@pytest.mark.parametrize("step", [1, 2, 3, 50])
def test_blocks_of_a_map_hold_their_largest_cell(step: int) -> None:
    cells = torch.rand(7, 11).div_(40)
    found = FieldMap(cells, 4, (28, 44)).relative_of_blocks(step)
    expected = [[cells[r : r + step, c : c + step].max() * 77 for c in range(0, 11, step)] for r in range(0, 7, step)]
    torch.testing.assert_close(found, torch.tensor(expected))
