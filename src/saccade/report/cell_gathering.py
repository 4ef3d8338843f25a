"""What a report shows of cells alone: examples with the pixels read, mean maps, faithfulness, weight inside masks.

Explanations are measured on some of the images, spread evenly over the classes, so that the work does not grow with
the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from saccade.explanation.faithfulness import faithfulness
from saccade.explanation.maps import class_maps
from saccade.explanation.pointing import pointing
from saccade.imaging.image_files import load_mask
from saccade.inference.predictor import Predictor
from saccade.inference.result import Result
from saccade.models import MODELS
from saccade.report.data import Example, OverImages, ReportData
from saccade.report.picking import pick_examples, spread_evenly

EXPLAINED = 200
"""Images whose maps are averaged and whose weight inside a mask is measured."""

_PROBED = 40  # images whose faithfulness is measured, at some hundred forward passes each
_EXAMPLES_PER_CLASS = 5
_MISTAKES_PER_CLASS = 2


@dataclass(frozen=True, eq=False)
class Explained:
    """Some of the images in memory, with the model's answers in pixels of its own input."""

    data: CellData
    values: Float[Tensor, "image channel height width"]
    prediction: Prediction


def with_cells(report: ReportData, predictor: Predictor, judged: Judged, manifest: Manifest) -> ReportData:
    """The report with all that is shown of cells."""
    reads_sites = predictor.model.budget is not None or MODELS[predictor.model.config["model"]].role != "peer"
    report = replace(report, examples=cell_examples(predictor, judged, reads_sites))
    if not reads_sites:
        return report
    explained = explain_some(predictor, judged, manifest)
    return replace(
        report,
        maps=_maps(explained),
        faithfulness=_faithfulness(predictor, explained),
        pointing=_pointing(explained),
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


def cell_examples(predictor: Predictor, judged: Judged, reads_sites: bool) -> list[Example]:
    """Some images of every class, predicted again for their sites."""
    places = pick_examples(judged, len(predictor.classes), _EXAMPLES_PER_CLASS, _MISTAKES_PER_CLASS)
    shown = [judged.images[place] for place in places]
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
