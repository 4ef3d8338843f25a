"""Simulated cells are repeatable, nested, to scale, and the same cell under three instruments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.datasets.simulators import KINDS, SimulatedCell, simulate_cell, simulate_modalities
from saccade.imaging.events import bin_events

FIELD = 25.6


def simulate(kind: str, seed: int, size: int = 64) -> SimulatedCell:
    return simulate_cell(kind, np.random.default_rng(seed), size=size, mpp=FIELD / size)


@settings(max_examples=40)
@given(st.sampled_from(KINDS), st.integers(0, 2**32 - 1), st.integers(32, 128))
def test_any_seed_and_size_gives_a_picture_with_nested_masks(kind: str, seed: int, size: int) -> None:
    cell = simulate(kind, seed, size)
    assert cell.image.shape == (size, size, 3)
    assert cell.image.dtype == np.uint8
    assert cell.image.std() > 5
    assert cell.nucleus.shape == cell.cell.shape == (size, size)
    assert cell.nucleus.dtype == cell.cell.dtype == np.bool_
    assert cell.nucleus.any()
    assert (cell.cell & ~cell.nucleus).any()
    assert not (cell.nucleus & ~cell.cell).any()
    assert cell.kind == cell.description.kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_cell(kind: str) -> None:
    one, two, other = simulate(kind, 3), simulate(kind, 3), simulate(kind, 4)
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.nucleus, two.nucleus)
    assert (one.image != other.image).any()


@pytest.mark.parametrize("kind", KINDS)
def test_area_in_micrometres_does_not_depend_on_resolution(kind: str) -> None:
    for seed in range(3):
        areas = [
            (cell.nucleus.sum() * mpp**2, cell.cell.sum() * mpp**2)
            for mpp in (0.1, 0.2, 0.4)
            for cell in [simulate_cell(kind, np.random.default_rng(seed), size=round(FIELD / mpp), mpp=mpp)]
        ]
        np.testing.assert_allclose(areas, np.broadcast_to(areas[0], (3, 2)), rtol=0.04)


@pytest.mark.parametrize("kind", KINDS)
def test_nucleus_is_darker_than_cytoplasm(kind: str) -> None:
    for seed in range(12):
        cell = simulate(kind, seed)
        grey = cell.image.mean(axis=-1)
        assert grey[cell.nucleus].mean() < grey[cell.cell & ~cell.nucleus].mean() < grey[~cell.cell].mean()


def test_unknown_kind() -> None:
    with pytest.raises(BadInput, match="blast"):
        simulate_cell("blast", np.random.default_rng(0))


@pytest.mark.parametrize(("size", "mpp"), [(0, 0.2), (64, 0.0), (64, -1.0)])
def test_nonsense_size(size: int, mpp: float) -> None:
    with pytest.raises(BadInput, match="positive"):
        simulate_cell("monocyte", np.random.default_rng(0), size=size, mpp=mpp)


@pytest.mark.parametrize("kind", KINDS)
def test_one_cell_three_ways(kind: str) -> None:
    one, same = simulate(kind, 3), simulate_modalities(kind, np.random.default_rng(3), 64, FIELD / 64)
    np.testing.assert_array_equal(same.brightfield.image, one.image)
    np.testing.assert_array_equal(same.brightfield.nucleus, one.nucleus)
    assert same.opd.shape == same.opd_clean.shape == (64, 64, 1)
    assert same.opd.dtype == np.float32
    cell = one.cell
    assert same.opd[cell].mean() > 25 > 8 > np.abs(same.opd[~cell]).mean()
    counts = bin_events(same.events).sum(2)
    assert counts[same.passed].sum() > 0.75 * counts.sum()
    assert same.passed[cell].all()
    assert same.passed.sum() < 1.35 * cell.sum()


def test_three_ways_are_repeatable() -> None:
    one, two = (simulate_modalities("monocyte", np.random.default_rng(5), 48, 0.5) for _ in range(2))
    np.testing.assert_array_equal(one.opd, two.opd)
    np.testing.assert_array_equal(bin_events(one.events), bin_events(two.events))
