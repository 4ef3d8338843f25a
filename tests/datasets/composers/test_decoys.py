"""Decoys: in the shape of a cell, with nothing but red cells inside."""

import numpy as np
import pytest

from saccade.datasets.composers.decoys import cut_decoy
from saccade.datasets.composers.smears import prepare_smear
from tests.datasets.composers.test_smears import RED, draw

ANGLES = np.linspace(0, 2 * np.pi, 36, endpoint=False)
ROUND = (np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1) * 20 + 50).astype(np.float32)


def test_same_outline_and_size_wanted() -> None:
    smear = prepare_smear(draw(), np.random.default_rng(0))
    decoy = cut_decoy(smear, ROUND, 60.0, np.random.default_rng(0))
    assert decoy.across == pytest.approx(60, abs=0.1)
    moved = (decoy.outline - decoy.outline.mean(0)) / 1.5
    np.testing.assert_allclose(moved, ROUND - ROUND.mean(0), atol=0.1)


def test_holds_a_red_cell_and_glass_at_its_rim() -> None:
    smear = prepare_smear(draw(step=70), np.random.default_rng(0))
    for seed in range(5):
        decoy = cut_decoy(smear, ROUND, 50.0, np.random.default_rng(seed))
        x, y = decoy.outline.astype(int).T
        rim = decoy.transmittance[y, x]
        assert np.mean(np.abs(rim - 1).max(1) < 0.1) > 0.9
        absorbs = np.array(RED) / smear.glass
        assert (np.abs(decoy.transmittance - absorbs).max(2) < 0.1).sum() > 300


def test_smear_smaller_than_the_cell() -> None:
    smear = prepare_smear(draw((40, 60)), np.random.default_rng(0))
    assert cut_decoy(smear, ROUND, 90.0, np.random.default_rng(0)).across <= 40
