"""Light and glass: what is known of a made picture is found again."""

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.datasets.composers.light import as_picture, density, glass_colour


def test_density_undoes_absorption() -> None:
    glass = np.array([250, 220, 200], np.float32)
    absorbed = np.random.default_rng(0).uniform(0, 1, (20, 20, 3))
    picture = np.rint(glass * np.exp(-absorbed)).astype(np.uint8)
    np.testing.assert_allclose(density(picture, glass), absorbed, atol=0.01)


def test_glass_is_the_brightest_colour_whatever_lies_on_it() -> None:
    picture = np.full((60, 60, 3), (240, 225, 200), np.uint8)
    picture[:50] = (150, 120, 130)
    assert glass_colour(picture).tolist() == [240, 225, 200]
    assert (glass_colour(np.zeros((4, 4, 3), np.uint8)) == 1).all()  # no light at all: nothing to divide by


def test_kinds_of_images() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    assert (as_picture(grey) == grey).all() and as_picture(grey).shape == (3, 4, 3)
    for image in (grey.astype(np.uint16), np.zeros((3, 4, 2), np.uint8), np.zeros((3, 4, 5), np.uint8)):
        with pytest.raises(BadInput, match=r"a\.tif: has . channel.*8-bit"):
            as_picture(image, "a.tif")
