"""Patches per second and memory of `saccade embed` beside a bare loop over OpenSlide's `read_region`.

    python benchmarks/slides_speed.py --slides ../shared/data/slides --work /tmp/slides \\
        --out benchmarks/results/2026-11-21-slides-speed.json

The bare loop reads the same regions of the same level with as many threads and throws them away: no tissue, no patches
of the right size, no features, no file. Ours does all of it, from opening the slide to the bag's rename. Both take
turns in one process, each time with a freshly opened slide. Slides: the TCGA slide (JPEG 2000), and a simulated one of
40,000 × 40,000 pixels (JPEG tiles; made if it is not in the work folder, which takes minutes). Memory is the highest a
process of its own ever held, `saccade embed` from its start to its end, all imports included (Linux).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import openslide
from machine import describe_machine

from saccade.core.files import write_text
from saccade.datasets.simulators.slides import simulate_slide
from saccade.features.embedding.job import Job
from saccade.features.embedding.local import embed_here
from saccade.features.embedding.reading import Pace
from saccade.features.embedding.settings import EmbedSettings
from saccade.features.encoders import create_encoder
from saccade.features.patching import PatchPlan, plan_patches
from saccade.imaging.slides import FoundSlide
from saccade.imaging.tissue.of_slide import tissue_of

SOURCE_MPP = 0.25


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slides", type=Path, required=True, help="holds the TCGA slide")
    parser.add_argument("--work", type=Path, required=True, help="where the simulated slides are kept")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    slides = {"tcga-cr-7395": next(arguments.slides.glob("tcga-*.svs"))}
    slides |= {f"simulated {side}": simulated(arguments.work, side) for side in (4_000, 40_000)}
    result = {
        "speed": [
            row for name, path in slides.items() for row in speed(name, path, arguments.workers, arguments.rounds)
        ],
        "memory": [memory(name, path) for name, path in slides.items()],
        "machine": describe_machine(),
    }
    write_text(arguments.out, json.dumps(result, indent=1) + "\n")


def simulated(work: Path, side: int) -> Path:
    """A simulated slide, made once."""
    path = work / f"sim{side}.tiff"
    if not path.is_file():
        simulate_slide(path, side, side, mpp=SOURCE_MPP, seed=1)
    return path


def speed(name: str, path: Path, workers: Sequence[int], rounds: int) -> list[dict[str, Any]]:
    """One row per number of workers: patches per second of both, and the median ratio of the rounds."""
    job = job_of(path, Path("unused"))
    found = job.slides[0].open(SOURCE_MPP)
    tissue, _ = tissue_of(found, job.settings.tissue)
    downsamples = [level.downsample for level in found.levels]
    plan = plan_patches(found.width, found.height, found.mpp.value, downsamples, tissue, job.settings.patches)
    rows = []
    for count in workers:
        ways: dict[str, Callable[[], float]] = {
            "bare": lambda count=count: bare(path, plan, count),
            "ours": lambda count=count: ours(path, count),
        }
        rates: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, run in ways.items():
                rates[way].append(len(plan) / run())
        ratios = [one / other for one, other in zip(rates["ours"], rates["bare"], strict=True)]
        row = {"slide": name, "patches": len(plan), "read_size": plan.read_size, "workers": count}
        row |= {f"{way}_per_second": round(median(values), 1) for way, values in rates.items()}
        row |= {"ratio": round(median(ratios), 3), "ratios": [round(each, 3) for each in ratios]}
        print(row, flush=True)
        rows.append(row)
    return rows


def job_of(path: Path, out: Path) -> Job:
    """A job of one slide with the built-in encoder."""
    encoder = create_encoder("colour-texture")
    settings = EmbedSettings({"name": encoder.name, **encoder.facts}, source_mpp=SOURCE_MPP)
    return Job(out, settings, (FoundSlide(path, path.name),))


def bare(path: Path, plan: PatchPlan, workers: int) -> float:
    """Seconds to read the regions and throw them away, by threads that share one handle.

    As `saccade embed` does, each thread takes 64 regions at a time, or fewer, so that all of them have work.
    """
    start = time.perf_counter()
    size = (plan.read_size, plan.read_size)
    piece = min(64, max(1, ceil(len(plan) / (4 * workers))))
    with openslide.OpenSlide(path) as slide, ThreadPoolExecutor(workers) as pool:

        def read(first: int) -> None:
            for x, y in plan.coords[first : first + piece].tolist():
                slide.read_region((x, y), plan.read_level, size)

        for done in [pool.submit(read, first) for first in range(0, len(plan), piece)]:
            done.result()
    return time.perf_counter() - start


def ours(path: Path, workers: int) -> float:
    """Seconds from the slide's opening to its bag."""
    with tempfile.TemporaryDirectory() as folder:
        job, encoder = job_of(path, Path(folder)), create_encoder("colour-texture")
        start = time.perf_counter()
        (state,) = embed_here(job, job.items, encoder, Pace(workers), lambda _: lambda *_: None)
        seconds = time.perf_counter() - start
    assert state.status == "done", state.error
    return seconds


def memory(name: str, path: Path) -> dict[str, Any]:
    """The most memory `saccade embed` ever held, in a process of its own."""
    program = (
        "from saccade.cli.app import app\ntry:\n    app()\nexcept SystemExit:\n    pass\n"
        "print('peak', *(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", program, "embed", str(path), "--out", folder, "--source-mpp", str(SOURCE_MPP)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    peak = 1024 * int(done.stdout.rsplit("peak ", 1)[1])
    row = {"slide": name, "file_bytes": path.stat().st_size, "peak_bytes": peak}
    print(row, flush=True)
    return row


if __name__ == "__main__":
    main()
