"""Runs the ``saccade …`` commands that the documents show; conftest.py at the root hands it their blocks."""

import doctest
import io
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from sybil import Example

SETUP_COMMANDS = ("cd", "git", "make", "pip", "pre-commit")
# Two epochs show that a command works; a line that sets the number itself is left alone.
SHORTER = {verb: ["--set", "training.epochs=2"] for verb in ("train", "cv")}
LOOSELY = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def run_saccade(arguments: list[str]) -> tuple[int, str]:
    """Run one ``saccade`` command; returns its exit code and what it printed.

    It runs in this process, where shapes are checked and warnings are errors; with ``--devices`` it gets one of
    its own, because the training engine starts its other processes from the running program.
    """
    if any(word.startswith("--devices") for word in arguments):
        command = [sys.executable, "-m", "saccade", "--debug", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    from saccade.cli.app import main

    printed, argv, code = io.StringIO(), sys.argv, None
    sys.argv = ["saccade", "--debug", *arguments]
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.argv = argv
    return (0 if code is None else code if isinstance(code, int) else 1), printed.getvalue()


def split_commands(block: str, prompts: bool) -> list[tuple[str, str]]:
    """Split a block into (command, expected output); without prompts every line is a command."""
    lines = block.replace("\\\n", " ").splitlines()
    if not prompts:
        return [(line.strip(), "") for line in lines if line.strip() and not line.lstrip().startswith("#")]
    commands: list[tuple[str, str]] = []
    for line in lines:
        if line.startswith("$ "):
            commands.append((line[2:].strip(), ""))
        elif commands:
            commands[-1] = commands[-1][0], commands[-1][1] + line + "\n"
    return commands


def check_command(line: str, output: str = "") -> str | None:
    """Run one line of a block; returns what is wrong with it, or None."""
    words = shlex.split(re.sub(r"^([A-Z_]+=\S*\s+)+", "", line), comments=True)
    if Path(words[0]).name in SETUP_COMMANDS:
        return None
    if words[0] != "saccade" or {"|", "&&", ";", ">", "<"} & set(words):
        return f"{line}\nOnly single saccade commands are run; {', '.join(SETUP_COMMANDS)} are passed over."
    arguments = words[1:]
    if not any("training.epochs" in word or word in ("--resume", "--help") for word in arguments):
        arguments += SHORTER.get(arguments[0] if arguments else "", [])
    expected = re.search(r"#\s*exit (\d+)\s*$", line)
    code, printed = run_saccade(arguments)
    if code != int(expected[1] if expected else 0):
        return f"{line}\nexit {code}; it printed:\n{printed}"
    if output.strip() and not doctest.OutputChecker().check_output(output, printed, LOOSELY):
        return f"{line}\nprinted:\n{printed}\ninstead of:\n{output}"
    return None


def evaluate_bash(example: Example) -> str | None:
    """Run the commands of a ``bash`` block up to the first that goes wrong."""
    return next(filter(None, (check_command(*c) for c in split_commands(str(example.parsed), False))), None)


def evaluate_yaml(example: Example) -> None:
    """Save a ``yaml`` block that begins with ``# NAME.yaml`` under that name, for later commands to use."""
    text = str(example.parsed)
    name = re.match(r"# ([\w-]+\.yaml)\n", text)
    if name:
        Path(name[1]).write_text(text, encoding="utf-8")


def evaluate_console(example: Example) -> str | None:
    """Run the commands of a ``console`` block, comparing what they print."""
    return next(filter(None, (check_command(*c) for c in split_commands(str(example.parsed), True))), None)
