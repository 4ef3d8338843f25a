"""The stages of a look: when they are left, what they teach, and that a resumed training goes on in the right one."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saccade.training.curriculum import CurriculumRule, CurriculumState
from saccade.training.recipe_sections import Curriculum

GUESSING = math.log(4)


def stages(rule: CurriculumRule, losses: list[float]) -> list[str]:
    """The stage of each epoch, and of the one that would follow."""
    states = [rule.initial()]
    for loss in losses:
        states.append(rule.after(states[-1], {"warm_up": loss, "cross_entropy": loss}))
    return [state.stage for state in states]


def test_by_hand() -> None:
    rule = CurriculumRule(classes=4, warm_up=2, reading=1, gate=0.8)
    taught, guessing = 0.79 * GUESSING, 0.81 * GUESSING
    assert stages(rule, [taught, guessing, taught, guessing, taught, guessing]) == [
        "warm-up",  # its two epochs, whatever the loss
        "warm-up",
        "warm-up",  # a third: the gate was not reached
        "reading",
        "reading",  # the reader has earned nothing yet
        "joint",
        "joint",
    ]


def test_a_warm_up_that_fails_ends_and_a_reader_that_fails_keeps_the_look() -> None:
    rule = CurriculumRule(classes=4, warm_up=2, reading=1)
    assert stages(rule, [GUESSING] * 40) == ["warm-up"] * 6 + ["reading"] * 35


@pytest.mark.parametrize(
    ("warm_up", "reading", "expected"),
    [(0, 0, ["joint"] * 3), (0, 1, ["reading", "joint", "joint"]), (1, 0, ["warm-up", "joint", "joint"])],
)
def test_stages_of_no_epochs_are_left_out(warm_up: int, reading: int, expected: list[str]) -> None:
    assert stages(CurriculumRule(4, warm_up, reading), [0.1, 0.1]) == expected


@given(st.lists(st.floats(0, 3), max_size=30), st.integers(0, 3), st.integers(0, 3))
def test_no_stage_comes_back(losses: list[float], warm_up: int, reading: int) -> None:
    order = ["warm-up", "reading", "joint"]
    found = [order.index(stage) for stage in stages(CurriculumRule(3, warm_up, reading), losses)]
    assert found == sorted(found)


def test_the_recipe_has_the_rule_s_defaults() -> None:
    assert CurriculumRule(3, **Curriculum().model_dump()) == CurriculumRule(3)


def test_a_loss_that_is_not_a_number_never_opens_a_gate() -> None:
    rule = CurriculumRule(classes=4)
    state = rule.after(CurriculumState("reading", 9), {"cross_entropy": math.nan})
    assert state == CurriculumState("reading", 10)
