"""``saccade info``: what a slide file is and what it says of itself."""

from pathlib import Path
from typing import Annotated

import typer

from saccade.cli.console import show_table


def info(
    path: Annotated[Path, typer.Argument(help="A slide file, or the folder of a DICOM series.")],
    source_mpp: Annotated[
        float | None, typer.Option(help="Micrometres per base pixel, for a file that does not say.")
    ] = None,
) -> None:
    """Show what a slide is: its levels, micrometres per pixel and where they come from, the pictures beside it."""
    from saccade.imaging.slides.describing import described
    from saccade.imaging.slides.finding import FoundSlide
    from saccade.imaging.slides.probing import probe

    slide = FoundSlide(path, path.name).open(source_mpp)
    show_table(("", str(path)), described(slide))
    probe(slide)  # last, so that the facts are there whatever is damaged
