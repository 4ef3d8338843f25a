"""Bounds of options."""

import pytest
from pydantic import TypeAdapter, ValidationError

from saccade.models.parts.numbers import Count, CountOrZero, Share, Strength


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Count, [1, 7], [0, -1, 1.5]),
        (CountOrZero, [0, 7], [-1]),
        (Share, [0, 0.5], [1.0, -0.1]),
        (Strength, [0.0, 3.0], [-0.1, float("inf"), float("nan")]),
    ],
)
def test_what_is_taken_and_what_is_not(kind: object, good: list[float], bad: list[float]) -> None:
    adapter = TypeAdapter(kind)
    assert [adapter.validate_python(value) for value in good] == good
    for value in bad:
        with pytest.raises(ValidationError):
            adapter.validate_python(value)
