"""``saccade frames``: recordings of an event camera in, images of its windows out."""

import re
from pathlib import Path
from typing import Annotated

import typer

from saccade.cli.console import progress, say, warn
from saccade.core.errors import BadInput

FINISHED_WITH_FAILURES = 3
_WINDOW = 5.0  # milliseconds where nothing is asked for


def frames(
    recordings: Annotated[
        list[Path], typer.Argument(help="Recordings (NPY, HDF5, RAW, DAT), folders of them, or of class folders.")
    ],
    out: Annotated[Path, typer.Option(help="A new folder for the images and their manifest.csv.")],
    window_ms: Annotated[
        float | None, typer.Option("--window-ms", help=f"Milliseconds in an image; {_WINDOW:g} by default.")
    ] = None,
    events: Annotated[int | None, typer.Option(help="Events in an image, instead of a time.", min=1)] = None,
    sensor: Annotated[
        str, typer.Option(help="Width x height such as 640x480, for recordings that do not state it, as NPY cannot.")
    ] = "",
) -> None:
    """Cut recordings of an event camera into images of two channels, OFF and ON counts, one per window.

    Recordings in folders get the folder's name as their label. All images of a recording are one case, so that a split
    never cuts it. Windows of time without an event have no image, and what is left over from windows of events neither.
    A recording that cannot be opened costs one line; the exit code is then 3.
    """
    from saccade.core.files import new_folder
    from saccade.datasets.event_frames import cut_by_count, cut_by_time, find_recordings, write_frames

    if events is not None and window_ms is not None:
        raise BadInput("a window has a length or a number of events", "give --window-ms or --events, not both")
    cut = cut_by_time(_WINDOW if window_ms is None else window_ms) if events is None else cut_by_count(events)
    size = sensor_of(sensor) if sensor else None
    found = find_recordings(recordings)
    with progress("cutting") as tell:
        made = write_frames(found, new_folder(out), cut, tell, size)
    for problem in made.problems:
        warn(f"skipped: {problem}")
    say(f"{made.count} images of {len(found) - len(made.problems)} of {len(found)} recordings; {made.manifest}")
    if made.problems:
        raise typer.Exit(FINISHED_WITH_FAILURES)


def sensor_of(text: str) -> tuple[int, int]:
    """Height and width of a sensor that is told as width x height.

    >>> sensor_of("640x480")
    (480, 640)

    Raises:
        BadInput: It is told otherwise.
    """
    sides = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d{0,3})", text.strip().lower())
    if sides is None:
        raise BadInput(f"--sensor {text!r} is no size", "give width x height in pixels, such as 640x480")
    return int(sides[2]), int(sides[1])
