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
    mpp: Annotated[float, typer.Option(help="Micrometres per pixel of the patches to count.")] = 0.5,
    patch: Annotated[int, typer.Option(help="Side of those patches in pixels.", min=1)] = 224,
    overlap: Annotated[int, typer.Option(help="Pixels that neighbouring patches share.", min=0)] = 0,
) -> None:
    """Show what a slide is: its levels, micrometres per pixel and where they come from, the pictures beside it.

    And what `saccade embed` would make of it: how much tissue it finds, how many patches, how large a bag.
    """
    from saccade.features.forecast import forecast
    from saccade.features.patching import PatchSettings
    from saccade.imaging.slides.describing import described
    from saccade.imaging.slides.finding import FoundSlide
    from saccade.imaging.slides.probing import probe

    slide = FoundSlide(path, path.name).open(source_mpp)
    facts = described(slide)
    try:
        facts += forecast(PatchSettings(mpp=mpp, patch=patch, overlap=overlap))(slide)
        probe(slide)
    finally:
        show_table(("", str(path)), facts)  # whatever is damaged
