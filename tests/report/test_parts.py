"""Template macros: what is put in is escaped, and what is missing is an error."""

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from saccade.report.parts import environment, part, table


def test_tables_escape_their_cells_and_set_a_row_apart() -> None:
    html = table(("a", "<b>"), [("x", "1"), ("y", "<2>")], strong=1)
    assert isinstance(html, Markup)
    assert '<th scope="col">&lt;b&gt;</th>' in html
    assert '<tr class="strong"><th scope="row">y</th><td>&lt;2&gt;</td></tr>' in html
    assert html.count('class="strong"') == 1


def test_tables_without_a_strong_row() -> None:
    assert "strong" not in table(("a",), [("x",)])


def test_pictures_pass_unescaped_once_they_are_markup() -> None:
    html = part("colour_bar", picture=Markup("<img alt='x'>"), ticks=["0"], label="<l>")
    assert "<img alt='x'>" in html and "&lt;l&gt;" in html


def test_a_missing_name_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        environment().from_string("{{ nothing }}").render()
