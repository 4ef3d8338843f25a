"""The cost of a run's model beside its peers, at any scale."""

from typing import Any

from saccade.evaluation.assessment import Judged, measure_costs
from saccade.evaluation.slide_costs import PEERS, measure_slide_costs
from saccade.inference.hub import AnyPredictor
from saccade.inference.slide_predictor import SlidePredictor


def costs_of(predictor: AnyPredictor, judged: Judged, quick: bool = False) -> dict[str, dict[str, Any]]:
    """The ``cost`` of ``metrics.json`` by model, the predictor's first.

    Args:
        predictor: The model to measure.
        judged: Its predictions.
        quick: Leave out peers and memory, which take some seconds.
    """
    if isinstance(predictor, SlidePredictor):
        return measure_slide_costs(predictor, judged, peers=() if quick else PEERS, memory=not quick)
    return measure_costs(predictor, judged, peers=(), memory=False) if quick else measure_costs(predictor, judged)
