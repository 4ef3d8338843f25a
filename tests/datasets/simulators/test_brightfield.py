"""Simulated light obeys Beer and Lambert, and donors differ."""

from dataclasses import replace

import numpy as np
import pytest

from saccade.datasets.simulators.brightfield import DYES, UPTAKE, Smear, draw_smear, photograph
from saccade.datasets.simulators.cell_kinds import KINDS, describe_cell
from saccade.datasets.simulators.smear import Surroundings
from saccade.datasets.simulators.thickness import Frame

EMPTY = Surroundings((), np.zeros((0, 3), np.float32))
FRAME = Frame(64, 0.2)


def plain_smear(strength: float = 1.0) -> Smear:
    """A smear without noise, vignetting or tint of the lamp."""
    return replace(
        draw_smear(np.random.default_rng(0)),
        dyes=(DYES * strength).astype(np.float32),
        lamp=np.full(3, 200, np.float32),
        vignette=0.0,
        noise=0.0,
    )


def photographed(kind: str, smear: Smear) -> np.ndarray:
    description = describe_cell(kind, np.random.default_rng(1))
    return photograph(description, EMPTY, smear, FRAME, np.random.default_rng(2))[0]


def test_without_stain_only_refraction_is_left() -> None:
    image = photographed("neutrophil", plain_smear(strength=0.0))
    assert np.ptp(image, axis=-1).max() == 0  # grey: no dye, no colour
    assert 160 <= image.min() <= image.max() <= 240


def test_more_stain_is_darker() -> None:
    means = [photographed("monocyte", plain_smear(strength)).mean() for strength in (0.0, 0.5, 1.0, 1.5)]
    assert means == sorted(means, reverse=True)


def test_glass_has_the_colour_of_the_lamp() -> None:
    smear = replace(plain_smear(), lamp=np.array([250, 220, 190], np.float32))
    description = describe_cell("lymphocyte", np.random.default_rng(1))
    image = photograph(description, EMPTY, smear, Frame(128, 0.2), np.random.default_rng(2))[0]
    np.testing.assert_array_equal(image[:8, :8], np.broadcast_to([250, 220, 190], (8, 8, 3)))


def test_vignetting_darkens_the_corners() -> None:
    smear = replace(plain_smear(), vignette=0.2)
    description = describe_cell("lymphocyte", np.random.default_rng(1))
    image = photograph(description, EMPTY, smear, Frame(128, 0.2), np.random.default_rng(2))[0]
    assert image[0, 0, 0] == pytest.approx(200 * 0.8, abs=2)
    assert image[64, 2, 0] == pytest.approx(200 * 0.9, abs=2)


def test_layers_come_back_on_the_grid_of_the_image() -> None:
    description = describe_cell("basophil", np.random.default_rng(1))
    for frame in (Frame(48, 0.2), Frame(48, 0.5), Frame(33, 0.33)):
        image, parts = photograph(description, EMPTY, plain_smear(), frame, np.random.default_rng(2))
        assert image.shape == (*parts.cell.shape, 3) == (frame.size, frame.size, 3)


def test_every_kind_has_uptakes_and_donors_differ() -> None:
    assert set(UPTAKE) == set(KINDS)
    one, two = (draw_smear(np.random.default_rng(seed)) for seed in (0, 1))
    assert not np.allclose(one.dyes, two.dyes)
    assert (one.lamp <= 255).all()
    assert one.blur[0] < one.blur[1]
