"""The program ``saccade``: its verbs, and what becomes of errors.

Exit codes: 0 done, 1 a fault of the program, 2 bad input, 3 finished with failures, 130 interrupted. Errors are one
line on the standard error stream; ``--debug``, before or after the verb, shows where they came from.
"""

import sys
import traceback
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

import saccade
from saccade.cli.bench import bench
from saccade.cli.check import check
from saccade.cli.cv import cv
from saccade.cli.demo import demo
from saccade.cli.doctor import doctor
from saccade.cli.download import download
from saccade.cli.embed import embed
from saccade.cli.evaluate import evaluate
from saccade.cli.explain import explain
from saccade.cli.frames import frames
from saccade.cli.info import info
from saccade.cli.models import models
from saccade.cli.predict import predict
from saccade.cli.proxy import proxy
from saccade.cli.train import train
from saccade.core.errors import SaccadeError, one_line

INTERRUPTED = 130
_DEBUG = "--debug"


class Commands(TyperGroup):
    """The verbs, with errors of any kind turned into one line and an exit code."""

    debug = False

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Note ``--debug`` wherever it stands, then parse; where nothing is asked for, the help is."""
        self.debug = _DEBUG in args
        rest = [word for word in args if word != _DEBUG] or ["--help"]
        return self._guarded(lambda: super(Commands, self).make_context(info_name, rest, parent, **extra))

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        return self._guarded(lambda: super(Commands, self).invoke(ctx))

    def _guarded(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except SaccadeError as error:
            self._fail(str(error), error.exit_code)
        except KeyboardInterrupt:
            self._fail("interrupted. Run the same command again; a training goes on with --resume", INTERRUPTED)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if hasattr(error, "format_message"):  # what the parser raises, from click or from typer's copy of it
                self._fail(_usage(error), SaccadeError.exit_code)
            message = one_line(f"{type(error).__name__}: {error}"[:300])
            self._fail(f"{message}. This is a fault in saccade; run again with {_DEBUG} and report what it shows", 1)

    def _fail(self, message: str, code: int) -> NoReturn:
        """Print the line, under the traceback where that is wanted, and end."""
        if self.debug:
            traceback.print_exc()
        colour = typer.colors.RED if sys.stderr.isatty() else None
        typer.echo(f"{typer.style('error:', fg=colour) if colour else 'error:'} {message}", err=True)
        raise typer.Exit(code) from None


def _usage(error: Any) -> str:
    """The parser's complaint in one line, with the help to turn to."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "saccade"
    complaint = one_line(error.format_message())
    return f"{complaint}{'' if complaint.endswith('?') else '.'} `{command} --help` lists what there is"


app = typer.Typer(
    cls=Commands,
    name="saccade",
    help="Classify biomedical images by looking only where it matters.",
    epilog="Exit codes: 0 done, 2 bad input, 3 finished with failures.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
_WORK = (demo, train, cv, evaluate, predict, explain, embed, bench)
_PREPARE = (download, frames, proxy)
_TELL = (models, info, check, doctor)
for verb in (*_WORK, *_PREPARE, *_TELL):
    app.command()(verb)


def _version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"saccade {saccade.__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def everywhere(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option(_DEBUG, help="Show where an error came from.")] = False,
) -> None:
    """Options of every verb; ``Commands`` acts on them."""


def main() -> None:
    """The entry point of the program."""
    app(prog_name="saccade")
