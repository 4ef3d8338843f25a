"""Distances, plateaus, grains and noise agree with plain geometry and do not depend on the pixel size."""

import numpy as np
import pytest

from saccade.datasets.simulators.thickness import (
    Frame,
    distance_to_outline,
    distance_to_spines,
    finer_grid,
    noise,
    plateau,
    splat,
)


def test_frame_is_centred_on_the_origin_of_the_cell() -> None:
    frame = Frame(size=4, mpp=0.5, x=0.25, y=-1.0)
    np.testing.assert_allclose(frame.xs[0], [-1.0, -0.5, 0.0, 0.5])
    np.testing.assert_allclose(frame.ys[:, 0], [0.25, 0.75, 1.25, 1.75])


def test_distance_to_a_circle() -> None:
    frame, outline = Frame(40, 0.25), np.full(256, 3.0, np.float32)
    distance = distance_to_outline(outline, frame.xs, frame.ys)
    np.testing.assert_allclose(distance, np.hypot(frame.xs, frame.ys) - 3, atol=1e-5)
    assert distance.dtype == np.float32


def test_outline_runs_from_right_to_down() -> None:
    outline = np.array([1, 2, 3, 4], np.float32)
    xs, ys = np.array([1, 0, -1, 0], np.float32), np.array([0, 1, 0, -1], np.float32)
    np.testing.assert_allclose(distance_to_outline(outline, 9 * xs, 9 * ys), 9 - outline, atol=1e-4)


def test_spine_of_one_point_is_a_disc_and_of_two_a_tube() -> None:
    disc, tube = np.array([[1, 2, 0.5]], np.float32), np.array([[-5, 0, 1], [5, 0, 3]], np.float32)
    at = np.array([4.0], np.float32)
    assert distance_to_spines((disc,), at, at)[0] == pytest.approx(np.hypot(3, 2) - 0.5, abs=1e-4)
    assert distance_to_spines((tube,), 0 * at, at)[0] == pytest.approx(4 - 2, abs=1e-4)


def test_union_of_spines_is_at_least_the_nearest() -> None:
    frame = Frame(30, 0.4)
    spines = tuple(np.array([[x, 0, 1.0]], np.float32) for x in (-1, 0.5, 2))
    alone = np.min([distance_to_spines((spine,), frame.xs, frame.ys) for spine in spines], axis=0)
    together = distance_to_spines(spines, frame.xs, frame.ys)
    near = alone < 3
    assert (together <= alone + 1e-4)[near].all()
    assert (together >= alone - np.log(3) / 7 - 1e-4)[near].all()


def test_plateau_is_flat_inside_and_nothing_outside() -> None:
    np.testing.assert_allclose(plateau(np.array([1.0, 0.0, -1.0, -2.0, -9.0]), 2.0), [0, 0, np.sqrt(0.75), 1, 1])


@pytest.mark.parametrize("mpp", [0.1, 0.2, 0.5])
def test_splat_keeps_the_volume_of_the_grains(mpp: float) -> None:
    grains = np.random.default_rng(0).uniform([-3, -3, 0.1], [3, 3, 0.5], (50, 3)).astype(np.float32)
    thickness = splat(grains, Frame(round(16 / mpp), mpp, 0.3, -0.2))
    assert thickness.sum() * mpp**2 == pytest.approx((4 / 3 * np.pi * grains[:, 2] ** 3).sum(), rel=1e-3)


def test_splat_puts_a_grain_where_it_is() -> None:
    frame = Frame(41, 0.2, 0.6, -0.4)
    thickness = splat(np.array([[1.0, 2.0, 0.4]], np.float32), frame)
    row, column = np.unravel_index(thickness.argmax(), thickness.shape)
    assert (frame.xs[0, column], frame.ys[row, 0]) == pytest.approx((1.0, 2.0), abs=0.11)
    assert thickness.max() == pytest.approx(2 * 0.4, rel=0.15)  # as high as the sphere


@pytest.mark.parametrize("place", [(-50, 0), (50, 50), (4.15, 0), (-4.15, 4.15)])
def test_splat_drops_what_lies_outside(place: tuple[float, float]) -> None:
    assert splat(np.array([[*place, 0.05]], np.float32), Frame(40, 0.2)).max() < 0.01
    assert splat(np.zeros((0, 3), np.float32), Frame(40, 0.2)).shape == (40, 40)


def test_noise_is_the_same_texture_at_any_pixel_size() -> None:
    coarse = noise(np.random.default_rng(3), 0.8, Frame(40, 0.4))
    fine = noise(np.random.default_rng(3), 0.8, Frame(120, 0.4 / 3))[1::3, 1::3]
    np.testing.assert_allclose(coarse, fine, atol=0.1)
    assert coarse.std() == pytest.approx(1, abs=0.25)


def test_light_is_computed_on_fine_pixels() -> None:
    for mpp, finer in ((0.1, 1), (0.2, 1), (0.4, 2), (0.5, 3)):
        fine, count = finer_grid(Frame(10, mpp, 1.0, -2.0))
        assert (count, fine.size, fine.x, fine.y) == (finer, 10 * finer, 1.0, -2.0)
        assert fine.mpp * finer == pytest.approx(mpp)
