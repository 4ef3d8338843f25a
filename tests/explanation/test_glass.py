"""Glass is the light around, without what lies on it."""

import numpy as np

from saccade.explanation.glass import LocalGlass


def test_dark_things_leave_no_trace() -> None:
    dice = np.random.default_rng(0)
    light = np.linspace(200, 240, 300)[None, :, None] - np.array([0, 10, 5])
    field = np.repeat(light, 200, axis=0)
    dark = field.copy()
    for x, y in dice.integers(0, (280, 180), (30, 2)):
        dark[y : y + 20, x : x + 20] = 60
    glass = LocalGlass(tile=50)(dark.astype(np.uint8))
    assert glass.shape == field.shape and glass.dtype == np.uint8
    assert np.abs(glass - field).max() < 14
    assert np.corrcoef(glass[100, :, 0], field[100, :, 0])[0, 1] > 0.9


def test_any_size_and_channels() -> None:
    for shape, dtype in (((5, 7, 1), np.uint8), ((30, 20, 6), np.uint16), ((40, 40, 3), np.float32)):
        field = np.full(shape, 100, dtype)
        assert (LocalGlass()(field) == field).all()
