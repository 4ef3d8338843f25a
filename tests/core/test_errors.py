"""Errors are one line, whatever they are made of, and survive the way between processes."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput, Problem, SaccadeError, raise_first


@given(st.text(), st.text(), st.text())
def test_one_line(message: str, remedy: str, source: str) -> None:
    assert len(str(SaccadeError(message, remedy, source)).splitlines()) <= 1


def test_parts_in_order() -> None:
    error = BadInput("the file is empty.", "copy it again", "a.png")
    assert str(error) == "a.png: the file is empty. Copy it again"
    assert str(BadInput("no images")) == "no images"


def test_pickle() -> None:
    error = pickle.loads(pickle.dumps(BadInput("bad", "mend it", "a.png")))
    assert (type(error), error.message, error.remedy, error.source) == (BadInput, "bad", "mend it", "a.png")


def test_raise_first_counts_the_others() -> None:
    raise_first((Problem("odd", severity="note"),))
    problems = (Problem("odd", severity="note"), Problem("bad", "mend it", "row 2"), Problem("worse"))
    with pytest.raises(BadInput, match=r"^row 2: bad \(and 1 more, listed by `saccade check`\)\. Mend it$"):
        raise_first(problems)
    assert Problem.of(BadInput("bad", "mend it", "row 2")) == problems[1]
