"""Recipes as text: YAML in and out, changes like ``training.epochs=30``, and errors that name the nearest key."""

import difflib
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from saccade.core.errors import BadInput

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
"""How pydantic calls a key that it does not know, in a model and in a dataclass."""


class _Loader(yaml.SafeLoader):
    """YAML as people write it: ``2e-3`` is a number, and a key given twice is an error, not the later of two."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is there twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


# YAML 1.1, which PyYAML follows, wants 2.0e-3.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
)


class _Dumper(yaml.SafeDumper):
    """YAML with lists in brackets."""


_Dumper.add_representer(
    list, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)
)


def load_mapping(path: Path | str) -> dict[str, Any]:
    """Load a YAML file that holds keys and values.

    Raises:
        BadInput: Naming the file, and the line where it is not valid YAML.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput("there is no such file", "check the path", str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be opened as text ({error})", "give a recipe in YAML", str(path)) from error
    values = _parsed(text, str(path))
    if not isinstance(values, dict):
        raise BadInput("is no recipe", "give YAML with the sections data, model and training", str(path))
    return values


def dump_mapping(values: Mapping[str, Any]) -> str:
    """Plain values as YAML, in their order: a line per key, lists in brackets."""
    return yaml.dump(dict(values), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def with_changes(values: Mapping[str, Any], changes: Iterable[str]) -> dict[str, Any]:
    """A copy of nested values with changes such as ``training.epochs=30``; what follows ``=`` is YAML.

    >>> with_changes({"training": {"epochs": 5}}, ["training.epochs=30", "model.name=tiny-cnn"])
    {'training': {'epochs': 30}, 'model': {'name': 'tiny-cnn'}}

    Raises:
        BadInput: A change is not of that form.
    """
    changed = deepcopy(dict(values))
    for change in changes:
        name, equals, text = change.partition("=")
        keys = name.strip().split(".")
        if not equals or not all(keys):
            remedy = "write section.key=value, such as training.epochs=30"
            raise BadInput(f"{change!r} changes nothing", remedy, "--set")
        section = changed
        for key in keys[:-1]:
            section = section.setdefault(key, {})
            if not isinstance(section, dict):
                message = f"{key!r} is a value, it has no keys inside"
                raise BadInput(message, "remove what follows it", f"--set {change}")
        section[keys[-1]] = _parsed(text, f"--set {change}")
    return changed


def refusal(error: ValidationError, known: Mapping[str, Iterable[str]], source: str) -> BadInput:
    """One line for the first thing wrong with a recipe; keys nobody knows come before values nobody can use.

    Args:
        error: What pydantic found.
        known: Keys by section; sections inside sections by their dotted name, the recipe itself by "".
        source: What the recipe came from.
    """
    found = min(error.errors(), key=lambda each: each["type"] not in _UNKNOWN)
    place = [str(part) for part in found["loc"]]
    section, key = ".".join(place[:-1]), place[-1]
    if found["type"] in _UNKNOWN:
        return unknown_key(key, section, known, source)
    if found["type"] == "missing":
        return BadInput(f"lacks {'.'.join(place)}", "add it", source)
    problem = re.sub(r"^(Value error|Assertion failed), ", "", found["msg"])
    shown = "" if isinstance(found["input"], dict) else f" = {found['input']!r}"
    return BadInput(f"{'.'.join(place)}{shown} is refused", problem, source)


def unknown_key(key: str, section: str, known: Mapping[str, Iterable[str]], source: str) -> BadInput:
    """The line for a key that is not known there: the nearest one, here or in another section.

    >>> str(unknown_key("epoch", "training", {"training": ["epochs", "seed"]}, "recipe.yaml"))
    "recipe.yaml: unknown key 'epoch' in training. Did you mean training.epochs?"
    """
    here = list(known.get(section, ()))
    near = [f"{section}.{name}".lstrip(".") for name in difflib.get_close_matches(key, here, n=1)]
    elsewhere = [f"{other}.{key}" for other, names in known.items() if other and key in names]
    guesses = near or elsewhere
    remedy = f"did you mean {guesses[0]}?" if guesses else f"known there: {', '.join(here)}"
    return BadInput(f"unknown key {key!r} in {section or 'the recipe'}", remedy, source)


def _parsed(text: str, source: str) -> Any:
    """The YAML's value."""
    try:
        return yaml.load(text, _Loader)  # a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{source}, line {mark.line + 1}" if mark and not source.startswith("--set") else source
        raise BadInput(getattr(error, "problem", None) or "is not valid YAML", "mend the YAML", place) from error
