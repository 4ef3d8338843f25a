"""Whatever is shown is run: the blocks of README, CONTRIBUTING and docs, and the examples in docstrings.

Each document runs from top to bottom in a folder of its own that holds miniature data (tests/miniature.py), so one
block may use what an earlier one left. Blocks in

- ``python`` are executed, or compared where they start with ``>>>``;
- ``bash`` and ``console`` have their ``saccade …`` commands run (tests/commands.py). They must exit 0, or what a
  comment at the end of the line says (``# exit 3``); in ``console`` the lines after ``$ saccade …`` are what it
  prints, where ``...`` stands for anything. Commands that set up a machine (make, pip, git) are passed over; any
  other is refused, so that none goes untested;
- ``yaml`` are saved where they begin with ``# NAME.yaml``, as recipes for the commands below them.

Blocks of one document are run by one process, where several share the tests (``--dist loadfile``).
Blocks that start processes (``--devices``) count as slow. ``<!--- skip: next "reason" -->`` before a block leaves it
out, and the reason shows in the test run.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.integration.pytest import SybilItem
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser

from tests.commands import LOOSELY, evaluate_bash, evaluate_console, evaluate_yaml
from tests.miniature import make_miniature

os.environ["MPLBACKEND"] = "Agg"  # nothing opens a window
if sharing := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):  # torch, not imported yet, would take every core
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // sharing)))


@pytest.fixture(scope="session")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made-up cells as a class folder, a manifest and a MedMNIST file; to be read only."""
    return make_miniature(tmp_path_factory.mktemp("miniature"))


@pytest.fixture(scope="module")
def document_folder(miniature: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the miniature data that one document's blocks share as their current folder."""
    folder = tmp_path_factory.mktemp("document") / "work"
    shutil.copytree(miniature, folder)
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the blocks that start further processes to ``make test-slow``."""
    for item in items:
        if isinstance(item, SybilItem) and "--devices" in str(item.example.parsed):
            item.add_marker(pytest.mark.slow)


pages = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=LOOSELY),
        CodeBlockParser("bash", evaluate_bash),
        CodeBlockParser("console", evaluate_console),
        CodeBlockParser("yaml", evaluate_yaml),
        SkipParser(),
    ],
    pattern="*.md",
    fixtures=["document_folder"],
)
docstrings = Sybil(
    parsers=[DocTestParser(optionflags=LOOSELY)],
    path="src",
    pattern="*.py",
    fixtures=["document_folder"],
)
pytest_collect_file = (pages + docstrings).pytest()
