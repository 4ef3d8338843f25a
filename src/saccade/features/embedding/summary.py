"""``summary.md``: what became of every slide of a job, and where the time went."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from saccade.core.files import claimed_path
from saccade.features.embedding.job import Job
from saccade.features.embedding.state import SlideState, load_state

STAGES = ("open", "tissue", "read", "decode", "encode", "write", "wall")
_BAR = "\\|"  # a bar that is no border between two cells
_LISTED = 1000  # slides in the table; a job's other slides are in its state files


def states_of(job: Job) -> list[SlideState]:
    """The states of all slides of a job, other shards' too; those never begun have none."""
    found = (load_state(job.state(item)) for item in job.items)
    return [state for state in found if state is not None]


def write_summary(job: Job, states: Sequence[SlideState], shard: str = "") -> Path:
    """Write the summary, failures first.

    Args:
        job: The job.
        states: Of its slides.
        shard: Name of the share of the job that writes, so that two of them never write to one temporary file.
    """
    path = job.folder / f"summary{shard}.md"
    with claimed_path(path) as temporary:
        temporary.write_text("\n".join([*_head(job, states), *_failures(job, states), *_table(states)]) + "\n", "utf-8")
    return path


def _head(job: Job, states: Sequence[SlideState]) -> list[str]:
    counts = Counter(state.status for state in states)
    counts["not begun"] = len(job.items) - len(states)
    words = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    patches = sum(state.patches or 0 for state in states if state.finished)
    return [
        f"# {len(job.items)} slides: {words}",
        "",
        f"{patches:,} patches of {job.settings.patches.patch} pixels at {job.settings.patches.mpp:g} µm per pixel, "
        f"encoder {job.settings.encoder['name']}; settings {job.settings.hash()}.",
        "",
        *_times(states),
    ]


def _times(states: Sequence[SlideState]) -> list[str]:
    total = Counter[str]()
    for state in states:
        total.update(state.seconds)
    if not total:
        return []
    work = sum(value for stage, value in total.items() if stage != "wall") or 1.0
    rows = [f"| {stage} | {total[stage]:.1f} | {100 * total[stage] / work:.0f} |" for stage in STAGES[:-1]]
    return [
        "Time per stage, over all threads, which overlap. *Tissue* and *read* both hold files and decompression, which "
        "OpenSlide does in one: *tissue* that of the level it looks at, *read* that of the patches. Where a level is "
        "small enough to be kept whole (8 megapixels in OpenSlide), or the whole file is a plain picture, patches come "
        "from what is unpacked already, and *read* is next to nothing. *Decode* is from there to patches of the wanted "
        "size.",
        "",
        "| stage | seconds | % |",
        "|---|---|---|",
        *rows,
        "",
    ]


def _failures(job: Job, states: Sequence[SlideState]) -> list[str]:
    failed = [state for state in states if not state.finished]
    lines = [f"- **{state.status}** {state.slide}: {state.error or 'stopped while at work'}" for state in failed]
    lines += [f"- **refused** {problem}" for problem in job.refused]
    return ["## Without a bag", "", *lines, ""] if lines else []


def _table(states: Sequence[SlideState]) -> list[str]:
    columns = ("slide", "status", "patches", "µm/px", "from", *STAGES, "attempts")
    lines = ["## Slides", "", f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for state in states[:_LISTED]:
        seconds = [f"{state.seconds[stage]:.2f}" if stage in state.seconds else "" for stage in STAGES]
        mpp = f"{state.mpp['value']:.4g}" if state.mpp else ""
        facts = (state.slide, state.status, "" if state.patches is None else str(state.patches), mpp)
        cells = (*facts, state.mpp.get("source", ""), *seconds, str(state.attempts))
        lines.append(f"| {' | '.join(cell.replace('|', _BAR) for cell in cells)} |")
    if len(states) > _LISTED:
        lines += ["", f"{len(states) - _LISTED} more are in `state/`."]
    return lines
