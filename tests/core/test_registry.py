"""The registry: lazy, ordered, helpful."""

from dataclasses import replace

import pytest

from saccade.core.errors import BadInput
from saccade.core.registry import Entry, Registry


def entry(name: str, target: str = "math:pi", scale: str = "cell") -> Entry:
    return Entry(name, target, scale=scale, role="peer", summary="", paper="")  # type: ignore[arg-type]


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    things = Registry("thing")
    things.add(entry("ghost", "no_such_module:anything"))
    assert things.names() == ("ghost",)
    with pytest.raises(ModuleNotFoundError):
        things["ghost"].load()


def test_names_keep_their_order_and_filter_by_scale() -> None:
    things = Registry("thing")
    for name, scale in (("b", "cell"), ("a", "slide")):
        things.add(entry(name, scale=scale))
    assert things.names() == ("b", "a")
    assert things.names("slide") == ("a",)


def test_names_filter_by_task() -> None:
    things = Registry("thing")
    things.add(entry("a"))
    things.add(replace(entry("b", scale="slide"), task="survival"))
    assert things.names(task="classification") == ("a",)
    assert things.names("slide", "survival") == ("b",)
    assert things.names("cell", "survival") == ()


def test_a_typo_is_answered_with_the_nearest_name() -> None:
    things = Registry("thing")
    things.add(entry("tiny-cnn"))
    with pytest.raises(BadInput, match="did you mean tiny-cnn|Did you mean tiny-cnn"):
        things["tiny-cn"]


def test_a_name_is_taken_once() -> None:
    things = Registry("thing")
    things.add(entry("a"))
    with pytest.raises(ValueError, match="twice"):
        things.add(entry("a"))
