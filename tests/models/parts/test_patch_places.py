"""Where patches lie, against a loop over cells."""

import pytest
import torch

from saccade.core.errors import BadInput
from saccade.models.parts.patch_places import boxes_of_cells, check_no_gaps, onto


@pytest.mark.parametrize(("patch", "factor"), [(50, 5), (13, 4), (6, 5)])
@pytest.mark.parametrize(("height", "width"), [(41, 53), (3, 7)])
def test_a_patch_lies_around_the_middle_of_its_cell(patch: int, factor: int, height: int, width: int) -> None:
    """A last, partial cell may have its middle beyond the edge: its patch lies around the nearest pixel."""
    rows, columns = -(-height // factor), -(-width // factor)
    wanted = []
    for row in range(rows):
        for column in range(columns):
            x, y = min(column * factor + factor // 2, width - 1), min(row * factor + factor // 2, height - 1)
            left, top = x - patch // 2, y - patch // 2
            wanted.append([left, top, left + patch, top + patch])
    index = torch.arange(rows * columns)[None]
    assert boxes_of_cells(index, columns, torch.tensor([[height, width]]), factor, patch)[0].tolist() == wanted


def test_places_outside_move_to_the_nearest_pixel() -> None:
    middles = torch.tensor([[[-3, 2], [9, 9], [1, 4]]])
    assert onto(middles, torch.tensor([[5, 8]])).tolist() == [[[0, 2], [7, 4], [1, 4]]]


@pytest.mark.parametrize(("patch", "factor", "fits"), [(6, 5, True), (5, 5, False), (4, 5, False)])
def test_patches_leave_no_gaps_between_cells(patch: int, factor: int, fits: bool) -> None:
    if fits:
        check_no_gaps(patch, factor)
        return
    with pytest.raises(BadInput, match=f"patches of {patch} pixels leave gaps between cells of {factor}"):
        check_no_gaps(patch, factor)
