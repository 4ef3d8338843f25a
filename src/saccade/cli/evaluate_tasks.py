"""``saccade evaluate`` for runs of slides that give something else than a class: which slides, and by whom."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from saccade.cli.console import say, warn
from saccade.cli.evaluate_segmentation import evaluate_segmentation, validate_segmentation
from saccade.cli.evaluate_survival import evaluate_survival, validate_survival
from saccade.cli.predict import FINISHED_WITH_FAILURES

if TYPE_CHECKING:
    from saccade.inference.parts import Chosen
    from saccade.inference.runs import Run

_EVALUATED: "dict[str, Callable[[Any, Run, Chosen, Mapping[str, Path], Path], int]]" = {
    "survival": evaluate_survival,
    "segmentation": evaluate_segmentation,
}
_VALIDATED: "dict[str, Callable[[Any, Run, Chosen, Mapping[str, Path]], str]]" = {
    "survival": validate_survival,
    "segmentation": validate_segmentation,
}


def evaluate_task(
    run: "Run", data: Path, features: Path | None, out: Path, split: str = "", device: str | None = None
) -> None:
    """Judge a run by the slides it has not been trained on; what is written depends on its task.

    Args:
        run: What is evaluated.
        data: A table of slides.
        features: Folder of their features; that of the training where not given.
        out: The folder.
        split: The part; the test part where the data is split.
        device: Where to compute.

    Raises:
        BadInput: The data does not tell what the run is to be judged by, or no slide can be predicted.
    """
    from saccade.core.manifest import part_of
    from saccade.evaluation.labelled import open_labelled
    from saccade.inference.hub import open_slide_predictor, task_of
    from saccade.inference.parts import choose_of_run

    rows = open_labelled(run, data, features)
    chosen = choose_of_run(run, rows.manifest, part_of(split, "--split"))
    for note in chosen.notes:
        warn(f"note: {note}")
    for problem in rows.problems:
        warn(f"skipped: {problem}")
    part = f"{chosen.part} part" if chosen.part else "all there are"
    say(f"evaluating {len(chosen.manifest)} slides, {part}")
    predictor = open_slide_predictor(run.package, device)
    if _EVALUATED[task_of(run.package)](predictor, run, chosen, rows.bags, out) or rows.problems:
        raise typer.Exit(FINISHED_WITH_FAILURES)


def validate_task(run: "Run", data: Path) -> str:
    """What a run that has just been trained comes to on its validation part, in one line."""
    from saccade.evaluation.labelled import open_labelled
    from saccade.inference.hub import open_slide_predictor, task_of
    from saccade.inference.parts import choose_images

    rows = open_labelled(run, data)
    chosen = choose_images(rows.manifest, run.splits, data, "val")
    predictor = open_slide_predictor(run.package)
    return _VALIDATED[task_of(run.package)](predictor, run, chosen, rows.bags)
