"""The five steps own their verbs: look, select, read, aggregate and classify mean nothing else anywhere."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

STEPS = {"look", "select", "read", "aggregate", "classify"}
# Where the steps are done, and the two files of core that state what they take and give.
STEP_ROOMS = ("ops/", "models/", "imaging/", "core/images.py", "core/contract.py")


def public_names(tree: ast.Module | ast.ClassDef) -> Iterator[str]:
    """Yield the names of public functions, classes and methods, not of what is local to a function."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name
            if isinstance(node, ast.ClassDef):
                yield from public_names(node)


def misused_words(source: str, place: str) -> list[str]:
    """Find the names that use a step's verb for something else; place is a path below src/saccade."""
    misused = []
    for name in [Path(place).stem, *public_names(ast.parse(source))]:
        first, *rest = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name) or [""]
        opens_a_file = first == "read" and rest and not place.startswith("imaging/")
        if opens_a_file or (first.lower() in STEPS and not place.startswith(STEP_ROOMS)):
            misused.append(name)
    return misused


def test_words_of_the_package(root: Path) -> None:
    package = root / "src" / "saccade"
    modules = sorted(package.rglob("*.py"))
    assert len(modules) > 10
    misused = {
        str(module.relative_to(package)): names
        for module in modules
        if (names := misused_words(module.read_text(encoding="utf-8"), module.relative_to(package).as_posix()))
    }
    assert not misused, "these verbs mean a model's steps; call it load_, open_, choose_, pick_, combine_, predict_…"


@pytest.mark.parametrize(
    ("source", "place", "names"),
    [
        ("def select_checkpoint(): pass", "training/checkpoints.py", ["select_checkpoint"]),
        ("class LookAhead: pass", "training/schedule.py", ["LookAhead"]),
        ("class Table:\n    def aggregate(self): pass", "evaluation/tables.py", ["aggregate"]),
        ("def read_manifest(): pass", "core/manifest.py", ["read_manifest"]),
        ("def read_patches(): pass", "ops/patches.py", ["read_patches"]),
        ("", "inference/classify.py", ["classify"]),
        ("def read_tiff(): pass", "imaging/image_files.py", []),
        ("class Images:\n    def read(self): pass", "core/images.py", []),
        ("class CheapLook:\n    def look(self): pass\nclass Look: pass", "models/parts/look.py", []),
        ("def _select(): pass\ndef f():\n    def read_row(): pass", "training/loop.py", []),
        ("class Reader: pass\ndef looked_fraction(): pass\ndef selection(): pass", "report/page.py", []),
    ],
)
def test_misused_words(source: str, place: str, names: list[str]) -> None:
    assert misused_words(source, place) == names


def test_glossary_reserves_the_same_verbs(root: Path) -> None:
    glossary = (root / "docs" / "glossary.md").read_text(encoding="utf-8")
    steps = glossary.partition("## The five steps")[2].partition("\n## ")[0]
    assert set(re.findall(r"^([a-z]+)$", steps, re.MULTILINE)) == STEPS
