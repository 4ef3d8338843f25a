"""``saccade bench``: models side by side on one data set."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from saccade.cli.console import say, show_table, with_interval
from saccade.core.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from saccade.training.bench import Entrant

_SCALES = {"cells": "cell", "fields": "field", "slides": "slide"}
_QUICK_CELLS, _QUICK_FIELDS = {"train": 160, "val": 20, "test": 24}, {"train": 32, "val": 12, "test": 20}
_QUICK_PER_DONOR = 2  # cells of each kind, so that the test part has 12 donors to draw intervals over
_CELLS, _FIELDS = 240, {"train": 240, "val": 60, "test": 120}
_QUICK_SLIDES, _SLIDES = {"train": 24, "val": 8, "test": 16}, {"train": 120, "val": 40, "test": 80}
_QUICK = {"cell": ("training.epochs=24",), "field": ("training.epochs=6",), "slide": ("training.epochs=4",)}
_QUICK_STAGES = ("curriculum.warm_up=1", "curriculum.reading=1")


def bench(
    scale: Annotated[str, typer.Argument(help="cells, fields or slides.")],
    out: Annotated[Path, typer.Option(help="JSON file of rows; what it holds already is not measured again.")],
    data: Annotated[Path | None, typer.Option(help="What to train and judge on; simulated images by default.")] = None,
    features: Annotated[Path | None, typer.Option(help="Of slides: folder of the features of --data's slides.")] = None,
    models: Annotated[str | None, typer.Option(help="Names with commas between; some of each role by default.")] = None,
    seeds: Annotated[int, typer.Option(help="Trainings of each model.", min=1)] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="A small version in minutes, to see that it works.")] = False,
) -> None:
    """Train several models on one data set and set accuracy beside cost: a JSON file of rows and a picture.

    The test part is read once by each row. A bench that was stopped goes on where it was. Without --data the images are
    simulated, and the rows say so; of slides, their features are.
    """
    from saccade.core.files import check_writable, write_bytes
    from saccade.evaluation.paired_rows import paired_lines
    from saccade.inference.plotting import figure_png
    from saccade.report.bench_figure import bench_figure
    from saccade.training.bench import bench as run_bench
    from saccade.training.bench import enlarged
    from saccade.training.engine import stopped_with

    kind = _SCALES.get(scale)
    if kind is None:
        raise BadInput(f"there is no bench of {scale!r}", "say cells, fields or slides")
    _check_features(kind, data, features)
    if out.suffix.lower() != ".json":
        raise BadInput("is no name for a JSON file", "choose --out NAME.json", str(out))
    entrants = _entrants(kind, models, seeds, quick)
    check_writable(out)
    source, name = (data, _named(data, features)) if data else _simulated(kind, out, quick)
    if kind == "slide" and features is None:
        features = source.parent
    if kind == "cell" and (note := enlarged(source, entrants)):
        say(note)
    with stopped_with("run the same command again; the rows that are done are kept"):
        rows = run_bench(source, entrants, out, name, say, features)
    rows = [row for row in rows if row["data"] == name]
    write_bytes(out.with_suffix(".png"), figure_png(bench_figure(rows, name)))
    speeds = _speeds(rows, "slides/s" if kind == "slide" else "images/s")
    columns = ("model", "seed", "accuracy", "read", "looked at", "parameters", "FLOPs", *speeds, "peak memory")
    say(f"{name}:")
    show_table(columns, [_line(row, speeds) for row in rows], right=columns[1:])
    for line in paired_lines(rows):
        say(line)
    say(f"written: {out}, {out.with_suffix('.png')}")


def _named(data: Path, features: Path | None) -> str:
    """Data by its path, with the word for images that are simulated or proxies."""
    from saccade.datasets.bags import open_bags
    from saccade.datasets.sources import open_manifest, origin_of

    if features is None:
        origin = origin_of(open_manifest(data))
    else:
        bags = open_bags(data, features)
        origin = origin_of(bags.manifest, bags.paths)
    return f"{data} ({origin})" if origin else str(data)


def _check_features(kind: str, data: Path | None, features: Path | None) -> None:
    """Labels and features of slides go together; nothing else has features."""
    if kind != "slide" and features is not None:
        raise BadInput(f"{kind}s have no features", "leave out --features", str(features))
    if kind == "slide" and (data is None) != (features is None):
        message = "a bench of slides takes a table of labels and the folder of their features"
        raise BadInput(message, "give both --data and --features, or neither", str(data or features))


def _entrants(kind: Any, models: str | None, seeds: int, quick: bool) -> "Sequence[Entrant]":
    """Who takes part; a name of another scale is refused before anything is trained."""
    from saccade.models import MODELS
    from saccade.training.bench import Entrant, default_entrants

    def changes(name: str) -> tuple[str, ...]:
        return _quick_changes(kind, name) if quick else ()

    if models is None:
        return default_entrants(kind, seeds, changes)
    names = tuple(name.strip() for name in models.split(",") if name.strip())
    if not names:
        raise BadInput("--models names nobody", "write names with commas between, or leave it out")
    for name in names:
        if (MODELS[name].scale, MODELS[name].task) != (kind, "classification"):
            known = ", ".join(MODELS.names(kind, "classification"))
            raise BadInput(f"{name} is no classifier of {kind}s", f"choose among {known}")
    return [Entrant(name, seed, changes(name)) for seed in range(seeds) for name in names]


def _quick_changes(kind: str, name: str) -> tuple[str, ...]:
    """What a quick look changes in a recipe; a model that learns in stages is to get through them."""
    from saccade.training.recipe import STAGED

    return (*_QUICK[kind], *(_QUICK_STAGES if name in STAGED else ()))


def _simulated(kind: str, out: Path, quick: bool) -> tuple[Path, str]:
    """Simulated images beside the output, made once; the few of a quick look in a folder of their own."""
    folder = out.with_suffix(".quick.data" if quick else ".data")
    if not (folder / "manifest.csv").is_file():
        say("simulating images: none of them is real")
        if kind == "cell":
            from saccade.datasets.simulators.cell_sets import write_dataset

            if quick:
                write_dataset(folder, _QUICK_CELLS, per_donor=_QUICK_PER_DONOR)
            else:
                write_dataset(folder, _CELLS)
        elif kind == "slide":
            from saccade.datasets.simulators.slides.bags import simulate_bags

            simulate_bags(folder, _QUICK_SLIDES if quick else _SLIDES)
        else:
            from saccade.datasets.composers import compose_fields

            compose_fields(folder, counts=_QUICK_FIELDS if quick else _FIELDS, size=512 if quick else 1024)
    return folder / "manifest.csv", f"simulated {kind}s{', quick' if quick else ''}"


def _speeds(rows: "Sequence[dict[str, Any]]", unit: str) -> dict[str, str]:
    """The columns of speed, one for each number of images handed in together, and the key of each."""
    keys = sorted({key for row in rows for key in row["images_per_second"]}, key=int)
    return {unit if len(keys) == 1 else f"{unit} by {key}": key for key in keys}


def _line(row: dict[str, Any], speeds: "Mapping[str, str]") -> tuple[str, ...]:
    """A row of the table; what nobody counted is a dash."""
    from saccade.report.bench_figure import row_name
    from saccade.report.words import amount

    fractions = (row["pixels_read_fraction"], row["pixels_looked_fraction"])
    rates = (row["images_per_second"].get(key) for key in speeds.values())
    return (
        row_name(row),
        "–" if row["seed"] is None else str(row["seed"]),
        "not trained" if row["accuracy"] is None else with_interval(row["accuracy"], ".1%"),
        *("–" if fraction is None else f"{fraction:.1%}" for fraction in fractions),
        amount(row["parameters"]),
        amount(row["flops_per_image"]),
        *("–" if rate is None else f"{rate:.3g}" for rate in rates),
        amount(row["peak_memory_bytes"], "B"),
    )
