"""``saccade proxy``: brightfield images in, images like another modality's out, called proxies from then on."""

from pathlib import Path
from typing import Annotated

import typer

from saccade.cli.console import progress, say, warn

FINISHED_WITH_FAILURES = 3


def proxy(
    modality: Annotated[str, typer.Argument(help="opd (optical path difference) or events (event camera).")],
    data: Annotated[Path, typer.Option(help="Brightfield images: class folders, manifest.csv or MedMNIST .npz.")],
    out: Annotated[Path, typer.Option(help="A new folder for the images and their manifest.csv.")],
) -> None:
    """Turn a set of brightfield images into one that is like another modality's, to test models where no such set is.

    Labels, cases, splits and masks are kept. The images are proxies, which no such instrument saw; commands and reports
    call them that, by their cases. An image that cannot be used costs one line; the exit code is then 3.
    """
    from saccade.core.files import new_folder
    from saccade.datasets.composers.modality_proxies import check_modality, write_proxy
    from saccade.datasets.sources import open_manifest

    check_modality(modality)
    manifest = open_manifest(data)
    with progress("computing proxies") as tell:
        made = write_proxy(manifest, modality, new_folder(out), tell)
    for problem in made.problems:
        warn(f"skipped: {problem}")
    say(f"{made.count} of {len(manifest)} images as {made.word} images; {made.manifest}")
    if made.problems:
        raise typer.Exit(FINISHED_WITH_FAILURES)
