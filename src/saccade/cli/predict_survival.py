"""``saccade predict`` for runs of survival: bags or whole slides in; risks and maps of the weights out."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from saccade.cli.console import say, show_table, warn
from saccade.cli.predict import FINISHED_WITH_FAILURES
from saccade.cli.predict_slides import (
    JOB,
    MAPS,
    TABLE,
    clear_away,
    given_slides,
    of_given,
    refuse_file,
    tell_simulated,
    write_map,
)
from saccade.cli.written_files import WrittenFiles
from saccade.core.errors import BadInput

if TYPE_CHECKING:
    from saccade.inference.raw_slides import SlideEmbedding
    from saccade.inference.survival_predictor import SurvivalPredictor

_SHOWN = 10


def predict_survival(predictor: "SurvivalPredictor", inputs: Sequence[Path], out: Path, how: "SlideEmbedding") -> None:
    """Predict slides into a folder: ``predictions.csv``, ``geojson/SLIDE.geojson``, and ``embedded/``, a job.

    Args:
        predictor: The run's model.
        inputs: Files of features, folders of them, slides, folders of slides or manifests.
        out: The folder.
        how: How whole slides become bags, as far as the run does not tell.

    Raises:
        BadInput: Not a single slide can be predicted; nothing but the job is left then.
    """
    from saccade.cli.explain import distinct_names
    from saccade.inference.survival_predictor import SurvivalResult
    from saccade.inference.survival_table import survival_table

    refuse_file(out)
    given = list(given_slides(predictor, inputs, out / JOB, how))
    names = distinct_names([one.bag for one in given if one.bag is not None])
    lines: list[tuple[str, str, str]] = []
    written = WrittenFiles(out)
    with survival_table(out / TABLE, predictor.bins) as table:
        for one, result in of_given(predictor, given, how.source_mpp):
            result = result or SurvivalResult(one.name, one.name, predictor.bins, error=one.error)
            table.add(result)
            if result.error:
                warn(f"skipped: {result.error}")
                continue
            if result.note:
                warn(f"note: {result.note}")
            last = list(result.survival.values())[-2]  # that before the open bin has an end
            lines.append((result.name, f"{result.risk:.3f}", f"{last:.1%}"))
            written.add(write_map(result.sites, "", one, out / MAPS / f"{names[one.bag or Path()]}.geojson"))
        if not lines:
            raise BadInput(f"none of the {len(given)} slides could be predicted", "the lines above say why")
    if len(lines) <= _SHOWN:
        show_table(("slide", "risk", f"free of the event before: {predictor.bins[-1]}"), lines)
    clear_away(written)
    tell_simulated(given)
    say(f"{len(lines)} of {len(given)} slides predicted: {out / TABLE}, maps of the weights in {out / MAPS}")
    if len(lines) < len(given):
        raise typer.Exit(FINISHED_WITH_FAILURES)
