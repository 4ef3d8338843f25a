"""Bands: every row is made once, held while it is needed, and taken once."""

import pytest
import torch

from saccade.ops.bands import Band


@pytest.mark.parametrize(
    "places",
    [
        [(0, 10)],
        [(0, 3), (0, 3), (2, 7), (7, 7), (7, 10)],
        [(0, 0), (0, 4), (4, 8), (8, 10)],
    ],
)
def test_rows_are_made_once_and_taken_once_in_their_order(places: list[tuple[int, int]]) -> None:
    made: list[int] = []
    taken: list[int] = []

    def make(rows: slice) -> torch.Tensor:
        made.extend(range(rows.start, rows.stop))
        return torch.arange(rows.start, rows.stop)[:, None]

    def take(rows: slice, values: torch.Tensor) -> None:
        assert values[:, 0].tolist() == list(range(rows.start, rows.stop))
        taken.extend(range(rows.start, rows.stop))

    band = Band(make, take)
    for start, stop in places:
        assert band.moved(slice(start, stop))[:, 0].tolist() == list(range(start, stop))
        assert taken == list(range(start))
    band.close()
    assert made == taken == list(range(10))


def test_what_is_added_to_a_held_row_is_there_when_it_is_taken() -> None:
    taken: list[float] = []
    band = Band(lambda rows: torch.zeros(rows.stop - rows.start), lambda rows, values: taken.extend(values.tolist()))
    for start in range(4):
        held = band.moved(slice(max(0, start - 1), min(4, start + 2)))
        held += 1
    band.close()
    assert taken == [2, 3, 3, 2]
