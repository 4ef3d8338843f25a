"""What the tests of the commands share: a runner that wants one line per error, and one trained run."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

Command = Callable[..., Result]

SMALL_SPAN = ("--set", "model.width=8", "--set", "model.heads=1", "--set", "training.epochs=1")


def run_command(*words: object) -> Result:
    """Run ``saccade`` in this process; nothing it prints may be a traceback."""
    from saccade.cli.app import app

    result = CliRunner().invoke(app, [str(word) for word in words])
    assert "Traceback" not in result.output
    return result


@pytest.fixture(scope="session")
def saccade() -> Command:
    """``saccade("train", "--data", folder)`` runs a command that is to end well, or with ``code=``."""

    def command(*words: object, code: int = 0) -> Result:
        result = run_command(*words)
        assert result.exit_code == code, result.output
        return result

    return command


@pytest.fixture(scope="session")
def refused() -> Callable[..., str]:
    """Run a command that is to be refused: exit 2 and one line on the standard error stream, which is returned."""

    def command(*words: object) -> str:
        result = run_command(*words)
        assert result.exit_code == 2, result.output
        lines = result.stderr.strip().splitlines()
        assert len(lines) == 1, result.stderr
        assert lines[0].startswith("error: ")
        return lines[0]

    return command


@pytest.fixture(scope="session")
def trained(cells: Path, saccade: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs on the miniature cells; to be read only."""
    run = tmp_path_factory.mktemp("runs") / "cells"
    changes = ("--set", "training.epochs=2", "--set", "data.size=16")
    saccade("train", "--data", cells / "manifest.csv", "--model", "sparse-attn-net", "--out", run, *changes)
    return run


@pytest.fixture(scope="session")
def slides(tmp_path_factory: pytest.TempPathFactory, saccade: Command) -> Path:
    """A folder with bags, their table, and a run trained on them; to be read only."""
    from tests.miniature_slides import make_bags

    folder = tmp_path_factory.mktemp("slides")
    table = make_bags(folder)
    said = saccade("train", "--data", table, "--features", folder / "job", *SMALL_SPAN, "--out", folder / "run").output
    assert "validation: accuracy" in said
    assert "4 slides" in said
    assert "25.0% of the pixels read" in said
    return folder


@pytest.fixture(scope="session")
def times(tmp_path_factory: pytest.TempPathFactory, saccade: Command) -> Path:
    """A folder with bags, the table of their times, and a run of survival trained on them; to be read only."""
    from tests.miniature_times import make_times

    folder = tmp_path_factory.mktemp("times")
    table = make_times(folder, {"train": 12, "val": 6, "test": 8})
    data = ("--data", table, "--features", folder / "job", "--model", "span-survival", "--set", "data.bins=2")
    (folder / "said.txt").write_text(saccade("train", *data, *SMALL_SPAN, "--out", folder / "run").output)
    return folder


@pytest.fixture(scope="session")
def annotated(tmp_path_factory: pytest.TempPathFactory, saccade: Command) -> Path:
    """A folder with bags, their annotations and table, and a segmenter trained on them; to be left as it is."""
    from tests.miniature_annotated import make_annotated

    folder = tmp_path_factory.mktemp("annotated")
    table = make_annotated(folder, {"train": 6, "val": 3, "test": 4})
    data = ("--data", table, "--features", folder / "job", "--model", "span-unet")
    rules = ("--set", "data.patch_classes=[normal,tumour]", "--set", "data.ignored_outlines=[tissue]")
    (folder / "said.txt").write_text(saccade("train", *data, *rules, *SMALL_SPAN, "--out", folder / "run").output)
    return folder
