"""The documents' blocks are run, and the machinery that runs them notices when one is wrong."""

import re
import shlex
import sys
import types
from pathlib import Path

import pytest
import yaml

from tests.commands import check_command, evaluate_yaml, split_commands

RUN = {"python", "bash", "console"}
SHOWN = {"text", "yaml", "json", "toml"}


def fenced_languages(text: str) -> list[str]:
    """List the language of each fenced block; directives of the documentation builder are not code."""
    fences = re.findall(r"^ *(`{3,}|~{3,})(.*)$", text, re.MULTILINE)
    return [info.strip() for _, info in fences[::2] if not info.strip().startswith("{")]


def test_every_block_says_whether_it_runs(root: Path) -> None:
    pages = [root / "README.md", root / "CONTRIBUTING.md", *(root / "docs").rglob("*.md")]
    unknown = {page.name: set(fenced_languages(page.read_text(encoding="utf-8"))) - RUN - SHOWN for page in pages}
    assert not {page: languages for page, languages in unknown.items() if languages}


def test_a_commit_that_changes_a_document_runs_its_blocks(root: Path) -> None:
    (repository,) = yaml.safe_load((root / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    hook = next(hook for hook in repository["hooks"] if hook["id"] == "documents")
    for path in ("README.md", "docs/how-to/prepare_images.md", "examples/predict_a_folder.py"):
        assert (root / path).is_file()
        assert re.search(hook["files"], path)
    assert not re.search(hook["files"], "src/saccade/cli/app.py")
    words = shlex.split(hook["entry"])
    places = words[words.index("not slow") + 1 :]
    assert {"README.md", "docs"} <= set(places)
    assert all((root / place).exists() for place in places)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A command line that notes its arguments, prints two lines and fails where it is told to."""
    seen: list[list[str]] = []

    def main() -> None:
        seen.append([word for word in sys.argv[1:] if word != "--debug"])
        print("looked at 12 images\nread 3.1 % of the pixels")
        raise SystemExit(3 if "bad" in sys.argv else None)

    monkeypatch.setitem(sys.modules, "saccade.cli.app", types.SimpleNamespace(main=main))
    return seen


def test_split_commands() -> None:
    block = "# first\nsaccade train --data cells \\\n    --out runs/a\n\nmake demo\n"
    assert split_commands(block, prompts=False) == [
        ("saccade train --data cells      --out runs/a", ""),
        ("make demo", ""),
    ]
    block = "$ saccade check cells\n60 images\n5 classes\n$ saccade models\n"
    assert split_commands(block, prompts=True) == [
        ("saccade check cells", "60 images\n5 classes\n"),
        ("saccade models", ""),
    ]


def test_commands_run(stand_in: list[list[str]]) -> None:
    assert check_command("saccade train --data 'my cells' --out runs/a  # two epochs will do") is None
    assert check_command("saccade train --data cells --set training.epochs=1") is None
    assert check_command("saccade predict runs/a bad  # exit 3") is None
    assert stand_in == [
        ["train", "--data", "my cells", "--out", "runs/a", "--set", "training.epochs=2"],
        ["train", "--data", "cells", "--set", "training.epochs=1"],
        ["predict", "runs/a", "bad"],
    ]


def test_what_goes_wrong_is_told(stand_in: list[list[str]]) -> None:
    assert "exit 3" in (check_command("saccade predict runs/a bad") or "")
    assert "exit 0" in (check_command("saccade predict runs/a good  # exit 3") or "")
    assert check_command("saccade check cells", "looked at ... images\nread ... % of the pixels\n") is None
    assert "instead of" in (check_command("saccade check cells", "looked at 13 images\n") or "")


def test_recipes_are_saved_by_their_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ("# first.yaml\nmodel: {}\n", "model: {}\n", "# about first.yaml\nmodel: {}\n", "# ../up.yaml\n"):
        evaluate_yaml(types.SimpleNamespace(parsed=text))
    assert [path.name for path in tmp_path.iterdir()] == ["first.yaml"]
    assert yaml.safe_load((tmp_path / "first.yaml").read_text()) == {"model": {}}


def test_setting_up_is_passed_over_and_the_rest_refused(stand_in: list[list[str]]) -> None:
    assert check_command("PIP_FIND_LINKS=wheels make demo") is None
    assert "Only single saccade commands" in (check_command("rm -rf runs") or "")
    assert "Only single saccade commands" in (check_command("saccade models | head") or "")
    assert stand_in == []
