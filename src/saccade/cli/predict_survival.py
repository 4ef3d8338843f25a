"""``saccade predict`` for runs of survival: bags or whole slides in; risks and maps of the weights out."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from saccade.cli.predict_into import MAPS, TABLE, FewLines, predict_into
from saccade.cli.predict_slides import write_weights

if TYPE_CHECKING:
    from saccade.inference.raw_slides import SlideEmbedding
    from saccade.inference.survival_predictor import SurvivalPredictor, SurvivalResult


def predict_survival(predictor: "SurvivalPredictor", inputs: Sequence[Path], out: Path, how: "SlideEmbedding") -> None:
    """Predict slides into a folder: ``predictions.csv``, ``geojson/SLIDE.geojson``, and ``embedded/``, a job.

    Args, and what is raised, as of ``predict_into``.
    """
    from saccade.inference.survival_table import survival_table

    predict_into(
        predictor,
        inputs,
        out,
        how,
        table=survival_table,
        maps=_write_map,
        shown=FewLines(("slide", "risk", f"free of the event before: {predictor.bins[-1]}"), _line),
        told=f"slides predicted: {out / TABLE}, maps of the weights in {out / MAPS}",
    )


def _line(result: "SurvivalResult") -> tuple[str, str, str]:
    last = list(result.survival.values())[-2]  # that before the open bin has an end
    return result.name, f"{result.risk:.3f}", f"{last:.1%}"


def _write_map(result: "SurvivalResult", bag: Path, out: Path, name: str) -> tuple[Path]:
    return write_weights(result.sites, "", bag, out, name)
