"""From a run and predictions to its report: example images, maps, faithfulness, and the figures.

Explanations are measured on some of the images, spread evenly over the classes, so that the work does not grow with
the data.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.core.manifest import Manifest
from saccade.core.results import Prediction
from saccade.datasets.cells import CellData, load_cells
from saccade.evaluation.assessment import Judged
from saccade.evaluation.metrics import Metrics
from saccade.explanation.faithfulness import faithfulness
from saccade.explanation.maps import class_maps
from saccade.explanation.pointing import pointing
from saccade.imaging.image_files import load_mask
from saccade.inference.predictor import Predictor
from saccade.inference.result import Result
from saccade.inference.runs import Run
from saccade.models import MODELS
from saccade.report.data import CostRow, Example, OverImages, ReportData

EXPLAINED = 200
"""Images whose maps are averaged and whose weight inside a mask is measured."""

_PROBED = 40  # images whose faithfulness is measured, at some hundred forward passes each
_EXAMPLES_PER_CLASS = 5
_MISTAKES_PER_CLASS = 2
_SIMULATED = "simulated-"  # how the cases of the simulators begin


@dataclass(frozen=True, eq=False)
class Explained:
    """Some of the images in memory, with the model's answers in pixels of its own input."""

    data: CellData
    values: Float[Tensor, "image channel height width"]
    prediction: Prediction


def is_simulated(manifest: Manifest) -> bool:
    """Whether every image says that it came from a simulator."""
    return all(row.case_id.startswith(_SIMULATED) for row in manifest.rows)


def report_data(
    run: Run,
    predictor: Predictor,
    manifest: Manifest,
    judged: Judged,
    metrics: Metrics,
    costs: dict[str, dict[str, Any]],
    part: str,
) -> ReportData:
    """Gather everything the report shows of a run on some data.

    Args:
        run: The run.
        predictor: Its model.
        manifest: The images that were judged.
        judged: What was predicted of them.
        metrics: The figures of ``judged``.
        costs: As in ``metrics.json``, by model; the run's first.
        part: Which part of the data they are; empty for all of it.
    """
    explained = explain_some(predictor, judged, manifest)
    name = predictor.model.config["model"]
    reads_sites = predictor.model.budget is not None or MODELS[name].role != "peer"
    accuracy = {name: {"accuracy": metrics.accuracy.as_dict()}}
    simulated = is_simulated(manifest)
    return ReportData(
        title=f"{name} on {'simulated cells' if simulated else _data_name(manifest)}",
        facts=_facts(run, predictor, manifest, part, judged),
        simulated=simulated,
        metrics=metrics,
        costs=[CostRow.of(model, {**values, **accuracy.get(model, {})}) for model, values in costs.items()],
        history=run.history or None,
        examples=pick_examples(predictor, judged, reads_sites),
        maps=_maps(explained) if reads_sites else None,
        faithfulness=_faithfulness(predictor, explained) if reads_sites else None,
        pointing=_pointing(explained) if reads_sites else None,
    )


def explain_some(predictor: Predictor, judged: Judged, manifest: Manifest, count: int = EXPLAINED) -> Explained:
    """Load some of the judged images, as evenly over the classes as there are, and ask the model about them."""
    labels = [image.label for image in judged.images]
    rows = [replace(judged.images[i].row, label=judged.images[i].name) for i in spread_evenly(labels, count)]
    data = load_cells(replace(manifest, rows=tuple(rows)), predictor.preprocessing, predictor.classes)
    values = predictor.preprocessing.normalise(data.images)
    model = predictor.fast_form(predictor.model)
    with torch.inference_mode():
        prediction = model(values.to(predictor.device)).to("cpu")
    return Explained(data, values, prediction)


def spread_evenly(labels: Sequence[int], count: int) -> list[int]:
    """Places of at most ``count`` images, by turns from each class, in an order drawn once and for all.

    >>> sorted(spread_evenly([0, 0, 0, 0, 1], 3))[-1]
    4
    """
    queues: dict[int, list[int]] = defaultdict(list)
    for place in np.random.default_rng(0).permutation(len(labels)).tolist():
        queues[labels[place]].append(place)
    turns = [(turn, label, place) for label, queue in queues.items() for turn, place in enumerate(queue)]
    return [place for _, _, place in sorted(turns)[:count]]


def pick_examples(predictor: Predictor, judged: Judged, reads_sites: bool) -> list[Example]:
    """For every class its most confident mistakes and, to fill up, images drawn at random among those it got right."""
    predicted, confidence = judged.predicted, np.max(judged.probabilities, axis=1)
    places: list[int] = []
    order = np.random.default_rng(0).permutation(len(judged.images))
    for label in range(len(predictor.classes)):
        own = [place for place in order.tolist() if judged.images[place].label == label]
        wrong = sorted((p for p in own if predicted[p] != label), key=lambda place: -confidence[place])
        right = [place for place in own if predicted[place] == label]
        mistakes = wrong[: max(_MISTAKES_PER_CLASS, _EXAMPLES_PER_CLASS - len(right))]
        places += [*right[: _EXAMPLES_PER_CLASS - len(mistakes)], *mistakes[:_EXAMPLES_PER_CLASS]]
    shown = [judged.images[place] for place in places if not judged.images[place].row.member]
    results = predictor.predict([image.row.path for image in shown])
    return [
        _example(result, image.name, image.row.name, reads_sites)
        for result, image in zip(results, shown, strict=True)
        if not result.error
    ]


def _example(result: Result, label: str, name: str, reads_sites: bool) -> Example:
    sites = result.sites if reads_sites else None
    return Example(name, result.image(), sites, label, result.label, result.probabilities[result.label])


def _maps(explained: Explained) -> Any:
    height, width = explained.values.shape[2:]
    return class_maps(explained.prediction.sites, explained.data.labels, explained.data.classes, height, width)


def _faithfulness(predictor: Predictor, explained: Explained) -> OverImages:
    values = explained.values[:_PROBED].to(predictor.device)
    return _over(explained, faithfulness(predictor.model, values), range(len(values)))


def _pointing(explained: Explained) -> OverImages | None:
    """The share of weight inside the masks, where some images have one."""
    places, masks = [], []
    for place, row in enumerate(explained.data.rows):
        if row.mask_path is not None:
            places.append(place)
            masks.append(resized_mask(load_mask(row.mask_path), explained.values.shape[-1]))
    if not places:
        return None
    sites = explained.prediction.sites[torch.tensor(places)]
    return _over(explained, pointing(sites, torch.from_numpy(np.stack(masks))), places)


def resized_mask(mask: Bool[np.ndarray, "height width"], size: int) -> Bool[np.ndarray, "{size} {size}"]:
    """The mask in the pixels of the model's input: true where at least half of a pixel is inside."""
    if not mask.size:
        raise BadInput("the mask has no pixels", "save it again")
    return cv2.resize(mask.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA) >= 0.5


def _over(explained: Explained, measured: Any, places: Sequence[int]) -> OverImages:
    rows = [explained.data.rows[place] for place in places]
    labels = explained.data.labels[list(places)].numpy()
    return OverImages(measured, labels, explained.data.classes, [row.case for row in rows])


def _facts(run: Run, predictor: Predictor, manifest: Manifest, part: str, judged: Judged) -> dict[str, str]:
    """What stands under the title."""
    images = f"{len(judged.images):,}" + (f", and {judged.failed:,} that could not be opened" if judged.failed else "")
    size, channels = predictor.preprocessing.size, predictor.preprocessing.channels
    parts = {"": "all images", "val": "the validation part, by which the training was steered"}
    return {
        "model": f"{predictor.model.config['model']}, {size}×{size} pixels, {channels} channel{'s'[: channels != 1]}",
        "run": str(run.folder),
        "data": str(manifest.source),
        "figures from": parts.get(part, f"the {part} part"),
        "images": images,
        "date": date.today().isoformat(),
    }


def _data_name(manifest: Manifest) -> str:
    """A short name for the data: its folder, or the file where that says more."""
    source = Path(manifest.source).resolve()
    return source.parent.name if source.stem == "manifest" else source.stem
