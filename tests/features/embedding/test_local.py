"""A folder of slides: the same bags however they are read, and no slide's fault is another's."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from saccade.features.embedding.job import Job
from saccade.features.embedding.local import embed_here
from saccade.features.embedding.reading import Pace
from tests.features.embedding.small_slides import MeanColour, small_job, write_slides


def contents(job: Job) -> dict[str, np.ndarray]:
    """Every dataset of every bag."""
    found = {}
    for path in sorted(job.folder.rglob("*.h5")):
        with h5py.File(path) as file:
            found |= {f"{path.name}/{name}": file[name][:] for name in file}
    return found


def embed(job: Job, pace: Pace) -> list[str]:
    told: list[tuple[int, int]] = []
    states = list(embed_here(job, job.items, MeanColour(), pace, lambda item: lambda *args: told.append(args)))
    assert all(done <= total for done, total in told)
    return [state.status for state in states]


@pytest.mark.parametrize("pace", [Pace(0, 64), Pace(1, 1), Pace(4, 13)])
def test_pace_changes_no_bag(tmp_path: Path, pace: Pace) -> None:
    slides = write_slides(tmp_path / "slides", 3)
    first, second = small_job(slides, tmp_path / "first"), small_job(slides, tmp_path / "second")
    assert embed(first, Pace()) == embed(second, pace) == ["done"] * 3
    one, two = contents(first), contents(second)
    assert one.keys() == two.keys() and len(one) == 9
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name], err_msg=name)


def test_bad_slides_cost_only_themselves(tmp_path: Path) -> None:
    slides = write_slides(tmp_path / "slides", 3)
    (slides / "s1.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing more")
    (slides / "s1b.svs").write_bytes(b"II*\0" + bytes(40))
    job = small_job(slides, tmp_path / "job")
    assert [item.slide.name for item in job.items] == ["s0.png", "s1.png", "s1b.svs", "s2.png"]
    statuses = embed(job, Pace())
    assert statuses[0] == statuses[3] == "done" and set(statuses[1:3]) <= {"unreadable", "unsupported"}


def test_nothing_to_do_is_nothing_done(tmp_path: Path) -> None:
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job")
    assert list(embed_here(job, (), MeanColour(), Pace(), lambda item: lambda *_: None)) == []
