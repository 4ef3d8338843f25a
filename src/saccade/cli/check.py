"""``saccade check``: what is wrong with a data set, before a training or an embedding finds out."""

from pathlib import Path
from typing import Annotated

import typer

from saccade.cli.console import progress, say
from saccade.core.errors import SaccadeError


def check(
    path: Annotated[
        Path, typer.Argument(help="Folder of class folders, manifest.csv or MedMNIST .npz; of slides any folder.")
    ],
    slides: Annotated[
        bool, typer.Option("--slides", help="Take every image for a slide; scanner formats and DICOM always are.")
    ] = False,
    source_mpp: Annotated[
        float | None, typer.Option(help="Micrometres per base pixel of slides whose files do not say.")
    ] = None,
) -> None:
    """Open every image of a data set and list what is wrong with it; exit 2 if something must be mended first."""
    from saccade.datasets.checks import check_data
    from saccade.datasets.slide_checks import check_slides, holds_slides

    with progress("checking") as tell:
        as_slides = slides or source_mpp is not None or holds_slides(path)
        report = check_slides(path, tell, source_mpp) if as_slides else check_data(path, tell)
    lines = report.lines()
    for line in lines if report.images else lines[:-1]:  # the last line counts images
        say(line)
    if report.errors:
        raise typer.Exit(SaccadeError.exit_code)
