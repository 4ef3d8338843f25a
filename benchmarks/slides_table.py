"""Write the README's results of slides from the files below benchmarks/results/, between its two markers.

python benchmarks/slides_table.py            # rewrite README.md
python benchmarks/slides_table.py --check    # exit 1 if README.md says anything else
"""

from typing import Any

from span_tables import bag_lines, smear_lines, speed_lines, task_lines
from tables import newest, rewrite

START = "<!-- results:slides -->"


def speed_table(rows: list[dict[str, Any]], peaks: dict[str, int]) -> list[str]:
    """One row per slide and number of threads: patches per second beside bare reading, memory."""
    lines = [
        "| slide | patches | threads | patches/s, bare | patches/s, `embed` | ratio (rounds) | memory, MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        spread = f"{row['ratio']:.2f} ({min(row['ratios']):.2f} – {max(row['ratios']):.2f})"
        lines.append(
            f"| {row['slide']} | {row['patches']:,} | {row['workers']} | {row['bare_per_second']:,.0f} "
            f"| {row['ours_per_second']:,.0f} | {spread} | {peaks[row['slide']] / 1e6:.0f} |"
        )
    return lines


def section() -> str:
    """All that stands between the markers."""
    speed, resume = newest("slides-speed"), newest("slides-resume")
    machine, kills, planning = speed["machine"], resume["kills"], resume["planning"]
    peaks = {row["slide"]: row["peak_bytes"] for row in speed["memory"]}
    equal = "equal those of a job left alone" if kills["equal"] else "DIFFER from those of a job left alone"
    lines = [
        *task_lines(),
        "",
        *smear_lines(),
        "",
        *bag_lines(),
        "",
        *speed_lines(),
        "",
        "Embedding with the built-in encoder, from opening the slide to the bag's name, tissue and preview included, "
        "beside a bare loop over OpenSlide's `read_region` that throws the same regions away. A slide of the TCGA "
        "(JPEG 2000), and simulated ones (JPEG) of 4,000 and 40,000 pixels a side. Median ratio of the rounds; memory "
        "is the most the whole command ever held, with two threads, imports included "
        f"({machine['processor']}, {machine['threads']} threads, {machine['date']}).",
        "",
        *speed_table(speed["speed"], peaks),
        "",
        f"A small job killed {kills['killed']} times at random moments: its datasets {equal}, and "
        f"{kills['temporary_files_left']} temporary files are left. A manifest of {planning['slides']:,} slides is "
        f"planned in {planning['seconds_new']:.1f} s, and with all of them done gone through in "
        f"{planning['seconds_all_done']:.1f} s.",
        "",
        "Remade by `benchmarks/slides_tasks.py`, `slides_smears.py`, `mil_bags.py`, `span_speed.py`, "
        "`slides_speed.py`, `slides_resume.py` and `slides_table.py`.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    rewrite(START, section(), __doc__)
