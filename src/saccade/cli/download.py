"""``saccade download``: public data sets, the only verb that asks the network for data."""

from pathlib import Path
from typing import Annotated

import typer

from saccade.cli.console import progress, say


def download(
    name: Annotated[str, typer.Argument(help="A set of MedMNIST, such as bloodmnist.")],
    out: Annotated[Path, typer.Option(help="The folder it is put in.")],
    size: Annotated[int, typer.Option(help="Side of its images: 28, 64, 128 or 224.")] = 64,
) -> None:
    """Fetch a MedMNIST set with its own split, and check it; train on it with --data FILE.

    Needs the package medmnist, which knows the addresses and brings torchvision; in the folder of the clone:
    pip install --constraint constraints.txt ".[medmnist]".
    """
    from saccade.datasets.medmnist_download import download_medmnist

    with progress("downloading") as tell:
        path = download_medmnist(name, out, size, tell)
    say(f"fetched: {path}")
