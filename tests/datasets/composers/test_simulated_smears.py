"""Simulated smears: red cells of their true size, nothing as dark as a nucleus, the same at any resolution."""

import numpy as np
import pytest

from saccade.datasets.composers.simulated_smears import MPP, simulate_smear
from saccade.datasets.composers.smears import prepare_smear


def test_red_cells_are_seven_and_a_half_micrometres_across() -> None:
    sizes = []
    for seed in range(4):
        smear = prepare_smear(simulate_smear(np.random.default_rng(seed), 400), np.random.default_rng(0))
        sizes.append(smear.red_cell * MPP)
    assert np.median(sizes) == pytest.approx(7.5, rel=0.15)


def test_no_white_cells() -> None:
    picture = simulate_smear(np.random.default_rng(0), 300)
    smear = prepare_smear(picture, np.random.default_rng(0))
    dark = (picture < 0.35 * smear.glass).any(2)
    assert picture.shape == (300, 300, 3) and picture.dtype == np.uint8
    assert dark.mean() < 0.02  # platelets at most


def test_seed() -> None:
    one, two, again = (simulate_smear(np.random.default_rng(seed), 64) for seed in (1, 2, 1))
    assert (one == again).all() and (one != two).any()
