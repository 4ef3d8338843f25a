"""What a model of slides costs: the ``cost`` of ``metrics.json``, for the bag with the middle number of patches."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from saccade.core.bags import Bags
from saccade.core.contract import SparseClassifier
from saccade.evaluation.assessment import Judged
from saccade.evaluation.cost import count_flops, count_parameters
from saccade.evaluation.speed import compare_speed
from saccade.inference.slide_predictor import SlidePredictor
from saccade.models import create_model

PEERS = ("gated-abmil", "transmil")
"""The ordinary networks that a report sets beside a model of slides."""

_ROUNDS = 3


def measure_slide_costs(
    predictor: SlidePredictor, judged: Judged, peers: Sequence[str] = PEERS
) -> dict[str, dict[str, Any]]:
    """The cost by model, the predictor's first; one bag for all of them, in one process.

    ``images_per_second`` are slides, from features in memory to classes: reading and embedding them is left out.
    Peers are built for the same features but not trained: they have a cost and no accuracy.

    Args:
        predictor: The model to measure, on the device it is on.
        judged: Its predictions, whose pixels are counted, where the bags tell.
        peers: Names of models to set beside it.
    """
    own = predictor.model.config["model"]
    bag = middle_bag(predictor, judged)
    models = {own: predictor.model} | {name: _peer(name, predictor) for name in peers if name != own}
    speeds = compare_speed(
        {name: _ready(model, bag) for name, model in models.items()}, bag, batch=None, rounds=_ROUNDS
    )
    return {
        name: {
            "parameters": count_parameters(model),
            "flops_per_image": count_flops(model, bag),
            "pixels_read_fraction": _mean(judged.read),
            "pixels_looked_fraction": _mean(judged.looked),
            "images_per_second": speeds[name],
            "images_decoded_per_second": None,
            "peak_memory_bytes": None,
            "patches": sum(bag.lengths),
        }
        for name, model in models.items()
    }


def middle_bag(predictor: SlidePredictor, judged: Judged) -> Bags:
    """The bag that has as many patches as the middle one of those judged."""
    order = np.argsort(judged.reads, kind="stable")
    image = judged.images[int(order[len(order) // 2])]
    assert image.bag is not None
    return predictor.load(image.bag, str(image.bag))


def _ready(model: SparseClassifier, bag: Bags) -> Any:
    """The model on a bag prepared for it, as prediction hands it in: preparing is part of loading."""
    prepared = model.preparation()(bag)
    return lambda _: model(prepared)


def _peer(name: str, predictor: SlidePredictor) -> SparseClassifier:
    model = create_model(name, predictor.classes, in_features=predictor.preprocessing.dim)
    return model.eval().to(predictor.device)


def _mean(values: Sequence[float]) -> float | None:
    """Mean of what is known; ``None`` where nothing is."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else None
