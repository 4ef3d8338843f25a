"""What a model of slides costs: the ``cost`` of ``metrics.json``, for the bag with the middle number of patches."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from saccade.core.bags import Bags
from saccade.core.contract import SparseClassifier
from saccade.core.results import Prediction
from saccade.evaluation.assessment import Judged
from saccade.evaluation.cost import count_flops, count_parameters
from saccade.evaluation.memory import peak_memory_bytes
from saccade.evaluation.speed import compare_speed
from saccade.inference.bag_loading import bag_item
from saccade.inference.slide_predictor import SlidePredictor
from saccade.models import create_model

PEERS = ("gated-abmil", "transmil")
"""The ordinary networks that a report sets beside a model of slides."""

_ROUNDS = 3
_FEW = 64  # patches of the bag that is classified before memory is measured


def measure_slide_costs(
    predictor: SlidePredictor, judged: Judged, peers: Sequence[str] = PEERS, memory: bool = True
) -> dict[str, dict[str, Any]]:
    """The cost by model, the predictor's first; one bag for all of them, in one process.

    ``images_per_second`` are slides, from features in memory to classes: reading and embedding them is left out.
    Peers are built for the same features but not trained: they have a cost and no accuracy.

    Args:
        predictor: The model to measure, on the device it is on.
        judged: Its predictions, whose pixels are counted, where the bags tell.
        peers: Names of models to set beside it.
        memory: Whether to measure the model's peak memory, which takes some seconds.
    """
    own = predictor.model.config["model"]
    bag = middle_bag(predictor, judged)
    models = {own: predictor.model} | {name: _peer(name, predictor) for name in peers if name != own}
    speeds = compare_speed(
        {name: _ready(model, bag) for name, model in models.items()}, bag, batch=None, rounds=_ROUNDS
    )
    costs: dict[str, dict[str, Any]] = {
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
    if memory:
        costs[own]["peak_memory_bytes"] = _peak_memory(predictor, sum(bag.lengths))
    return costs


class OnALattice(nn.Module):
    """A model of slides as a module of features alone, as the memory probe wants it: their places fill a square.

    Preparing the bag counts. A small one is classified at once, lest the libraries' own code, which counts as resident
    once it has run, be most of the figure.

    Args:
        model: Of slides.
        in_features: Numbers of a patch.
    """

    def __init__(self, model: SparseClassifier, in_features: int) -> None:
        super().__init__()
        self.model = model.eval()
        with torch.inference_mode():
            self(torch.rand(_FEW, in_features))

    def forward(self, features: Float[Tensor, "patch feature"]) -> Prediction:
        """Classify one slide."""
        places = torch.arange(len(features))
        side = max(1, round(len(features) ** 0.5))
        bags = Bags(features, torch.stack([places % side, places // side], dim=1), (len(features),))
        return self.model(self.model.preparation()(bags))


def model_on_a_lattice(name: str, classes: tuple[str, ...], **options: Any) -> OnALattice:
    """Build a model by name for the memory probe, which calls this in its own process."""
    return OnALattice(create_model(name, classes, **options), options["in_features"])


def middle_bag(predictor: SlidePredictor, judged: Judged) -> Bags:
    """The bag that has as many patches as the middle one of those judged."""
    order = np.argsort(judged.reads, kind="stable")
    image = judged.images[int(order[len(order) // 2])]
    assert image.bag is not None
    return predictor.load(bag_item(image.bag, image.row.mpp), str(image.bag))


def _peak_memory(predictor: SlidePredictor, patches: int) -> int | None:
    """Of one slide with so many patches, on the CPU."""
    config = predictor.model.config
    arguments = {"name": config["model"], "classes": list(config["classes"]), **config["options"]}
    shape = (patches, predictor.preprocessing.dim)
    return peak_memory_bytes("saccade.evaluation.slide_costs:model_on_a_lattice", arguments, shape=shape)


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
