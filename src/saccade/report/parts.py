"""Pieces of the page: a section, and the template macros that make tables, captions and galleries."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


@dataclass(frozen=True)
class Section:
    """One part of the page.

    Attributes:
        key: Its anchor in the page.
        title: What it is.
        finding: What was found, in a sentence; may be empty.
        lead: What to look for.
        limits: What it does not show.
        html: Pictures and tables.
    """

    key: str
    title: str
    finding: str
    lead: str
    limits: str
    html: Markup


@cache
def environment() -> Environment:
    """The templates; everything put into them is escaped, and a name they miss is an error."""
    return Environment(
        loader=PackageLoader("saccade.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def part(name: str, **values: Any) -> Markup:
    """A macro of `parts.html.j2`, filled in."""
    return getattr(environment().get_template("parts.html.j2").module, name)(**values)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], strong: int | None = None) -> Markup:
    """A table whose first column names the row; row ``strong`` is set apart."""
    return part("table", columns=columns, rows=rows, strong=strong)
