"""The optical path difference is Δn times thickness, to the nanometre."""

from dataclasses import replace

import numpy as np
import pytest

from saccade.datasets.simulators.cell_description import CellDescription, Chromatin, layers
from saccade.datasets.simulators.cell_kinds import KINDS, describe_cell
from saccade.datasets.simulators.phase import CYTOPLASM, GRANULES, NUCLEUS, optical_path, photograph_phase
from saccade.datasets.simulators.thickness import Frame

FRAME = Frame(128, 0.2)
PLAIN = CellDescription(
    kind="lymphocyte",
    outline=np.full(64, 6.0, np.float32),
    height=2.0,
    lobes=(np.array([[2.0, 0.0, 2.0]], np.float32),),
    strands=(),
    nucleus_height=1.5,
    chromatin=Chromatin(grain=0.5, contrast=0.0, lace=0.0),
    granules=np.zeros((0, 3), np.float32),
    texture=0,
)


def test_plateaus_have_the_analytic_value() -> None:
    """2 µm of cytoplasm, and 1.5 µm of nucleus under 0.5 µm of cytoplasm."""
    path = optical_path(layers(PLAIN, FRAME))
    cytoplasm, nucleus = path[64, 64 - 15], path[64, 64 + 10]
    assert cytoplasm == pytest.approx(1000 * CYTOPLASM * 2.0, abs=0.01)
    assert nucleus == pytest.approx(1000 * (NUCLEUS * 1.5 + CYTOPLASM * 0.5), abs=0.01)
    assert path[2, 2] == 0


def test_indices_are_per_part() -> None:
    grainy = replace(PLAIN, granules=np.array([[-3.0, 0.0, 0.4]], np.float32))
    parts = layers(grainy, FRAME)
    only = optical_path(parts, np.array([0.0, 0.0, GRANULES]))
    np.testing.assert_allclose(only, 1000 * GRANULES * parts.granules, rtol=1e-5)
    # a sphere of volume V adds Δn V to the sum over the area, but for what packing squeezes
    volume = 4 / 3 * np.pi * 0.4**3
    assert only.sum() * FRAME.mpp**2 == pytest.approx(1000 * GRANULES * volume, rel=0.25)


@pytest.mark.parametrize("kind", KINDS)
def test_the_instrument_adds_little_and_nothing_of_the_cell(kind: str) -> None:
    description = describe_cell(kind, np.random.default_rng(1))
    opd, clean = photograph_phase(description, FRAME, np.random.default_rng(2))
    assert opd.shape == clean.shape == (128, 128, 1)
    assert opd.dtype == clean.dtype == np.float32
    assert 0.3 < (opd - clean).std() < 8
    assert 30 < np.percentile(clean, 99) < 200  # flat cells: tens of nanometres
    other = photograph_phase(describe_cell("monocyte", np.random.default_rng(7)), FRAME, np.random.default_rng(2))
    np.testing.assert_allclose(other[0] - other[1], opd - clean, atol=1e-4)


def test_coarser_pixels_see_the_same_cell() -> None:
    description = describe_cell("eosinophil", np.random.default_rng(1))
    sums = [
        photograph_phase(description, Frame(size, 25.6 / size), np.random.default_rng(2))[1].mean()
        for size in (32, 64, 128)
    ]
    np.testing.assert_allclose(sums, sums[0], rtol=0.02)
