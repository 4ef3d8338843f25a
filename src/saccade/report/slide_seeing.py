"""A slide as a report sees it: bag, prediction, and its file and annotation where they are at hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from saccade.core.bags import Bags
from saccade.core.results import Prediction
from saccade.evaluation.assessment import LabelledImage
from saccade.explanation.slide_sites import SlideSites, slide_sites
from saccade.features.qupath import qupath_offset
from saccade.features.store import Bag, open_bag
from saccade.imaging.slides import Slide, SlideError, open_slide
from saccade.imaging.tissue.geojson import load_outlines
from saccade.imaging.tissue.outlines import Outline
from saccade.inference.slide_predictor import SlidePredictor


@dataclass(frozen=True, eq=False)
class SeenSlide:
    """A slide and what the model said of it.

    Attributes:
        image: What the data says of it.
        stored: Its bag's file.
        bags: The same as the model wants it, on its device: bags of one, with at least one patch.
        prediction: A batch of one, on the CPU.
        slide: Its file, where it is at hand and can be opened.
        region: Where the annotation shows the slide's class, in base pixels; empty where none does.
    """

    image: LabelledImage
    stored: Bag
    bags: Bags
    prediction: Prediction
    slide: Slide | None
    region: list[Outline]

    def sites(self, evidence: Float[Tensor, " patch"]) -> SlideSites:
        """The patches with their weights and what they say."""
        return slide_sites(self.prediction.sites, evidence)


@contextmanager
def see_slide(predictor: SlidePredictor, image: LabelledImage) -> Iterator[SeenSlide | None]:
    """Ask the model about one slide; its file is open meanwhile. ``None`` for a bag without patches.

    Args:
        predictor: The model.
        image: A slide with its bag.

    Raises:
        BadInput: The annotation is no GeoJSON.
    """
    assert image.bag is not None  # labelled slides have one
    stored = open_bag(image.bag, mpp=image.row.mpp)
    bags = predictor.load(stored, str(image.bag))
    if not len(bags.features):
        yield None
        return
    with torch.no_grad():
        prediction = predictor.model(bags).to("cpu")
    slide = slide_at_hand(stored)
    try:
        yield SeenSlide(image, stored, bags, prediction, slide, annotated(image, slide, stored))
    finally:
        if slide is not None:
            slide.close()


def slide_at_hand(stored: Bag) -> Slide | None:
    """The file a bag was made from, if it still lies where it was; one that cannot be opened is not at hand."""
    source = stored.provenance.get("source")
    if not isinstance(source, str) or not source or not Path(source).exists():
        return None
    try:
        slide = open_slide(source)
    except SlideError:
        return None
    return slide if stored.source_mpp is None else slide.with_mpp(stored.source_mpp, "the bag")


def annotated(image: LabelledImage, slide: Slide | None, stored: Bag) -> list[Outline]:
    """The outlines of the slide's own class; none where the annotation is not at hand."""
    path = image.row.annotation_path
    if path is None or not path.is_file():
        return []
    return load_outlines(path, classes=[image.row.label, image.name], offset=qupath_offset(slide, stored))
