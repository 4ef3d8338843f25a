"""The README's tables of SPAN and its peers; `slides_table.py` puts them in their place."""

from typing import Any

from tables import RESULTS, Results, load_results, newest

TASKS = ("shift", "pyramid", "global")
ROWS = ("span", "no-shift", "no-pyramid", "no-global-token", "mean-pooling", "gated-abmil")
OWN_SIZE, THEIR_SIZE = "span", "span, 256 wide"

MODES = ("forward", "step")


def task_lines() -> list[str]:
    """What each ablation makes of the three simulated tasks."""
    found = {task: load_results(RESULTS / "slides-tasks", f"{task}-") for task in TASKS}
    one = found[TASKS[0]]["span"][0]
    longest = max(one["tokens_per_slide"] for each in found.values() for ones in each.values() for one in ones)
    lines = [
        f"Three simulated tasks, made so that a part of SPAN, or two, cannot be missed (at most {longest} patches a "
        f"slide, {one['test_slides']:,} test slides, accuracy in per cent, a figure per seed; chance is 50):",
        "",
        f"| model | {' | '.join(TASKS)} | parameters |",
        "|---|---|---|---|---|",
    ]
    for name in ROWS:
        cells = [_seeds(found[task], name) for task in TASKS]
        lines.append(f"| {name} | {' | '.join(cells)} | {found[TASKS[0]][name][0]['parameters']:,} |")
    return lines


def _seeds(results: Results, name: str) -> str:
    return " ".join(f"{100 * one['accuracy']['value']:.1f}" for one in results.get(name, []))


def bag_lines() -> list[str]:
    """The peers on bags without coordinates, beside what is published and how that was counted."""
    found = newest("mil-bags")
    kinds = list(found["data"])
    lines = [
        f"Classic bags without coordinates, {found['settings']['folds']}-fold cross-validation, accuracy in per cent "
        "with its 95 % interval over bags, of the last epoch. SPAN is not among them: it wants coordinates. "
        "Variations of gated-abmil and dsmil were chosen after test folds had been seen. *Best epoch* counts the way "
        "DSMIL's released script does: of each fold the epoch and the threshold that suit its test bags best; it is "
        "nobody's accuracy. Published: max-pooling is MI-Net of Wang et al. 2018, as quoted by Waqas et al. 2024, "
        "table 2; gated-abmil (Ilse et al. 2018) and dsmil (Li et al. 2021, best epoch) are quoted from memory.",
        "",
        f"| model | {' | '.join(kinds)} | {' | '.join(f'{kind}, best epoch' for kind in kinds)} | published | seeds |",
        "|---|" + "---|" * (2 * len(kinds) + 2),
    ]
    for name in found["settings"]["peers"]:
        rows = [found["data"][kind].get(name) for kind in kinds]
        seeds = " ".join(dict.fromkeys(str(row["seeds"]) for row in rows if row))
        best = [f"{100 * row['optimistic']:.1f}" if row else "–" for row in rows]
        known = [f"{100 * row['published']:.1f}" for row in rows if row and "published" in row and "," not in name]
        figures = [*(_percent(row and row["accuracy"]) for row in rows), *best, " / ".join(known) or "–", seeds]
        lines.append(f"| {name} | {' | '.join(figures)} |")
    return lines


def _percent(figure: dict[str, Any] | None) -> str:
    if not figure:
        return "–"
    return f"{100 * figure['value']:.1f} ({100 * figure['low']:.1f} – {100 * figure['high']:.1f})"


def smear_lines() -> list[str]:
    """Every peer on virtual smears, and what SPAN has over it."""
    found = newest("slides-smears")
    minutes, cells = found["seconds"]["all"]["processor"] / 60, found["composed"]["cells"]
    lines = [
        f"Virtual smears (a proxy: real cells pasted on real glass, no patients): is one to three of some {cells[0]} "
        f"to {cells[1]} cells a basophil? {found['slides']} slides of {found['made_up_donors']} made-up donors, bags "
        "by a Saccade cell model (taught anew after a first one, which took green glass for cells, had been seen on "
        f"test folds), nested {found['folds']}-fold cross-validation grouped by donor, all models as wide, "
        f"{minutes:.0f} minutes of one core in all. Intervals are 95 %, over donors; the last two columns are paired:",
        "",
        "| model | parameters | accuracy, % | AUROC | SPAN's accuracy less this, points | SPAN's AUROC less this |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in found["models"].items():
        less = row.get("span_less_this")
        gains = (_points(less["accuracy"], 100, 1), _points(less["auroc"], 1, 3)) if less else ("–", "–")
        auroc = row["auroc"]
        lines.append(
            f"| {name} | {row['parameters']:,} | {_percent(row['accuracy'])} "
            f"| {auroc['value']:.3f} ({auroc['low']:.3f} – {auroc['high']:.3f}) | {gains[0]} | {gains[1]} |"
        )
    return lines


def _points(figure: dict[str, Any], factor: float, digits: int) -> str:
    value, low, high = (factor * figure[key] for key in ("value", "low", "high"))
    return f"{value:+.{digits}f} ({low:+.{digits}f} – {high:+.{digits}f})"


def speed_lines() -> list[str]:
    """Time and memory of SPAN beside its floor and its peers."""
    found = newest("span-speed")
    cost = _Cost(found["rows"])
    machine = found["machine"]
    lines = [
        f"Cost of a slide of 1024 numbers a patch whose tissue fills half of its bounding box in blobs, all models in "
        "turns in one process, which was stopped once and gone on with "
        f"({machine['processor']}, {machine['threads']} threads, {machine['date']}, torch "
        f"{machine['torch']}). Memory is the peak of a process of its own over its base, features and weights "
        "included. `dense` is attention of every patch to every other, as wide and deep as SPAN:",
        "",
        "| model | parameters | forward 10k, s | 20k | 100k | MB at 20k | step 20k, s | MB at 20k |",
        "|---|---|---|---|---|---|---|---|",
        *(cost.line(name) for name in cost.names),
        "",
        cost.floor_line(),
        "",
        again_line(),
        "",
        cost.peers_line(),
        "",
        cost.growth_line(),
    ]
    return lines


def again_line() -> str:
    """SPAN at 20,000 patches once more, before and after its layers kept more for their gradient."""
    found = newest("span-step")
    (forward, step), (later_forward, later_step) = (
        [next(row for row in found[when] if (row["places"], row["mode"]) == ("blobs 50 %", mode)) for mode in MODES]
        for when in ("before", "after")
    )
    return (
        f"Measured again with {step['rounds']} and {later_step['rounds']} rounds on a machine left alone (plain "
        f"products at {later_step['gemm_gflops_per_second']:.0f} GFLOP/s), the forward pass takes "
        f"{forward['over_floor']:.2f} and {later_forward['over_floor']:.2f} times its floor, and a training step "
        f"{step['over_floor']:.2f} times before and {later_step['over_floor']:.2f} times since a layer keeps its "
        f"queries and the cells after attention for its gradient: {later_step['seconds']:.1f} s and "
        f"{later_step['peak_memory_bytes'] / 1e6:.0f} MB. The table's steps are from before."
    )


class _Cost:
    """Cells of the study of speed, asked for by name."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = {(row["places"][:6].strip(), row["tokens"], row["mode"], row["model"]): row for row in rows}
        self.names = list(dict.fromkeys(row["model"] for row in rows))

    def of(self, name: str, tokens: int, mode: str = "forward", places: str = "blobs") -> dict[str, Any]:
        return self.rows[places, tokens, mode, name]

    def ratio(self, name: str, other: str, tokens: int, key: str, mode: str = "forward") -> float:
        return self.of(name, tokens, mode)[key] / self.of(other, tokens, mode)[key]

    def line(self, name: str) -> str:
        """A model's row of the table."""
        forward, step = self.of(name, 20_000), self.of(name, 20_000, "step")
        cells = [_seconds(self.of(name, tokens)) for tokens in (10_000, 20_000, 100_000)]
        cells += [_megabytes(forward), _seconds(step), _megabytes(step)]
        return f"| {name} | {forward['parameters']:,} | {' | '.join(cells)} |"

    def floor_line(self) -> str:
        """Seconds over those that the products alone would take."""
        blobs, tenth = (
            [self.of(OWN_SIZE, 20_000, mode, places)["over_floor"] for mode in ("forward", "step")]
            for places in ("blobs", "random")
        )
        return (
            f"At 20,000 patches SPAN's forward pass takes {blobs[0]:.2f} times, and a training step {blobs[1]:.2f} "
            "times what its matrix products alone would at the rate of plain ones measured beside it, those counted "
            f"that remain after the exact savings; {tenth[0]:.2f} and {tenth[1]:.2f} times where patches fill a tenth "
            "of the box at random."
        )

    def peers_line(self) -> str:
        """Ratios to TransMIL at its size, and to dense attention."""
        ratios = [
            f"{self.ratio('transmil', THEIR_SIZE, tokens, 'seconds'):.1f} times faster with "
            f"{100 - 100 * self.ratio(THEIR_SIZE, 'transmil', tokens, 'peak_memory_bytes'):.0f} % less memory at "
            f"{tokens:,} patches"
            for tokens in (10_000, 50_000)
        ]
        dense = [self.ratio("dense", OWN_SIZE, 20_000, "seconds", mode) for mode in ("forward", "step")]
        return (
            f"At TransMIL's number of parameters SPAN's forward pass is {ratios[0]}, and {ratios[1]}. Dense attention "
            f"takes {dense[0]:.0f} times as long as SPAN at 20,000, a training step {dense[1]:.0f} times (without "
            "dropout, which would cost it more)."
        )

    def growth_line(self) -> str:
        """From 10,000 patches to 100,000, and to a million."""
        growth = [
            f"{work(self.of(OWN_SIZE, 100_000, mode)) / work(self.of(OWN_SIZE, 10_000, mode)):.1f}"
            for mode in ("forward", "step")
            for work in (_work, _peak, _time)
        ]
        million = self.of(OWN_SIZE, 1_000_000)["peak_memory_bytes"] / 2**30
        return (
            f"Ten times the patches, 100,000 for 10,000, take {growth[0]} times the time at the same rate of plain "
            f"products ({growth[2]} by the clock: the machine was not equally fast) and {growth[1]} times the memory; "
            f"in training {growth[3]} ({growth[5]}) and {growth[4]}. A forward pass over 1,000,000 takes "
            f"{million:.1f} GiB."
        )


def _work(row: dict[str, Any]) -> float:
    """Seconds at the same rate of plain products, which differs from cell to cell."""
    return row["seconds"] * row["gemm_gflops_per_second"]


def _time(row: dict[str, Any]) -> float:
    return row["seconds"]


def _peak(row: dict[str, Any]) -> float:
    return row["peak_memory_bytes"]


def _seconds(row: dict[str, Any]) -> str:
    return f"{row['seconds']:.3g}" if "seconds" in row else "over 120"


def _megabytes(row: dict[str, Any]) -> str:
    return f"{row['peak_memory_bytes'] / 1e6:,.0f}" if "peak_memory_bytes" in row else "–"
