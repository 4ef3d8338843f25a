"""``saccade evaluate`` for segmenters of slides: Dice and IoU beside annotations, and a map of every slide."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saccade.cli.console import progress, say, warn, with_interval

if TYPE_CHECKING:
    from saccade.evaluation.segmentation_judging import JudgedSegmentation
    from saccade.inference.parts import Chosen
    from saccade.inference.runs import Run
    from saccade.inference.segmentation_predictor import SegmentationPredictor


def evaluate_segmentation(
    predictor: "SegmentationPredictor", run: "Run", chosen: "Chosen", bags: Mapping[str, Path], out: Path
) -> int:
    """Write ``predictions.csv``, ``metrics.json``, ``geojson/`` and ``patches/``.

    Maps that an earlier evaluation left of other slides are removed. Returns how many slides could not be opened.

    Args:
        predictor: The run's model.
        run: What is evaluated.
        chosen: By which slides.
        bags: The file of each slide's features, by the name of its row.
        out: The folder.

    Raises:
        BadInput: An annotation cannot be understood, there is none, or no slide can be predicted.
    """
    from saccade.cli.evaluate import about_run
    from saccade.cli.explain import distinct_names
    from saccade.cli.predict_into import MAPS, PATCHES, TABLE, clear_away
    from saccade.cli.predict_segmentation import write_patches
    from saccade.cli.written_files import WrittenFiles
    from saccade.core.files import write_json
    from saccade.evaluation.segmentation_judging import judge_segmentation, rules_of
    from saccade.inference.segmentation_table import segmentation_table

    rules, rows = rules_of(run.package.config), chosen.manifest.rows
    _refuse_bare(chosen)
    rules.check(rows)  # whatever is wrong is said before anything is written
    names = distinct_names([bags[row.name] for row in rows])
    written = WrittenFiles(out)
    with segmentation_table(out / TABLE, predictor.classes, known=True) as table:

        def keep(result: Any, row: Any, counts: Any) -> None:
            table.add(result, row, counts)
            if not result.error:
                for path in write_patches(result, bags[row.name], out, names[bags[row.name]]):
                    written.add(path)

        with progress("predicting") as tell:
            judged = judge_segmentation(predictor, rules, rows, bags, tell, keep, warn)
        metrics = judged.metrics().as_dict()
    about = about_run(run, chosen, judged.failed, (bags[row.name] for row in rows))
    counts = {"n": len(judged.rows) - judged.bare, "slides_without_labels": judged.bare}
    write_json(out / "metrics.json", {**metrics, **counts, "about": about})
    clear_away(written)
    say(segmentation_line(judged, metrics, about["simulated"]))
    say(f"written: {out / TABLE}, {out / 'metrics.json'}, maps in {out / MAPS} and {out / PATCHES}")
    return judged.failed


def validate_segmentation(
    predictor: "SegmentationPredictor", run: "Run", chosen: "Chosen", bags: Mapping[str, Path]
) -> str:
    """Dice on some slides, in one line."""
    from saccade.datasets.sources import is_simulated
    from saccade.evaluation.segmentation_judging import judge_segmentation, rules_of

    rows, rules = chosen.manifest.rows, rules_of(run.package.config)
    with progress("validating") as tell:
        judged = judge_segmentation(predictor, rules, rows, bags, tell, warn=warn)
    simulated = is_simulated(chosen.manifest, (bags[row.name] for row in rows))
    return segmentation_line(judged, judged.metrics().as_dict(), simulated)


def segmentation_line(judged: "JudgedSegmentation", metrics: Mapping[str, Any], simulated: bool) -> str:
    """The result in one line; simulated slides are called that, and slides that count nowhere are told."""
    parts = [f"{name} {with_interval(metrics['dice'][name])}" for name in metrics["classes"][1:]]
    noun = "simulated slides" if simulated else "slides"
    said = f"{metrics['patches']:,} labelled patches of {len(judged.rows) - judged.bare} {noun}"
    bare = f"; {judged.bare} without labels count nowhere" if judged.bare else ""
    return f"Dice {', '.join(parts)}, accuracy {with_interval(metrics['patch_accuracy'])} on {said}{bare}"


def _refuse_bare(chosen: "Chosen") -> None:
    """Refuse to judge by slides of which none has an annotation."""
    from saccade.core.errors import BadInput

    if not any(row.annotation_path for row in chosen.manifest.rows):
        message = f"none of the {len(chosen.manifest)} slides to judge by has an annotation"
        remedy = "name GeoJSON of QuPath, or a table x,y,label, in the column annotation_path"
        raise BadInput(message, remedy, str(chosen.manifest.source))
