"""One slide explained, from its bag to a folder of pictures and tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from saccade.core.bags import Bags
from saccade.core.contract import SparseClassifier
from saccade.core.errors import BadInput
from saccade.core.files import write_bytes
from saccade.core.results import Prediction
from saccade.explanation.faithfulness import Faithfulness
from saccade.explanation.faithfulness_plot import faithfulness_plot
from saccade.explanation.signed_evidence import EIGHT_PLACES, SignedEvidence, check_explainable, signed_evidence
from saccade.explanation.slide_faithfulness import slide_faithfulness
from saccade.explanation.slide_geojson import write_slide_geojson
from saccade.explanation.slide_orders import BAG_ORDERS, ByEvidence
from saccade.explanation.slide_pictures import ends_picture, evidence_map_picture, weight_map_picture
from saccade.explanation.slide_pointing import SlidePointing, shares_inside, slide_pointing
from saccade.explanation.slide_sites import SlideSites, slide_sites
from saccade.explanation.slide_tables import write_slide_table
from saccade.features.qupath import qupath_offset
from saccade.features.store import Bag
from saccade.imaging.drawing import encode_png
from saccade.imaging.slide_ground import Ground, plain_ground, slide_ground
from saccade.imaging.slides import Slide
from saccade.imaging.tissue.outlines import Outline
from saccade.inference.plotting import figure_png


@dataclass(frozen=True, eq=False)
class SlideExplanation:
    """What is known of one slide's answer.

    Attributes:
        prediction: Of the slide: a batch of one.
        target: Name of the class that is explained.
        evidence: What each patch says about it.
        sites: The patches with weights and evidence.
        faithfulness: ``None`` where it was not asked for.
        pointing: ``None`` where no region is known.
        files: What was written: ``map``, ``signed``, ``patches``, ``table``, ``geojson``, ``faithfulness``.
    """

    prediction: Prediction
    target: str
    evidence: SignedEvidence
    sites: SlideSites
    faithfulness: Faithfulness | None
    pointing: SlidePointing | None
    files: dict[str, Path]


def explain_slide(
    model: SparseClassifier,
    bags: Bags,
    out: Path | str,
    name: str,
    *,
    slide: Slide | None = None,
    stored: Bag | None = None,
    region: Sequence[Outline] | Callable[[str], Sequence[Outline]] | None = None,
    target: int | None = None,
    faithful: bool = True,
    places: Sequence[float] = EIGHT_PLACES,
) -> SlideExplanation:
    """Explain one slide and write what was found into a folder; older files of the same names are replaced.

    ``NAME_map.png`` the weights over the slide, ``NAME_signed.png`` what speaks for and against the class,
    ``NAME_patches.png`` the patches that weigh most and least (where the slide is at hand), ``NAME_sites.csv`` and
    ``NAME.geojson`` all patches as a table and for QuPath, ``NAME_faithfulness.png`` what happens when patches are
    taken away. Each is written whole or not at all.

    Cost: at most 26 forward passes and eight training steps' worth for the evidence, a thumbnail, and sixteen patches
    read.

    Args:
        model: Any classifier of slides, in evaluation mode.
        bags: The slide: bags of one, on the model's device.
        out: The folder.
        name: The files begin with it.
        slide: The slide itself; maps are drawn on a plain sheet without it.
        stored: Its bag as stored, which knows the slide's size and resolution where the slide is not at hand.
        region: Where the truth lies, in base pixels (``load_outlines``), or what tells it by the name of the class that
            is explained; an empty one is none.
        target: Number of the class to explain; ``None`` takes the one predicted.
        faithful: Whether to measure deletion and insertion, the longest part on large slides.
        places: Where the gradients of the evidence are taken (see ``signed_evidence``).

    Raises:
        BadInput: The model is in training mode, or there are several slides or no patches.
    """
    check_explainable(model, bags)
    if not len(bags.features):
        raise BadInput("has no patches, so there is nothing to explain", "leave out slides without tissue", name)
    with torch.no_grad():
        prediction = model(bags).to("cpu")
    evidence = signed_evidence(model, bags, target, places)
    sites = slide_sites(prediction.sites, evidence.values)
    measured = _measured(model, bags, evidence) if faithful else None
    class_name = model.classes[evidence.target]
    region = region(class_name) if callable(region) else region
    pointing = slide_pointing(sites, shares_inside(sites.boxes, region)) if region else None
    files = _Files(Path(out), name, {})
    ground, answer, made = ground_of(sites, slide, stored), answer_of(model, prediction), is_made_up(slide, stored)
    weights = weight_map_picture(ground, sites, answer, region, leaning=model.leaning, simulated=made)
    files.draw("map", "_map.png", encode_png(weights))
    signed = evidence_map_picture(ground, sites, class_name, answer, region, simulated=made)
    files.draw("signed", "_signed.png", encode_png(signed))
    if slide is not None:
        files.draw("patches", "_patches.png", encode_png(ends_picture(slide, sites, class_name, simulated=made)))
    write_slide_table(files.path("table", "_sites.csv"), sites)
    write_slide_geojson(files.path("geojson", ".geojson"), sites, class_name, qupath_offset(slide, stored))
    if measured is not None:
        figure = faithfulness_plot(measured, class_name, "SIMULATED SLIDE" if made else "")
        files.draw("faithfulness", "_faithfulness.png", figure_png(figure))
    return SlideExplanation(prediction, class_name, evidence, sites, measured, pointing, files.written)


def is_made_up(slide: Slide | None = None, stored: Bag | None = None) -> bool:
    """Whether the slide's file, or that of its features, says that a program made it."""
    return bool((slide is not None and slide.facts.simulated) or (stored is not None and stored.simulated))


def ground_of(sites: SlideSites, slide: Slide | None = None, stored: Bag | None = None) -> Ground:
    """What to draw over: the slide where it is at hand, else a plain sheet of its size where the bag tells it."""
    if slide is not None:
        return slide_ground(slide)
    if stored is None:
        return plain_ground(sites.boxes)
    known = stored.height is not None and stored.width is not None
    extent = (stored.height or 0, stored.width or 0) if known else None
    return plain_ground(sites.boxes, extent, stored.source_mpp)


def answer_of(model: SparseClassifier, prediction: Prediction) -> str:
    """What the model said of one slide, in words, such as ``tumour (93 %)``."""
    probabilities: Float[Tensor, " class"] = prediction.probabilities[0]
    predicted = int(probabilities.argmax())
    return f"{model.classes[predicted]} ({float(probabilities[predicted]):.0%})"


def _measured(model: SparseClassifier, bags: Bags, evidence: SignedEvidence) -> Faithfulness:
    """The standard orders, and after the model's own two that of the signed evidence."""
    own, least, *controls = BAG_ORDERS.items()
    speaking = ("strongest for the class first", (ByEvidence(evidence.values),))
    return slide_faithfulness(model, bags, target=evidence.target, orders=dict([own, least, speaking, *controls]))


@dataclass(frozen=True, eq=False)
class _Files:
    """The files of one slide, as they are written."""

    folder: Path
    name: str
    written: dict[str, Path]

    def path(self, key: str, ending: str) -> Path:
        """Where a file goes."""
        self.written[key] = self.folder / f"{self.name}{ending}"
        return self.written[key]

    def draw(self, key: str, ending: str, data: bytes) -> None:
        """Write a picture."""
        write_bytes(self.path(key, ending), data)
