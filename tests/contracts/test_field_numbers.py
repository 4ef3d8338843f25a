"""Every number that a registered model of fields takes has its bounds; an option joins by being there."""

import math
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from saccade.core.errors import BadInput
from saccade.models import MODELS, create_model, options_of


def types_in(annotation: Any) -> set[Any]:
    """All types an annotation is made of."""
    return {annotation, get_origin(annotation)}.union(*map(types_in, get_args(annotation)))


def numbers_of(name: str) -> list[tuple[str, set[Any]]]:
    """Numeric options of a model, and what each is made of."""
    hints = get_type_hints(MODELS[name].load(), include_extras=True)
    made_of = ((option, types_in(hints[option])) for option in options_of(name))
    return [(option, types) for option, types in made_of if types & {int, float}]


NUMBERS = [(name, option, types) for name in MODELS.names("field") for option, types in numbers_of(name)]


def refusal(name: str, option: str, value: Any) -> str:
    """What is said of a value; nothing where it is taken."""
    try:
        create_model(name, ("a", "b"), **{option: value})
    except BadInput as error:
        return str(error)
    return ""


@pytest.mark.parametrize(("name", "option", "types"), NUMBERS, ids=[f"{name} {option}" for name, option, _ in NUMBERS])
def test_a_number_out_of_range_is_refused_in_one_line(name: str, option: str, types: set[Any]) -> None:
    """Zero or, where that is a sensible value, minus one; and what is no number."""
    for value in (-1, math.nan, math.inf):
        said = refusal(name, option, (value,) if tuple in types else value)
        assert option in said and "\n" not in said
    if float not in types:
        said = refusal(name, option, (0,) if tuple in types else 0)
        assert "\n" not in said
        assert option in said or option == "seed"


@pytest.mark.parametrize("name", [name for name in MODELS.names("field") if "temperature" in options_of(name)])
def test_a_temperature_of_zero_tells_nothing_apart(name: str) -> None:
    assert "temperature" in refusal(name, "temperature", 0)
