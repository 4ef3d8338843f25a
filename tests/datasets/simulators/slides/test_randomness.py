"""Numbers tied to places: uniform, unrelated between neighbours, seeds and salts, the same for every window."""

import numpy as np
import pytest

from saccade.datasets.simulators.slides.randomness import scatter, smooth_noise, uniforms


def test_uniforms() -> None:
    columns, rows = np.meshgrid(np.arange(-150, 150), np.arange(-150, 150))
    first = uniforms(3, 1, columns, rows)
    assert first.min() >= 0 and first.max() < 1
    counts = np.histogram(first, 20, (0, 1))[0]
    assert ((counts - 4500) ** 2 / 4500).sum() < 45  # χ² of 19 degrees of freedom, p < 0.001
    others = (uniforms(4, 1, columns, rows), uniforms(3, 2, columns, rows), uniforms(3, 1, columns + 1, rows),
              uniforms(3, 1, columns, rows + 1), uniforms(3, 1, rows, columns))  # fmt: skip
    for other in others:
        off = columns != rows  # transposed, the diagonal is the same
        assert abs(np.corrcoef(first[off], other[off])[0, 1]) < 0.02


def test_noise_is_one_function_of_the_place() -> None:
    xs, ys = np.arange(0, 900, 3.0), np.arange(-200, 300, 3.0)
    whole = smooth_noise(0, 5, 50.0, xs, ys)
    np.testing.assert_allclose(smooth_noise(0, 5, 50.0, xs[40:90], ys[7:20]), whole[7:20, 40:90], atol=1e-5)
    assert 0.7 < smooth_noise(0, 5, 50.0, np.arange(0, 2e4, 50.0), np.arange(0, 2e4, 50.0)).std() < 1.4
    assert np.abs(np.diff(whole, axis=1)).max() < 0.4  # smooth


@pytest.mark.parametrize("jitter", [0.0, 0.8, 1.0])
def test_overlapping_windows_hold_the_same_points(jitter: float) -> None:
    def inside(window: tuple[float, float, float, float]) -> list[tuple[float, ...]]:
        points = scatter(1, 2, 7.0, window, jitter)
        rows = zip(points.x.tolist(), points.y.tolist(), points.chance.tolist(), points.choice.tolist(), strict=True)
        return [row for row in rows if 40 <= row[0] < 90 and 30 <= row[1] < 70]

    whole, part = inside((-100, -100, 300, 300)), inside((40, 30, 90, 70))
    assert whole == part and len(whole) == pytest.approx(50 * 40 / 49, rel=0.2)
