"""The program as a whole: help, version, and what becomes of errors."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import saccade as package
from saccade.cli import app as program
from saccade.core.errors import BadInput, SaccadeError

VERBS = ("demo", "train", "cv", "evaluate", "predict", "explain", "models", "check", "doctor")


def test_help_lists_every_verb(saccade: Callable) -> None:
    printed = saccade("--help").output
    assert all(verb in printed for verb in VERBS)
    for verb in VERBS:
        assert "Usage" in saccade(verb, "--help").output


def test_no_words_show_the_help() -> None:
    for words in ([], ["--debug"]):
        result = CliRunner().invoke(program.app, words)
        assert "Usage" in result.stdout
        assert (result.exit_code, result.stderr) == (0, "")


def test_version(saccade: Callable) -> None:
    assert saccade("--version").output == f"saccade {package.__version__}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("trai",), "Did you mean 'train'?"),
        (("train", "--dta", "x"), "--data"),
        (("train", "--devices", "none"), "--devices"),
        (("predict",), "run"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_a_wrong_word_is_one_line(refused: Callable[..., str], words: tuple[str, ...], said: str) -> None:
    line = refused(*words)
    assert said.lower() in line.lower()
    assert "--help` lists what there is" in line


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make ``saccade models`` raise something."""

    def prepare(error: BaseException) -> None:
        def fail(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr("saccade.cli.models.show_table", fail)

    return prepare


class Stopped(SaccadeError):
    exit_code = 130


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (BadInput("is empty", "fill it", "a.png"), 2, "error: a.png: is empty. Fill it"),
        (Stopped("stopped", "go on with --resume"), 130, "error: stopped. Go on with --resume"),
        (KeyboardInterrupt(), 130, "--resume"),
        (ValueError("two\nlines"), 1, "error: ValueError: two lines. This is a fault in saccade"),
    ],
)
def test_errors_are_one_line(failing: Callable, error: BaseException, code: int, said: str) -> None:
    failing(error)
    result = CliRunner().invoke(program.app, ["models"])
    assert result.exit_code == code
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("words", [("--debug", "models"), ("models", "--debug")])
def test_debug_shows_where_an_error_came_from(failing: Callable, words: tuple[str, ...]) -> None:
    failing(BadInput("is empty", "fill it", "a.png"))
    result = CliRunner().invoke(program.app, list(words))
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert result.stderr.rstrip().endswith("error: a.png: is empty. Fill it")


def test_the_program_runs_as_a_module(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "saccade", "check", str(tmp_path / "nothing")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no such file" in done.stdout
    assert done.stderr == ""
