"""The vectorised sensor gives the events of a plain loop over pixels, and obeys its own rules."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.datasets.simulators.cell_kinds import KINDS, describe_cell
from saccade.datasets.simulators.event_camera import (
    EventCamera,
    film_cell,
    moved,
    passed_over,
    record_events,
    unstained_light,
)
from saccade.datasets.simulators.thickness import Frame, finer_grid
from saccade.imaging.events import bin_events

FRAME = Frame(48, 0.4)
QUIET = EventCamera().quiet
DICE = np.random.default_rng(0)


def events_of_a_pixel(lights: list[float], step: float, threshold: float) -> list[tuple[float, int]]:
    """Time and polarity, by walking along the line from each moment to the next."""
    level, found = lights[0], []
    for number, (before, after) in enumerate(pairwise(lights)):
        while abs(after - level) >= threshold:
            level += threshold if after > level else -threshold
            found.append(((number + (level - before) / (after - before)) * step, int(after > before)))
    return found


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
def test_events_are_those_of_a_loop(seed: int, count: int) -> None:
    dice = np.random.default_rng(seed)
    lights = list(dice.normal(0, 0.3, (count, 3, 4)))
    events = record_events(lights, 1000.0, QUIET, dice)
    for y in range(3):
        for x in range(4):
            here = (events.x == x) & (events.y == y)
            expected = events_of_a_pixel([light[y, x] for light in lights], 1000 / (count - 1), QUIET.threshold)
            assert events.p[here].tolist() == [p for _, p in expected]
            np.testing.assert_allclose(events.t[here], [t for t, _ in expected], atol=1.001)


def test_the_count_is_the_change_over_the_threshold() -> None:
    ramp = [np.zeros((1, 2)), np.array([[1.0, -0.55]])]
    counts = bin_events(record_events(ramp, 100, EventCamera(0.1, 0, 0), DICE))
    assert counts.tolist() == [[[0, 10], [5, 0]]] or counts.tolist() == [[[0, 9], [5, 0]]]  # 10 × 0.1 is rounded


@pytest.mark.parametrize("kind", KINDS)
def test_without_motion_nothing_happens(kind: str) -> None:
    description = describe_cell(kind, np.random.default_rng(1))
    assert len(film_cell(description, FRAME, DICE, QUIET, path=0.0)) == 0
    assert len(film_cell(description, FRAME, DICE, QUIET)) > 200


@pytest.mark.parametrize("kind", KINDS)
def test_backwards_darker_is_brighter(kind: str) -> None:
    """Where light only rises or only falls on the way, its change is as many thresholds either way."""
    description = describe_cell(kind, np.random.default_rng(1))
    there, back = (
        bin_events(film_cell(description, FRAME, np.random.default_rng(3), QUIET, path)) for path in (1.0, -1.0)
    )
    fine, finer = finer_grid(FRAME)
    rng = np.random.default_rng(3)
    steps = np.diff(moved(unstained_light(description, fine, rng.uniform(2.0, 4.0)), 1.0 / fine.mpp, finer), axis=0)
    one_way = (steps >= 0).all(0) | (steps <= 0).all(0)
    assert one_way.mean() > 0.4
    np.testing.assert_array_equal(there[one_way], back[one_way][:, ::-1])
    for one, two in ((there[..., 0], back[..., 1]), (there[..., 1], back[..., 0])):
        assert one.sum() == pytest.approx(two.sum(), rel=0.2)  # where light turns, what is left over differs


def test_the_leading_edge_and_the_trailing_edge_differ() -> None:
    """What is bright ahead of the cell brightens there and darkens behind."""
    description = describe_cell("lymphocyte", np.random.default_rng(1))
    counts = bin_events(film_cell(description, FRAME, DICE))
    signed = (counts[..., 1] - counts[..., 0]).sum(0)
    assert signed[:24].sum() * signed[24:].sum() < 0


def test_both_polarities_and_time_in_order() -> None:
    events = film_cell(describe_cell("neutrophil", DICE), FRAME, DICE)
    assert set(events.p.tolist()) == {0, 1}
    assert (np.diff(events.t) >= 0).all()
    assert events.t[0] >= 0 and events.t[-1] <= 750  # 1.5 µm at 2 µm per millisecond


def test_background_alone() -> None:
    still = [np.zeros((100, 100))] * 2
    events = record_events(still, 1e6, EventCamera(background=5.0), DICE)
    assert len(events) == pytest.approx(50_000, rel=0.05)
    assert events.p.mean() == pytest.approx(0.5, abs=0.02)


def test_a_picture_moves_by_whole_and_by_half_pixels() -> None:
    light = DICE.uniform(0.2, 1, (4, 9))
    whole = [np.exp(moment) for moment in moved(light, 2.0)]
    np.testing.assert_allclose(whole[len(whole) // 2], light)
    np.testing.assert_allclose(whole[-1][:, 1:], light[:, :-1])
    np.testing.assert_allclose(whole[0][:, :-1], light[:, 1:])
    half = np.exp(moved(light, 1.0)[-1])
    np.testing.assert_allclose(half[:, 1:], (light[:, 1:] + light[:, :-1]) / 2)
    coarse = np.exp(moved(DICE.uniform(0.2, 1, (4, 8)), 0.0, finer=2)[0])
    assert coarse.shape == (2, 4)


def test_where_a_cell_was() -> None:
    cell = np.zeros((5, 9), bool)
    cell[2, 4] = True
    passed = passed_over(cell, mpp=0.5, path=2.0)
    assert np.argwhere(passed).tolist() == [[2, column] for column in (2, 3, 4, 5, 6)]
