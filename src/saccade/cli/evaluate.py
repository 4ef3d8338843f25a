"""``saccade evaluate``: how good a run is on images it was not trained on."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from saccade.cli.console import progress, say, warn, with_interval
from saccade.cli.predict import FINISHED_WITH_FAILURES, patch_side, tell_training, warn_of_small
from saccade.core.errors import BadInput

if TYPE_CHECKING:
    from saccade.evaluation.assessment import Judged, LabelledImage
    from saccade.inference.hub import AnyPredictor
    from saccade.inference.parts import Chosen
    from saccade.inference.runs import Run
    from saccade.report.field_data import RunRow


def evaluate(
    run: Annotated[str, typer.Argument(help="Folder of a run, or owner/name on the Hugging Face hub.")],
    data: Annotated[
        Path, typer.Option(help="Folder of class folders, manifest.csv or MedMNIST .npz; of slides, a table of labels.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write to; the three files in it are replaced.")] = Path("eval"),
    split: Annotated[str, typer.Option(help="train, val or test; test where the data is split.")] = "",
    features: Annotated[
        Path | None, typer.Option(help="Of slides, the folder of their features; that of the training by default.")
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="CSV from,to: how other class names are called here.")] = None,
    device: Annotated[str | None, typer.Option(help="Such as cpu or cuda:0; the fastest there is by default.")] = None,
    draws: Annotated[
        int | None, typer.Option(help="Also predict from so many sets of random draws, and tell their spread.", min=2)
    ] = None,
    beside: Annotated[
        list[str] | None, typer.Option(help="A further run on the same split, with other patches, for the report.")
    ] = None,
) -> None:
    """Measure a run on labelled images: predictions.csv, metrics.json and report.html.

    Images the run knows are judged by its own split: the test part, unless --split says otherwise. Images it does not
    know are judged by their own split where they have one, else all of them. Images that cannot be opened are left out,
    with a line for each; the exit code is then 3.

    Of a run of survival, --data has the columns time and event; a picture, survival.png, stands in for the report. Of a
    segmenter it has the column annotation_path, and maps of the patches stand in for it.
    """
    from saccade.cli.evaluate_tasks import evaluate_task
    from saccade.core.contract import SparseClassifier
    from saccade.core.manifest import part_of
    from saccade.evaluation.labelled import label_images, open_labelled
    from saccade.evaluation.labels import load_label_map
    from saccade.inference.draws import draws_of
    from saccade.inference.hub import find_model, task_of
    from saccade.inference.parts import choose_of_run
    from saccade.inference.runs import Run

    if out.exists() and not out.is_dir():
        raise BadInput("is a file, not a folder", "choose another --out", str(out))
    opened = Run.open(find_model(run))
    tell_training(opened.package)
    if task_of(opened.package) != "classification":
        for name, given in (("labels", labels), ("draws", draws), ("beside", beside)):
            if given:
                raise BadInput(f"--{name} is for runs that give a class", "leave it out", run)
        evaluate_task(opened, data, features, out, split, device)
        return
    assert isinstance(opened.package.model, SparseClassifier)
    classes = opened.package.model.classes
    if draws is not None:
        draws_of(opened.package.model, draws)
    mapping = load_label_map(labels, classes) if labels else None
    part = part_of(split, "--split")
    rows = open_labelled(opened, data, features)
    chosen = choose_of_run(opened, rows.manifest, part)
    others = [comparable(Run.open(find_model(other)), opened, chosen, data, part) for other in beside or ()]
    images = label_images(chosen.manifest, classes, mapping, rows.bags)
    for note in chosen.notes:
        warn(f"note: {note}")
    for problem in rows.problems:
        warn(f"skipped: {problem}")
    counted = "slides" if rows.bags else "images"
    say(f"evaluating {len(images)} {counted}, {chosen.part + ' part' if chosen.part else 'all there are'}")
    if evaluate_run(opened, chosen, images, out, device, others, draws) or rows.problems:
        raise typer.Exit(FINISHED_WITH_FAILURES)


def evaluate_run(
    run: "Run",
    chosen: "Chosen",
    images: "list[LabelledImage]",
    out: Path,
    device: str | None = None,
    beside: "Sequence[Run]" = (),
    draws: int | None = None,
) -> int:
    """Predict, measure and report into a folder; returns how many images could not be opened.

    Args:
        run: What is evaluated.
        chosen: Which images these are.
        images: The same, numbered.
        out: The folder.
        device: Where to compute.
        beside: Further runs of the method, judged on the same images for the report's comparison.
        draws: Sets of random draws to predict from as well; none where not given.
    """
    from saccade.core.files import write_json
    from saccade.evaluation.assessment import judge, knowing_predictor
    from saccade.evaluation.costs import costs_of
    from saccade.inference.tables import prediction_table
    from saccade.report.field_gathering import pointing_figures
    from saccade.report.gathering import bags_of, report_data
    from saccade.report.report import write_report
    from saccade.report.slide_gathering import pointing_figures as slide_pointing_figures

    predictor = knowing_predictor(run, chosen.manifest, device)
    with prediction_table(out / "predictions.csv", predictor.classes, labelled=True) as table:
        with progress("predicting") as tell:
            judged = judge(predictor, images, tell, table, warn)
        metrics = judged.metrics(predictor.classes)
    warn_of_small(sum(min(extent) < patch_side(predictor) for extent in judged.extents))
    shown = {**metrics.as_dict(), **_drawn(predictor, judged, draws)}
    say("measuring cost")
    costs = costs_of(predictor, judged)
    cost = shown["cost"] = costs[predictor.model.config["model"]]
    about = about_run(run, chosen, judged.failed, bags_of(judged.images))
    write_json(out / "metrics.json", {**shown, "about": about})
    say("measuring explanations")
    rows = [run_row(run, shown), *(_row_of(other, chosen, images) for other in beside)] if beside else None
    page = report_data(run, predictor, chosen.manifest, judged, metrics, costs, chosen.part, runs=rows)
    if page.box_pointing is not None:
        shown["box_pointing"] = pointing_figures(page.box_pointing)
    if page.slide_pointing is not None:
        shown["slide_pointing"] = slide_pointing_figures(page.slide_pointing)
    write_json(out / "metrics.json", {**shown, "about": about})  # again: explanations are measured late and slowly
    write_report(out / "report.html", page)
    say(headline(shown, cost, origin=about["origin"], noun=page.noun))
    if draws is not None:
        say(draws_line(shown["draws"]))
    say(f"written: {out / 'predictions.csv'}, {out / 'metrics.json'}, {out / 'report.html'}")
    return judged.failed


def _drawn(predictor: "AnyPredictor", judged: "Judged", draws: int | None) -> dict[str, Any]:
    """What sets of random draws say beside, where they were asked for."""
    from saccade.evaluation.draws import judge_draws
    from saccade.inference.predictor import Predictor

    if draws is None:
        return {}
    assert isinstance(predictor, Predictor)  # models of slides draw nothing, and were refused
    with progress("drawing") as tell:
        return {"draws": judge_draws(predictor, judged, draws, tell)}


def about_run(run: "Run", chosen: "Chosen", failed: int, bags: Iterable[Path] = ()) -> dict[str, Any]:
    """Whose figures these are, and of what.

    Args:
        run: What is evaluated.
        chosen: On which images.
        failed: How many of them could not be opened.
        bags: Files of features, of slides; they may say that these are simulated.
    """
    from saccade.datasets.sources import origin_of

    origin = origin_of(chosen.manifest, bags)
    return {
        "model": run.package.model.config["model"],
        "run": str(run.folder),
        "data": str(chosen.manifest.source),
        "split": chosen.part or None,
        "simulated": origin.startswith("simulated"),
        "origin": origin,
        "model_origin": run.package.origin,
        "images_failed": failed,
    }


def comparable(other: "Run", run: "Run", chosen: "Chosen", data: Path, part: str) -> "Run":
    """The other run, if the two can stand in one table: both read patches, of the same classes, chosen images unseen.

    Raises:
        BadInput: They cannot.
    """
    from saccade.datasets.sources import open_manifest
    from saccade.inference.parts import choose_of_run

    name = str(other.folder)
    if any(not {"budget", "patch"} <= set(each.package.model.config["options"]) for each in (run, other)):
        raise BadInput("the runs do not both read patches", "compare runs of attention-sampling or its controls", name)
    if other.package.model.classes != run.package.model.classes:
        raise BadInput("has other classes", "compare runs that were trained on the same data", name)
    theirs = choose_of_run(other, open_manifest(data), part)
    if [row.place for row in theirs.manifest.rows] != [row.place for row in chosen.manifest.rows]:
        raise BadInput("was trained on another split", "train both with the same data.seed, or a split column", name)
    return other


def run_row(run: "Run", metrics: Mapping[str, Any]) -> "RunRow":
    """A run's row among others, named by what it reads."""
    from saccade.report.field_data import RunRow

    options = run.package.model.config["options"]
    return RunRow.of(f"{options['budget']} × {options['patch']} px", metrics, options)


def _row_of(run: "Run", chosen: "Chosen", images: "list[LabelledImage]") -> "RunRow":
    """Judge a further run on the same images."""
    from saccade.evaluation.assessment import judge, knowing_predictor

    predictor = knowing_predictor(run, chosen.manifest)
    with progress("predicting") as tell:
        judged = judge(predictor, images, tell, warn=warn)
    read, looked = (sum(each) / len(each) for each in (judged.read, judged.looked))
    cost = {"pixels_read_fraction": read, "pixels_looked_fraction": looked}
    return run_row(run, {**judged.metrics(predictor.classes).as_dict(), "cost": cost})


def headline(metrics: Mapping[str, Any], cost: Mapping[str, Any], origin: str, noun: str = "images") -> str:
    """The result in one line; simulated images and proxies are called that.

    Args:
        metrics: As in ``metrics.json``.
        cost: Likewise; what was read is left out where nobody counted it.
        origin: ``simulated`` or the name of a proxy, where the images are that.
        noun: What they are called.
    """
    accuracy = with_interval(metrics["accuracy"], ".1%")
    line = f"accuracy {accuracy} on {metrics['n']} {f'{origin} ' if origin else ''}{noun}"
    read, looked = cost["pixels_read_fraction"], cost["pixels_looked_fraction"]
    if read is None or looked is None:
        return line
    return f"{line}, {read:.1%} of the pixels read, {looked:.1%} looked at"


def draws_line(found: Mapping[str, Any]) -> str:
    """What random draws change, in one line.

    >>> draws_line({"count": 5, "accuracy_of_mean": 0.9, "mean_accuracy": 0.85, "accuracy_spread": 0.02,
    ...             "probability_spread": 0.04})
    '5 random draws: accuracy of their mean 90.0%, of one 85.0% ± 2.0 points; probabilities ± 4.0 points'
    """
    mean = f"{found['count']} random draws: accuracy of their mean {found['accuracy_of_mean']:.1%}"
    single = f"of one {found['mean_accuracy']:.1%} ± {100 * found['accuracy_spread']:.1f} points"
    return f"{mean}, {single}; probabilities ± {100 * found['probability_spread']:.1f} points"


def trained_on(run: "Run") -> Path | None:
    """Where the data was that the run was trained on."""
    return run.trained_on
