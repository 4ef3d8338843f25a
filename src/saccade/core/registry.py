"""A table of named things, each loaded only when asked for.

An entry carries the facts a user wants before choosing (scale, paper, licence), so that listing a registry imports
none of what it lists. Every entry of the model registry is run through one contract suite.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from saccade.core.errors import BadInput

Scale = Literal["cell", "field", "slide"]
Role = Literal["method", "control", "peer"]
Task = Literal["classification", "survival", "segmentation"]


@dataclass(frozen=True)
class Entry:
    """One registered thing: where it lives and what to know about it.

    Attributes:
        name: What users type.
        target: ``module:attribute``, imported on first use.
        scale: The scale of image it works on.
        role: ``method`` (a paper this package implements), ``control`` (what would embarrass it) or ``peer``.
        summary: One line for tables.
        paper: The source, or how it came about.
        licence: Licence of the code it follows; ``own`` where it was written from the paper alone.
        task: What is asked of it.
    """

    name: str
    target: str
    scale: Scale
    role: Role
    summary: str
    paper: str
    licence: str = "own"
    task: Task = "classification"

    def load(self) -> Any:
        """Import and return the target."""
        module, _, attribute = self.target.partition(":")
        return getattr(import_module(module), attribute)


class Registry:
    """Entries by name, in the order they were added.

    >>> maths = Registry("constant")
    >>> maths.add(Entry("pi", "math:pi", "cell", "peer", "a circle's", "Archimedes"))
    >>> round(maths["pi"].load(), 2)
    3.14
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Entry] = {}

    def add(self, entry: Entry) -> None:
        """Register an entry; a name can be taken once.

        Raises:
            ValueError: The name is taken.
        """
        if entry.name in self._entries:
            raise ValueError(f"{self.kind} {entry.name!r} is registered twice")
        self._entries[entry.name] = entry

    def __getitem__(self, name: str) -> Entry:
        """The entry of that name.

        Raises:
            BadInput: No such name; the message lists the nearest ones.
        """
        if name not in self._entries:
            near = difflib.get_close_matches(name, self._entries, n=3) or list(self._entries)
            raise BadInput(f"unknown {self.kind} {name!r}", remedy=f"did you mean {', '.join(near)}?")
        return self._entries[name]

    def __iter__(self) -> Iterator[Entry]:
        """Entries in the order they were added."""
        return iter(self._entries.values())

    def names(self, scale: Scale | None = None, task: Task | None = None) -> tuple[str, ...]:
        """Registered names, of one scale and of one task if given."""
        return tuple(each.name for each in self if scale in (None, each.scale) and task in (None, each.task))
