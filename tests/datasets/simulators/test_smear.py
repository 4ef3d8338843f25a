"""Simulated red cells and platelets: room for the white cell, and the profile of a real red cell."""

import numpy as np
import pytest

from saccade.datasets.simulators.smear import (
    RedCell,
    Surroundings,
    describe_surroundings,
    thickness_of_platelets,
    thickness_of_red_cells,
)
from saccade.datasets.simulators.thickness import Frame

DISC = RedCell(x=0.0, y=0.0, radius=3.91, aspect=1.0, turn=0.0, pallor=1.0, waves=2, ripple=0.0, phase=0.0)


def draw(seed: int, crowding: float = 4.0) -> Surroundings:
    rng = np.random.default_rng(seed)
    return describe_surroundings(rng, field=25.6, keep_clear=7.0, crowding=crowding, pallor=0.8)


def test_red_cell_is_biconcave() -> None:
    frame = Frame(101, 0.1)
    thickness = thickness_of_red_cells((DISC,), frame)
    assert thickness[50, 50] == pytest.approx(0.81, abs=0.01)
    assert thickness.max() == pytest.approx(2.52, abs=0.1)  # the rim, as measured by Evans and Fung
    assert thickness.sum() * 0.01 == pytest.approx(94, rel=0.03)  # µm³, the published volume
    assert thickness[50, 5] == 0  # 4.5 µm from the centre


def test_overlap_is_thicker_than_either_but_less_than_both() -> None:
    frame = Frame(101, 0.1)
    other = RedCell(**{**vars(DISC), "x": 2.0})
    one, two, both = (thickness_of_red_cells(cells, frame) for cells in ((DISC,), (other,), (DISC, other)))
    overlap = (one > 0.1) & (two > 0.1)
    assert (both > np.maximum(one, two))[overlap].all()
    assert (both < one + two)[overlap].all()


def test_white_cell_has_room() -> None:
    for seed in range(20):
        around = draw(seed)
        assert all(np.hypot(cell.x, cell.y) > 7 for cell in around.red_cells)
        if len(around.platelets):
            assert np.hypot(around.platelets[:, 0], around.platelets[:, 1]).min() > 6.4


def test_crowding_adds_red_cells() -> None:
    def mean_count(crowding: float) -> float:
        return float(np.mean([len(draw(seed, crowding).red_cells) for seed in range(20)]))

    assert 0 == mean_count(0.0) < mean_count(1.5) < mean_count(7.0)


def test_cells_outside_the_frame_cost_nothing_and_do_no_harm() -> None:
    away = RedCell(**{**vars(DISC), "x": 100.0, "y": -100.0})
    assert (thickness_of_red_cells((away,), Frame(32, 0.2)) == 0).all()
    assert thickness_of_platelets(draw(0), Frame(32, 0.2)).shape == (32, 32)
