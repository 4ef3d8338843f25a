"""The parts of a simulated cell keep the distances they promise."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.datasets.simulators.cell_shapes import (
    ANGLES,
    LOBE_GAP,
    bumpy_outline,
    direction,
    horseshoe,
    lobes_on_ring,
    scatter_granules,
    scatter_vacuoles,
    strands_between,
)
from saccade.datasets.simulators.thickness import distance_to_outline, distance_to_spines

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=40)


@few
@given(seeds, st.integers(2, 5), st.floats(3.0, 7.0))
def test_lobes_fit_and_keep_apart(seed: int, count: int, room: float) -> None:
    lobes = lobes_on_ring(np.random.default_rng(seed), count, room, size=(1.5, 2.5))
    assert len(lobes) == count
    for lobe in lobes:
        assert (np.hypot(lobe[:, 0], lobe[:, 1]) + lobe[:, 2]).max() <= room + 1e-4
    for one, two in combinations(lobes, 2):
        along = np.linspace(0, 1, 50)[:, None]
        discs = one[0] * (1 - along) + one[1] * along
        gap = distance_to_spines((two,), discs[:, 0], discs[:, 1]) - discs[:, 2]
        assert gap.min() > LOBE_GAP / 2  # the search itself compares five discs only


@few
@given(seeds)
def test_strands_join_each_lobe_to_the_next(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lobes = lobes_on_ring(rng, 4, 5.0, size=(1.2, 1.8))
    strands = strands_between(rng, lobes, thickness=(0.2, 0.5))
    for (one, two), strand in zip(pairwise(lobes), strands, strict=True):
        for lobe, end in ((one, strand[:1]), (two, strand[-1:])):
            assert distance_to_spines((lobe,), end[:, 0], end[:, 1])[0] < 0


@few
@given(seeds)
def test_outline_is_closed_around_the_centre_and_uneven(seed: int) -> None:
    outline = bumpy_outline(np.random.default_rng(seed), 6.0, roughness=0.03, bumps=2)
    assert outline.shape == ANGLES.shape
    assert 4 < outline.min() < outline.max() < 9
    assert outline.std() > 0.02


@few
@given(seeds)
def test_horseshoe_stays_inside_its_cell(seed: int) -> None:
    band = horseshoe(np.random.default_rng(seed), cell_radius=7.0)
    assert band.shape == (7, 3)
    assert (band[:, 2] > 1).all()
    assert np.hypot(band[:, 0], band[:, 1]).max() < 7


@few
@given(seeds)
def test_granules_lie_inside_and_off_the_nucleus(seed: int) -> None:
    rng = np.random.default_rng(seed)
    outline, lobes = bumpy_outline(rng, 6.0, 0.03), lobes_on_ring(rng, 2, 5.0, (1.8, 2.2))
    granules = scatter_granules(rng, outline, lobes, count=200, radius=0.3, over_nucleus=0.0)
    assert 20 < len(granules) < 200
    assert (distance_to_outline(outline, granules[:, 0], granules[:, 1]) < 0).all()
    assert (distance_to_spines(lobes, granules[:, 0], granules[:, 1]) >= 0).all()
    everywhere = scatter_granules(rng, outline, lobes, count=200, radius=0.3, over_nucleus=1.0)
    assert len(everywhere) == 200
    vacuoles = scatter_vacuoles(rng, outline, lobes, count=30)
    assert (distance_to_outline(outline, vacuoles[:, 0], vacuoles[:, 1]) < 0).all()


def test_no_granules_are_an_empty_table() -> None:
    rng = np.random.default_rng(0)
    outline, lobes = bumpy_outline(rng, 6.0, 0.03), (np.array([[0, 0, 2]], np.float32),)
    assert scatter_granules(rng, outline, lobes, count=0, radius=0.3, over_nucleus=0.5).shape == (0, 3)
    assert scatter_vacuoles(rng, outline, lobes, count=0).shape == (0, 3)


def test_direction_has_unit_length() -> None:
    assert np.linalg.norm(direction(np.random.default_rng(1))) == pytest.approx(1)
