"""Made-up inputs for the report's tests: small, quick, and of every kind."""

from typing import Any

import numpy as np
import torch

from saccade.core.results import Sites
from saccade.evaluation.intervals import Interval
from saccade.evaluation.metrics import Metrics, evaluate_predictions
from saccade.explanation.box_pointing import BoxPointing
from saccade.explanation.faithfulness import Curve, Faithfulness
from saccade.explanation.maps import ClassMaps, class_maps
from saccade.explanation.pointing import Pointing, pointing
from saccade.report.data import CostRow, Example, OverImages, ReportData
from saccade.report.field_data import FieldExample, RunRow, ShownPatch
from saccade.report.slide_data import EndPatch, PointingOfSlides, ScaleBar, SlideExample

CLASSES = ("neutrophil", "<b>bold</b> & co", "basophil")
IMAGES = 24
LABELS = np.arange(IMAGES) % 2  # the third class has no images
CASES = [f"case {i // 2}" for i in range(IMAGES)]


def some_sites(images: int = 1, seed: int = 0) -> Sites:
    generator = torch.Generator().manual_seed(seed)
    corners = torch.randint(0, 15, (images, 6, 2), generator=generator).float()
    weights = torch.rand(images, 6, generator=generator).softmax(1)
    return Sites(torch.cat([corners, corners + 1], dim=2), weights, torch.ones(images, 6, dtype=torch.bool))


def metrics(classes: tuple[str, ...] = CLASSES) -> Metrics:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(len(classes)), IMAGES)
    return evaluate_predictions(probabilities, LABELS, CASES, classes, resamples=50)


def costs() -> list[CostRow]:
    own = CostRow("sparse-attn-net", Interval(0.9, 0.8, 0.95), 58_000, 2.4e6, 0.15, 0.0625, 1234.0, 4e7)
    return [own, CostRow("tiny-cnn", parameters=61_000)]


def history() -> list[dict[str, Any]]:
    return [
        {
            "epoch": i,
            "train_loss": 1 / (i + 1),
            "val_loss": 1 / (i + 1),
            "val_accuracy": 0.5,
            "pixels_read_fraction": 0.4,
        }
        for i in range(3)
    ]


def examples() -> list[Example]:
    picture = (np.arange(16 * 16 * 3) % 251).astype(np.uint8).reshape(16, 16, 3)
    return [
        Example("a.png", picture, some_sites(), CLASSES[0], CLASSES[0], 0.98),
        Example("b <i>.png", picture, some_sites(seed=1), CLASSES[0], CLASSES[1], 0.71),
        Example("c.png", picture, some_sites(seed=2), CLASSES[1], CLASSES[1], 0.66),
    ]


def maps() -> ClassMaps:
    return class_maps(some_sites(IMAGES), torch.from_numpy(LABELS), CLASSES, 16, 16)


def over(measured: Any) -> OverImages[Any]:
    return OverImages(measured, LABELS, CLASSES, CASES)


def faithful() -> OverImages[Faithfulness]:
    """The own order falls at once; its twin does the same; chance never falls."""
    x = np.linspace(0, 0.15, 4)
    fall = np.tile([1.0, 0.1, 0.1, 0.1], (IMAGES, 1)) - np.random.default_rng(0).uniform(0, 0.01, (IMAGES, 1))
    stay = np.full((IMAGES, 4), 0.9)
    curves = {"own": Curve(x, fall, stay), "twin": Curve(x, fall, stay), "chance": Curve(x, stay, fall)}
    return over(Faithfulness(curves, "grey"))


def pointed() -> OverImages[Pointing]:
    masks = torch.zeros(IMAGES, 16, 16, dtype=torch.bool)
    masks[:, 4:12, 4:12] = True
    return over(pointing(some_sites(IMAGES), masks))


def field_examples() -> list[FieldExample]:
    dice = np.random.default_rng(0)

    def picture(height: int, width: int) -> np.ndarray:
        return dice.integers(0, 256, (height, width, 3), dtype=np.uint8)

    both = [ShownPatch(1, 0.75, picture(8, 8), True), ShownPatch(2, 0.25, picture(8, 8), False)]
    return [
        FieldExample("a.png", CLASSES[0], CLASSES[0], 0.98, picture(30, 40), both, 2),
        FieldExample("b <i>.png", CLASSES[0], CLASSES[1], 0.71, picture(30, 40), both, 5),
        FieldExample("c.png", CLASSES[1], CLASSES[1], 0.66, picture(30, 40), both[:1], 1),
    ]


def box_pointed() -> OverImages[BoxPointing]:
    """Heaviest in the box in half of the images, weight and hits a little more; one image without a box."""
    values = torch.arange(IMAGES).double() / (IMAGES - 1)
    values[3] = torch.nan
    area = torch.where(values.isnan(), torch.nan, 0.02)
    heaviest = torch.where(values.isnan(), torch.nan, (values > 0.5).double())
    return over(BoxPointing(heaviest, torch.ones(len(values)), values**2, values, values, heaviest, area, 5 * area))


def slide_examples() -> list[SlideExample]:
    """One right with its file and annotation, one wrong without either."""
    dice = np.random.default_rng(0)

    def picture(side: int) -> np.ndarray:
        return dice.integers(0, 256, (side, side, 3), dtype=np.uint8)

    most, least = [EndPatch(1, 6.25, 8.0, picture(8))], [EndPatch(1200, 0.034, -0.5, picture(8))]
    maps = picture(30), picture(30)
    bar = ScaleBar("0.5 mm", 0.2)
    return [
        SlideExample("a.svs", CLASSES[0], CLASSES[0], 0.98, *maps, 1200, 300, most, least, bar, outlined=True),
        SlideExample("b <i>.svs", CLASSES[0], CLASSES[1], 0.71, *maps, 1, 1),
    ]


def slides_pointed() -> OverImages[PointingOfSlides]:
    """Weight at chance, evidence above it; one slide in which nothing speaks for its class."""
    rising = np.linspace(0, 1, IMAGES)
    evidence = np.where(np.arange(IMAGES) == 3, np.nan, 0.75)
    return over(PointingOfSlides(np.full(IMAGES, 0.25), (rising > 0.5).astype(float), evidence, np.full(IMAGES, 0.25)))


def runs() -> list[RunRow]:
    return [
        RunRow("20 × 50 px", 50, 20, Interval(0.94, 0.9, 0.97), 0.048, 0.04),
        RunRow("20 × <20> px", 20, 20, Interval(0.87, 0.8, 0.92), 0.008, 0.04),
        RunRow("whole", None, None, Interval(0.9, None, None)),
    ]


def staged_history() -> list[dict[str, Any]]:
    """Two epochs of warm-up, one of reading, two of both; as a run folder's table gives them."""
    nan = float("nan")
    losses, entropies = (nan, nan, 1.2, 0.8, 0.4), (nan, nan, nan, -0.008, -0.002)
    return [
        {"epoch": i + 1.0, "train_loss": 9.0 - i, "train_cross_entropy": loss, "train_entropy": entropy}
        | {"val_loss": 2.0 - 0.3 * i, "val_accuracy": 0.2 * i, "pixels_read_fraction": 0.02}
        for i, (loss, entropy) in enumerate(zip(losses, entropies, strict=True))
    ]


PARTS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "metrics": (metrics(), ("confusion", "recall", "reliability")),
    "costs": (costs(), ("cost",)),
    "history": (history(), ("training",)),
    "examples": (examples(), ("examples",)),
    "maps": (maps(), ("maps",)),
    "faithfulness": (faithful(), ("faithfulness",)),
    "pointing": (pointed(), ("pointing",)),
    "fields": (field_examples(), ("fields",)),
    "box_pointing": (box_pointed(), ("box-pointing",)),
    "runs": (runs(), ("runs",)),
    "slides": (slide_examples(), ("slides",)),
    "slide_pointing": (slides_pointed(), ("slide-pointing",)),
}
"""What a report may be given, with the sections that follow from it."""


def full_report(origin: str = "") -> ReportData:
    given = {name: value for name, (value, _) in PARTS.items()}
    return ReportData("SparseAttnNet on <made up>", {"Run": "runs/<x>"}, origin, **given)
