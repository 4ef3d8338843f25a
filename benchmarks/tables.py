"""What the tables of results have in common: reading the files, differences, and the rows between markers."""

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from saccade.core.files import write_text
from saccade.evaluation.comparison import Difference, paired_difference

RESULTS = Path(__file__).parent / "results"
README = RESULTS.parent.parent / "README.md"
END = "<!-- results:end -->"

Results = dict[str, list[dict[str, Any]]]


def load_results(folder: Path, prefix: str = "", key: str = "model", order: str = "seed") -> Results:
    """Every file of a study, by model, seeds in order; or by another key, in another order."""
    results: Results = defaultdict(list)
    for path in sorted(folder.glob(f"{prefix}*.json")):
        one = json.loads(path.read_text())
        results[one[key]].append(one)
    return {name: sorted(ones, key=lambda one: one[order]) for name, ones in results.items()}


def newest(ending: str) -> Any:
    """What the last file of its kind holds, by the date in its name."""
    return json.loads(max(RESULTS.glob(f"*-{ending}.json")).read_text())


def correct(ones: list[dict[str, Any]]) -> np.ndarray:
    """Whether each image was classified rightly, one row per seed; of a study's files or of the rows of a bench."""
    found = [one["right"] if "right" in one else np.equal(one["predicted"], one["labels"]) for one in ones]
    return np.array(found, dtype=float)


def difference(results: Results, model: str, other: str | None) -> Difference:
    """Accuracy of a model minus another's on the same images and seeds; minus zero where there is no other."""
    seeds = [one["seed"] for one in results[model]]
    if other:
        seeds = [one["seed"] for one in results[other] if one["seed"] in seeds]
    ours = correct([one for one in results[model] if one["seed"] in seeds])
    theirs = correct([one for one in results[other] if one["seed"] in seeds]) if other else np.zeros_like(ours)
    return paired_difference(ours, theirs, results[model][0]["cases"])


def accuracy(results: Results, model: str) -> str:
    """Percent, with its interval."""
    value = difference(results, model, None)
    bounds = "" if value.low is None or value.high is None else f" ({100 * value.low:.1f} – {100 * value.high:.1f})"
    return f"{100 * value.value:.1f}{bounds}"


def points(found: Difference) -> str:
    """A difference in percentage points, with its interval."""
    known = found.low is not None and found.high is not None
    return f"{100 * found.value:+.1f}" + (f" ({100 * found.low:+.1f} … {100 * found.high:+.1f})" if known else "")


def mean(ones: list[dict[str, Any]], key: str) -> float:
    """A figure over the seeds."""
    return float(np.mean([one[key] for one in ones]))


def pair_lines(results: Results, pairs: tuple[tuple[str, str], ...]) -> list[str]:
    """Paired differences that the text speaks of, over the seeds that both have."""
    lines = ["| paired difference, points | value | 95 % interval | seeds |", "|---|---|---|---|"]
    for model, other in pairs:
        if model in results and other in results:
            found = difference(results, model, other)
            seeds = len({one["seed"] for one in results[model]} & {one["seed"] for one in results[other]})
            known = found.low is not None and found.high is not None
            bounds = f"{100 * found.low:+.1f} … {100 * found.high:+.1f}" if known else "–"
            lines.append(f"| {model} − {other} | {100 * found.value:+.1f} | {bounds} | {seeds} |")
    return lines


def rewrite(start: str, section: str, how: str | None, page: Path = README) -> None:
    """Put a section between its markers on a page; or, with ``--check``, exit 1 if the page says anything else."""
    parser = argparse.ArgumentParser(description=how, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(start)
    after = rest.split(END, 1)[1]
    made = f"{before}{start}\n{section}\n{END}{after}"
    if not arguments.check:
        write_text(page, made)
    elif made != text:
        sys.exit(f"{page.name} does not say what the results say: run benchmarks/{Path(sys.argv[0]).name}")
