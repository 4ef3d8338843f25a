"""``saccade info``: what a slide file or a bag of features is and what it says of itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from saccade.cli.console import show_table
from saccade.core.errors import BadInput

if TYPE_CHECKING:
    from saccade.features.patching import PatchSettings


def info(
    path: Annotated[
        Path, typer.Argument(help="A slide file, the folder of a DICOM series, or a bag of features (.h5, .pt).")
    ],
    source_mpp: Annotated[
        float | None, typer.Option(help="Micrometres per base pixel, for a file that does not say.", min=0.05, max=5)
    ] = None,
    mpp: Annotated[float, typer.Option(help="Micrometres per pixel of the patches to count.")] = 0.5,
    patch: Annotated[int, typer.Option(help="Side of those patches in pixels.", min=1)] = 224,
    overlap: Annotated[int, typer.Option(help="Pixels that neighbouring patches share.", min=0)] = 0,
    snap: Annotated[
        Literal["nearest"] | None,
        typer.Option(help="Of a bag: move patches that fit no lattice to their nearest place."),
    ] = None,
) -> None:
    """Show what a slide is: its levels, micrometres per pixel and where they come from, the pictures beside it.

    And what `saccade embed` would make of it: how much tissue it finds, how many patches, how large a bag. Of a bag of
    features, by whichever tool: what it holds, and the lattice its patches sit on.
    """
    from saccade.features.store.reading import BAG_SUFFIXES

    if path.suffix.lower() in BAG_SUFFIXES:
        _show_bag(path, source_mpp, snap)
        return
    if snap is not None:
        raise BadInput("--snap is for bags of features, and this is none", "leave it out", str(path))
    from saccade.features.patching import PatchSettings

    _show_slide(path, source_mpp, PatchSettings(mpp=mpp, patch=patch, overlap=overlap))


def _show_slide(path: Path, source_mpp: float | None, patches: "PatchSettings") -> None:
    from saccade.features.forecast import forecast
    from saccade.imaging.slides.describing import described
    from saccade.imaging.slides.finding import FoundSlide
    from saccade.imaging.slides.probing import probe

    slide = FoundSlide(path, path.name).open(source_mpp)
    facts = described(slide)
    try:
        facts += forecast(patches)(slide)
        probe(slide)
    finally:
        show_table(("", str(path)), facts)  # whatever is damaged


def _show_bag(path: Path, source_mpp: float | None, snap: Literal["nearest"] | None) -> None:
    from saccade.features.describing import described_bag, described_lattice
    from saccade.features.store.reading import open_bag
    from saccade.ops.lattice import OffLattice

    bag = open_bag(path, source_mpp)
    facts = list(described_bag(bag))
    try:
        facts += described_lattice(bag.lattice(snap))
        bag.check()
    except OffLattice as error:
        raise BadInput(error.message, "embed the slide again, or snap them: --snap nearest", error.source) from error
    finally:
        show_table(("", str(path)), facts)  # whatever is wrong with it
