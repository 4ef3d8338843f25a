"""A job killed at any moment goes on where it was, and ends as one that was never killed."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from saccade.features.embedding.local import embed_here
from saccade.features.embedding.reading import Pace
from tests.features.embedding.small_slides import MeanColour, small_job, write_slides
from tests.features.embedding.test_local import contents

PROGRAM = """
import sys, time
from pathlib import Path
from saccade.features.embedding.job import plan
from saccade.features.embedding.local import embed_here
from saccade.features.embedding.reading import Pace
from tests.features.embedding.small_slides import MeanColour, small_job
job = small_job(Path(sys.argv[1]), Path(sys.argv[2]))
slowly = MeanColour(lambda patches: time.sleep(0.01))
print("ready", flush=True)
for state in embed_here(job, plan(job, job.items).todo, slowly, Pace(2, 16), lambda item: lambda *_: None):
    print(state.slide, state.status, flush=True)
"""


def run(slides: Path, out: Path, seconds: float | None) -> int:
    """Run the job in a process of its own, killed some seconds after it began; its exit code."""
    command = [sys.executable, "-c", PROGRAM, str(slides), str(out)]
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": f"{root}/src:{root}"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        if seconds is not None:
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
        return process.wait(120)


def test_killed_jobs_end_as_if_they_never_were(tmp_path: Path) -> None:
    slides = write_slides(tmp_path / "slides", 6)
    whole = small_job(slides, tmp_path / "whole")
    start = time.perf_counter()
    assert all(
        state.finished for state in embed_here(whole, whole.items, MeanColour(), Pace(), lambda _: lambda *_: None)
    )
    length = time.perf_counter() - start
    draw, killed = random.Random(3), 0
    for _ in range(6):
        killed += run(slides, tmp_path / "killed", draw.uniform(0, length)) == -signal.SIGKILL
    assert killed >= 1  # else nothing was tested
    assert run(slides, tmp_path / "killed", None) == 0
    expected, found = contents(whole), contents(small_job(slides, tmp_path / "killed"))
    assert expected.keys() == found.keys()
    assert all((expected[name] == found[name]).all() for name in expected)
    names = {path.relative_to(tmp_path / "killed") for path in (tmp_path / "killed").rglob("*")}
    assert names == {path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*")}


def test_leftovers_of_a_killed_job_are_overwritten(tmp_path: Path) -> None:
    """What a kill in the middle of writing leaves, laid there by hand."""
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job")
    item = job.items[0]
    for path in (job.bag(item), job.patches(item), job.preview(item), job.polygons(item), job.state(item)):
        path.parent.mkdir(parents=True)
        path.with_name(f".{path.name}.partial").write_bytes(b"half of it")
    assert [state.status for state in embed_here(job, job.items, MeanColour(), Pace(), lambda _: lambda *_: None)] == [
        "done"
    ]
    assert not [path for path in job.folder.rglob("*") if "partial" in path.name]
