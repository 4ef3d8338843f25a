"""Thickness maps of a simulated cell add up, nest, and describe the same body at any pixel size."""

from dataclasses import replace

import numpy as np
import pytest

from saccade.datasets.simulators.cell_description import CellDescription, Chromatin, layers
from saccade.datasets.simulators.cell_kinds import KINDS, describe_cell
from saccade.datasets.simulators.thickness import Frame

FRAME = Frame(128, 0.2)


def plain_cell() -> CellDescription:
    """A round cell of 5 µm with a round nucleus of 2 µm and nothing else."""
    return CellDescription(
        kind="lymphocyte",
        outline=np.full(64, 5.0, np.float32),
        height=2.0,
        lobes=(np.array([[1.0, -0.5, 2.0]], np.float32),),
        strands=(),
        nucleus_height=1.5,
        chromatin=Chromatin(grain=0.5, contrast=0.0, lace=0.0),
        granules=np.zeros((0, 3), np.float32),
        texture=0,
    )


def test_plain_cell_has_the_areas_and_heights_it_says() -> None:
    parts, pixel = layers(plain_cell(), FRAME), FRAME.mpp**2
    assert parts.cell_inside.sum() * pixel == pytest.approx(np.pi * 25, rel=0.03)
    assert parts.nucleus_inside.sum() * pixel == pytest.approx(np.pi * 4, rel=0.06)
    assert parts.cell.max() == pytest.approx(2.0)
    assert parts.nucleus.max() == pytest.approx(1.5)
    assert (parts.density == 1).all()
    rows, columns = np.nonzero(parts.nucleus_inside > 0.5)
    centre = FRAME.xs[0, columns].mean(), FRAME.ys[rows, 0].mean()
    assert centre == pytest.approx((1.0, -0.5), abs=0.2)  # the outline is rough by 0.1 µm


def test_vacuole_is_a_hole_in_the_cytoplasm_alone() -> None:
    hollow = layers(replace(plain_cell(), vacuoles=np.array([[-3, 0, 0.6]], np.float32)), FRAME)
    whole = layers(plain_cell(), FRAME)
    hole = np.hypot(FRAME.xs + 3, FRAME.ys) < 0.4
    assert (hollow.cytoplasm[hole] == 0).all()
    np.testing.assert_array_equal(hollow.cell, whole.cell)


@pytest.mark.parametrize("kind", KINDS)
def test_parts_nest_and_add_up(kind: str) -> None:
    for seed in range(5):
        parts = layers(describe_cell(kind, np.random.default_rng(seed)), FRAME)
        for layer in vars(parts).values():
            assert layer.shape == (128, 128)
            assert layer.dtype == np.float32
            assert np.isfinite(layer).all()
        assert (parts.nucleus_inside <= parts.cell_inside + 1e-6).all()
        assert (parts.nucleus <= parts.cell + 1e-6).all()
        assert (parts.cytoplasm + parts.nucleus <= parts.cell + 1e-6).all()
        assert min(parts.cytoplasm.min(), parts.granules.min(), parts.density.min()) >= 0


@pytest.mark.parametrize("kind", KINDS)
def test_volume_does_not_depend_on_the_pixel_size(kind: str) -> None:
    description = describe_cell(kind, np.random.default_rng(11))
    coarse, fine = (layers(description, Frame(round(25.6 / mpp), mpp)) for mpp in (0.2, 0.1))
    for part in ("cell", "nucleus", "cytoplasm", "cell_inside", "nucleus_inside"):
        assert getattr(coarse, part).sum() * 0.04 == pytest.approx(getattr(fine, part).sum() * 0.01, rel=0.02)
