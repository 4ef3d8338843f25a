"""``saccade check``: what is wrong with a data set, before a training finds out."""

from pathlib import Path
from typing import Annotated

import typer

from saccade.cli.console import progress, say
from saccade.core.errors import SaccadeError


def check(
    path: Annotated[Path, typer.Argument(help="Folder of class folders, manifest.csv or MedMNIST .npz.")],
) -> None:
    """Open every image of a data set and list what is wrong with it; exit 2 if something must be mended first."""
    from saccade.datasets.checks import check_data

    with progress("checking") as tell:
        report = check_data(path, tell)
    lines = report.lines()
    for line in lines if report.images else lines[:-1]:  # the last line counts images
        say(line)
    if report.errors:
        raise typer.Exit(SaccadeError.exit_code)
