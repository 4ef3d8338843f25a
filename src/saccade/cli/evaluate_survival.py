"""``saccade evaluate`` for runs of survival: the concordance, and what became of the two halves."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saccade.cli.console import progress, say, warn, with_interval

if TYPE_CHECKING:
    from saccade.inference.parts import Chosen
    from saccade.inference.runs import Run
    from saccade.inference.survival_predictor import SurvivalPredictor


def evaluate_survival(
    predictor: "SurvivalPredictor", run: "Run", chosen: "Chosen", bags: Mapping[str, Path], out: Path
) -> int:
    """Write ``predictions.csv``, ``metrics.json`` and ``survival.png``; returns how many slides could not be opened.

    Args:
        predictor: The run's model.
        run: What is evaluated.
        chosen: By which slides.
        bags: The file of each slide's features, by the name of its row.
        out: The folder.

    Raises:
        BadInput: A slide lacks its time or event, or none can be predicted.
    """
    from saccade.cli.evaluate import about_run
    from saccade.core.files import write_bytes, write_json
    from saccade.core.survival import times_and_events
    from saccade.evaluation.survival_judging import judge_survival
    from saccade.inference.plotting import figure_png
    from saccade.inference.survival_table import survival_table
    from saccade.report.survival_figure import survival_figure

    rows = chosen.manifest.rows
    times_and_events(rows)  # said before anything is written
    table = survival_table(out / "predictions.csv", predictor.bins, known=True)
    with table as written, progress("predicting") as tell:
        judged = judge_survival(predictor, rows, bags, tell, written.add, warn)
    about = about_run(run, chosen, judged.failed, (bags[row.name] for row in rows))
    metrics = judged.metrics()
    line = survival_line(metrics, about["simulated"])
    write_bytes(out / "survival.png", figure_png(survival_figure(judged, line)))
    write_json(out / "metrics.json", {**metrics, "time_bins": list(predictor.bins), "about": about})
    say(line)
    say(f"written: {out / 'predictions.csv'}, {out / 'metrics.json'}, {out / 'survival.png'}")
    return judged.failed


def validate_survival(predictor: "SurvivalPredictor", run: "Run", chosen: "Chosen", bags: Mapping[str, Path]) -> str:
    """The concordance on some slides, in one line."""
    from saccade.datasets.sources import is_simulated
    from saccade.evaluation.survival_judging import judge_survival

    with progress("validating") as tell:
        judged = judge_survival(predictor, chosen.manifest.rows, bags, tell, warn=warn)
    simulated = is_simulated(chosen.manifest, (bags[row.name] for row in chosen.manifest.rows))
    return survival_line(judged.metrics(), simulated)


def survival_line(metrics: Mapping[str, Any], simulated: bool) -> str:
    """The result in one line; simulated slides are called that.

    >>> concordance = {"value": 0.71, "low": 0.6, "high": 0.8}
    >>> survival_line({"concordance": concordance, "n": 40, "events": 31}, simulated=True)
    'concordance 0.710 (0.600 to 0.800) on 40 simulated slides, 31 with the event'
    """
    noun = "simulated slides" if simulated else "slides"
    concordance = with_interval(metrics["concordance"])
    return f"concordance {concordance} on {metrics['n']} {noun}, {metrics['events']} with the event"
