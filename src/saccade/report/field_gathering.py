"""What a report shows of fields alone: examples with map and patches, pointing at truth boxes, faithfulness of patches.

Fields are opened one at a time and only small pictures of them are kept. Explanations are measured on some of them,
spread evenly over the classes, so that the work does not grow with the data.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from saccade.core.manifest import Manifest
from saccade.core.results import Sites
from saccade.datasets.boxes import TruthBox, boxes_beside, needles_of
from saccade.evaluation.assessment import Judged, LabelledImage
from saccade.explanation.box_pointing import BoxPointing, box_pointing, centres_inside
from saccade.explanation.field_maps import FieldMap, field_maps
from saccade.explanation.patch_faithfulness import patch_faithfulness
from saccade.imaging.distinct_sites import are_patches, cut_patches, distinct_sites
from saccade.imaging.drawing import as_picture
from saccade.imaging.field_drawing import field_picture
from saccade.imaging.image_files import Array, is_too_large_tiff
from saccade.inference.predictor import Predictor
from saccade.inference.result import Result, open_item
from saccade.inference.runs import Run
from saccade.report.data import OverImages, ReportData
from saccade.report.field_data import FieldExample, ShownPatch
from saccade.report.picking import pick_examples, spread_evenly
from saccade.report.stages import has_stages, with_spread

EXPLAINED = 100
"""Fields in which pointing is measured."""

LONGEST = 640
"""Longest side of a field in the page."""

_PROBED = 12  # fields whose faithfulness is measured, at some forty predictions each
_EXAMPLES_PER_CLASS = 3
_MISTAKES_PER_CLASS = 1
_MOST_PATCHES = 10  # of a field in the page

Truth = Mapping[str, Sequence[TruthBox]]


@dataclass(frozen=True, eq=False)
class SeenField:
    """A field, what the model said of it, and where it looked."""

    image: LabelledImage
    pixels: Array
    result: Result
    look: FieldMap | None

    @property
    def sites(self) -> Sites | None:
        """The distinct places read, heaviest first; ``None`` of a model that reads the whole field."""
        return distinct_sites(self.result.sites) if are_patches(self.result.sites, self.result.extent) else None


def with_fields(report: ReportData, run: Run, predictor: Predictor, judged: Judged, manifest: Manifest) -> ReportData:
    """The report with all that is shown of fields."""
    truth = boxes_beside(manifest)
    report = replace(report, noun="fields", history=_history(run), fields=field_examples(predictor, judged, truth))
    if predictor.model.budget is None:
        return report
    pointing = None if truth is None else _pointing(predictor, judged, truth)
    return replace(report, box_pointing=pointing, faithfulness=_faithfulness(predictor, judged))


def pointing_figures(over: OverImages[BoxPointing]) -> dict[str, Any]:
    """The ``box_pointing`` of ``metrics.json``: the report's means over the fields with boxes, and their number."""
    measured = over.measured
    means = {
        "heaviest_in_box": measured.heaviest,
        "box_mass": measured.looked,
        "hit_rate": measured.hits,
        "found": measured.found,
        "area": measured.area,
        "found_by_chance": measured.found_by_chance,
    }
    figures = {name: over.share(values.double().numpy()).as_dict() for name, values in means.items()}
    return {**figures, "n": int(measured.area.isfinite().sum())}


def seen_fields(predictor: Predictor, images: Sequence[LabelledImage]) -> Iterator[SeenField]:
    """Ask the model about fields, one at a time; those that cannot be opened or decoded are passed over."""
    for image in images:
        if is_too_large_tiff(image.row.path):
            continue
        result = predictor.predict([image.row.path])[0]
        if not result.error:
            pixels = result.image()
            opened = predictor.open_images([predictor.preprocessing.resize(pixels)])
            maps = field_maps(predictor.model, opened)
            yield SeenField(image, pixels, result, maps[0] if maps else None)


def field_examples(predictor: Predictor, judged: Judged, truth: Truth | None) -> list[FieldExample]:
    """Some fields of every class, as small pictures and with their patches."""
    places = pick_examples(judged, len(predictor.classes), _EXAMPLES_PER_CLASS, _MISTAKES_PER_CLASS)
    seen = seen_fields(predictor, [judged.images[place] for place in places])
    return [field_example(one, _needles(one.image, truth)) for one in seen]


def field_example(seen: SeenField, boxes: Float[Tensor, "box 4"] | None) -> FieldExample:
    """What the page shows of a field; ``boxes`` is where the truth lies, ``None`` where that is not known."""
    sites, look, label = seen.sites, seen.look, seen.result.label
    return FieldExample(
        name=seen.image.row.name,
        label=seen.image.name,
        predicted=label,
        probability=seen.result.probabilities[label],
        picture=field_picture(
            seen.pixels,
            relative=None if look is None else look.relative.numpy(),
            factor=1 if look is None else look.factor,
            sites=sites,
            boxes=boxes,
            longest=LONGEST,
        ),
        patches=() if sites is None else shown_patches(seen.pixels, sites, boxes),
        places=0 if sites is None else sites.boxes.shape[1],
    )


def shown_patches(
    pixels: Array, sites: Sites, boxes: Float[Tensor, "box 4"] | None, most: int = _MOST_PATCHES
) -> list[ShownPatch]:
    """The heaviest of distinct places, with their pixels."""
    own = sites.boxes[0, :most]
    hits = [None] * len(own) if boxes is None or not len(boxes) else centres_inside(own, boxes).tolist()
    patches, weights = cut_patches(as_picture(pixels), own), sites.weights[0].tolist()
    return [ShownPatch(k + 1, weights[k], patch, hits[k]) for k, patch in enumerate(patches)]


def _pointing(predictor: Predictor, judged: Judged, truth: Truth) -> OverImages[BoxPointing] | None:
    """Pointing at the needles, where some fields have any."""
    known = [image for image in _spread(judged) if len(needles_of(truth.get(image.row.name, ())))]
    chosen, parts = [], []
    for seen in seen_fields(predictor, known[:EXPLAINED]):
        boxes = needles_of(truth[seen.image.row.name])
        parts.append(box_pointing(seen.result.sites, boxes, seen.result.extent, seen.look))
        chosen.append(seen.image)
    return _over(BoxPointing.concatenate(parts), chosen, predictor.classes) if parts else None


def _faithfulness(predictor: Predictor, judged: Judged) -> OverImages | None:
    """Deletion and insertion of patches, where any field can be decoded."""
    images = _spread(judged)[:_PROBED]
    if not images:
        return None
    fields = (open_item(image.row.path, image.row.name) for image in images)
    items = [image.row.path for image in images]
    return _over(patch_faithfulness(predictor, fields, items), images, predictor.classes)


def _spread(judged: Judged) -> list[LabelledImage]:
    """All images in files of their own that can be decoded, by turns from each class."""
    places = spread_evenly([image.label for image in judged.images], len(judged.images))
    images = [judged.images[k] for k in places if not judged.images[k].row.member]
    return [image for image in images if not is_too_large_tiff(image.row.path)]


def _needles(image: LabelledImage, truth: Truth | None) -> Float[Tensor, "box 4"] | None:
    return None if truth is None else needles_of(truth.get(image.row.name, ()))


def _over(measured: object, images: Sequence[LabelledImage], classes: tuple[str, ...]) -> OverImages:
    labels = np.array([image.label for image in images], dtype=np.int64)
    return OverImages(measured, labels, classes, [image.row.case for image in images])


def _history(run: Run) -> Sequence[Mapping[str, float]] | None:
    """The history; of a training in stages with what its map spreads over, else without the budget, which is fixed."""
    if has_stages(run.history):
        return with_spread(run.history, run.recipe.get("model", {}).get("entropy"))
    budget = ("pixels_read_fraction", "pixels_looked_fraction")
    return [{name: value for name, value in row.items() if name not in budget} for row in run.history] or None
