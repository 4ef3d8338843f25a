"""Long recordings of an event camera cut into images, one per window, with a manifest of where each came from."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from saccade.core.errors import BadInput, Problem
from saccade.core.files import atomic_path, write_csv
from saccade.datasets.folders import list_recordings
from saccade.imaging.event_files import load_events
from saccade.imaging.events import Events, bin_events, windows_by_count, windows_by_time

Cut = Callable[[Events], Sequence[slice]]

_LONGEST = 1e12  # milliseconds in a window: thirty years, which still count in 64 bits as microseconds


@dataclass(frozen=True)
class Recording:
    """A recording to cut: its file, its name in the output, and its class where it lies in a folder of one."""

    path: Path
    name: str
    label: str = ""


@dataclass(frozen=True)
class Frames:
    """What came of it: the manifest, how many images it lists, and a problem for each recording that was skipped."""

    manifest: Path
    count: int
    problems: tuple[Problem, ...]


def cut_by_time(milliseconds: float) -> Cut:
    """Windows of so many milliseconds; the pause between two events may be longer, which then has no image."""
    if not milliseconds <= _LONGEST:  # nor is what is not a number
        raise BadInput(f"a window of {milliseconds:g} ms is no time", f"give milliseconds, from 0.001 to {_LONGEST:g}")
    microseconds = round(1000 * max(milliseconds, 0))
    if microseconds < 1:
        raise BadInput(f"a window of {milliseconds:g} ms has no length", "give at least 0.001")
    return lambda events: windows_by_time(events, microseconds)


def cut_by_count(count: int) -> Cut:
    """Windows of so many events."""

    def cut(events: Events) -> Sequence[slice]:
        windows = windows_by_count(events, count)
        if not windows:
            raise BadInput(f"holds {len(events)} events, fewer than a window", f"ask for at most {len(events)}")
        return windows

    return cut


def find_recordings(given: Iterable[Path]) -> tuple[Recording, ...]:
    """The recordings among files and folders; one below a folder of the folder given is of that class.

    Raises:
        BadInput: Nothing is there, or nothing that can hold events.
    """
    found: dict[Path, Recording] = {}
    taken: set[str] = set()
    for place in given:
        for path in list_recordings(place):
            within = Path(path.name) if place.is_file() else path.relative_to(place)
            plain, number = within.with_suffix("").as_posix(), 1
            name = plain
            while name.lower() in taken:  # some file systems do not tell x from X
                number += 1
                name = f"{plain}_{number}"
            if path not in found:
                taken.add(name.lower())
                found[path] = Recording(path, name, within.parts[0] if len(within.parts) > 1 else "")
    return tuple(found.values())


def write_frames(
    recordings: Sequence[Recording],
    out: Path,
    cut: Cut,
    progress: Callable[[int, int], None] = lambda done, total: None,
    sensor: tuple[int, int] | None = None,
) -> Frames:
    """Write an image of each window of each recording, and ``manifest.csv``, each file whole or not at all.

    Images are float32 NPY of two channels, OFF and ON, at ``<recording>/<recording>_00001.npy``. The manifest has their
    path, their label where every recording lies in a folder of its class, and the recording as their case: a split
    never cuts it. Cost: a recording at a time in memory, 13 bytes an event.

    Args:
        recordings: What to cut.
        out: The folder to write into.
        cut: How, such as ``cut_by_time(5)``.
        progress: Told how many of how many recordings are done.
        sensor: Height and width of the sensor, for files that do not state it.

    Raises:
        BadInput: None of the recordings could be cut.
    """
    labelled = all(recording.label for recording in recordings)
    rows: list[tuple[str, ...]] = []
    problems: list[Problem] = []
    for done, recording in enumerate(recordings, 1):
        try:
            names = _write_one(recording, out, cut, sensor)
        except BadInput as error:
            problems.append(Problem(error.message, error.remedy, error.source or str(recording.path)))
        else:
            rows += [(name, *([recording.label] if labelled else []), recording.name) for name in names]
        progress(done, len(recordings))
    if not rows:
        raise BadInput(f"none of the {len(recordings)} recordings could be cut; the first: {problems[0]}")
    columns = ("path", *(["label"] if labelled else []), "case_id")
    write_csv(out / "manifest.csv", columns, rows)
    return Frames(out / "manifest.csv", len(rows), tuple(problems))


def _write_one(recording: Recording, out: Path, cut: Cut, sensor: tuple[int, int] | None) -> list[str]:
    """Write the images of one recording and return their names."""
    events = load_events(recording.path, sensor)
    names = []
    for number, window in enumerate(cut(events), 1):
        name = f"{recording.name}/{Path(recording.name).name}_{number:05d}.npy"
        with atomic_path(out / name) as temporary:
            np.save(temporary, bin_events(events, window))
        names.append(name)
    return names
