"""What a job survives: kills at random moments, and ten thousand slides.

    python benchmarks/slides_resume.py --work /tmp/resume --out benchmarks/results/2026-11-21-slides-resume.json

*Kills*: `saccade embed` over eight simulated slides is killed (SIGKILL) fifty times, each time after a random share of
the time that the whole job takes, start of the program included; whenever it gets to its end, it begins anew in an
empty folder. Every finished job, and the last, must equal one that was never killed, dataset by dataset, with no file
that the latter has not. *Planning*: a manifest of 10,000 slides, whose pixels are never asked for: seconds to read it
and plan, once with nothing done and once with everything done (states and bags laid there by this program).
"""

import argparse
import csv
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
from machine import describe_machine

from saccade.core.files import write_text
from saccade.datasets.simulators.slides import simulate_slide
from saccade.features.embedding.job import Job, plan
from saccade.features.embedding.settings import EmbedSettings
from saccade.features.embedding.state import SlideState
from saccade.features.encoders import create_encoder
from saccade.imaging.slides import slides_of

KILLS, MANY = 50, 10_000


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="an empty folder")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=KILLS)
    arguments = parser.parse_args()
    result = {
        "kills": kills(arguments.work / "kills", arguments.kills),
        "planning": planning(arguments.work / "planning"),
        "machine": describe_machine(),
    }
    print(result)
    write_text(arguments.out, json.dumps(result, indent=1) + "\n")


def kills(work: Path, wanted: int) -> dict[str, Any]:
    """Kill the job that often; what became of it."""
    slides = work / "slides"
    slides.mkdir(parents=True)
    for number in range(8):
        simulate_slide(slides / f"s{number}.tiff", 3000, 2500, mpp=0.5, seed=number)
    start = time.perf_counter()
    embed(slides, work / "whole", None)
    length = time.perf_counter() - start
    draw, killed, finished, runs = random.Random(0), 0, 0, 0
    expected = contents(work / "whole")
    while killed < wanted:
        runs += 1
        if embed(slides, work / "killed", draw.uniform(0, length)):
            killed += 1
            continue
        finished += 1
        assert contents(work / "killed") == expected
        shutil.rmtree(work / "killed")
    assert not embed(slides, work / "killed", None)
    assert contents(work / "killed") == expected
    counts = {"killed": killed, "jobs_finished_between": finished, "runs": runs, "files": len(expected)}
    return {**counts, "seconds_uninterrupted": round(length, 2), "equal": True, "temporary_files_left": 0}


def embed(slides: Path, out: Path, seconds: float | None) -> bool:
    """Run `saccade embed`; whether it was killed before its end."""
    command = [sys.executable, "-m", "saccade", "embed", str(slides), "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return process.wait() == -signal.SIGKILL
    assert code == 0
    return False


def contents(folder: Path) -> dict[str, Any]:
    """Every file of a job, with the bytes of every dataset of the bags among them."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        found[name] = None
        if path.suffix == ".h5":
            with h5py.File(path) as file:
                found[name] = {key: (file[key].shape, str(file[key].dtype), file[key][:].tobytes()) for key in file}
    return found


def planning(work: Path) -> dict[str, Any]:
    """Seconds to plan a job of ten thousand slides, new and done."""
    slides = work / "slides"
    slides.mkdir(parents=True)
    cv2.imwrite(str(slides / "0.png"), np.full((64, 64, 3), 240, np.uint8))
    with (slides / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "mpp"])
        for number in range(MANY):
            if number:
                shutil.copyfile(slides / "0.png", slides / f"{number}.png")
            writer.writerow([f"{number}.png", 0.5])
    encoder = create_encoder("colour-texture")
    settings = EmbedSettings({"name": encoder.name, **encoder.facts})

    def planned() -> tuple[Job, int, float]:
        start = time.perf_counter()
        job = Job(work / "job", settings, slides_of(slides / "manifest.csv"))
        count = len(plan(job, job.items).todo)
        return job, count, round(time.perf_counter() - start, 2)

    job, new, seconds_new = planned()
    job.bag(job.items[0]).parent.mkdir(parents=True)
    job.state(job.items[0]).parent.mkdir(parents=True)
    for item in job.items:
        known = {"settings": settings.hash(), "outputs": job.outputs(item)}
        state = SlideState(item.slide.name, item.fingerprint, status="empty", **known)
        job.state(item).write_text(state.to_json())
        job.bag(item).touch()
    _, left, seconds_done = planned()
    assert (new, left) == (MANY, 0)
    return {"slides": MANY, "seconds_new": seconds_new, "seconds_all_done": seconds_done}


if __name__ == "__main__":
    main()
