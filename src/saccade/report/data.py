"""What a report is made of. Everything but the title is optional: what is not given leaves no section behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
from jaxtyping import Float, Int, Num

from saccade.core.results import Sites
from saccade.evaluation.intervals import CaseBootstrap, Interval, percentile_interval
from saccade.evaluation.metrics import Metrics
from saccade.explanation.box_pointing import BoxPointing
from saccade.explanation.faithfulness import Faithfulness
from saccade.explanation.maps import ClassMaps
from saccade.explanation.pointing import Pointing
from saccade.report.field_data import FieldExample, RunRow
from saccade.report.slide_data import PointingOfSlides, SlideExample

T = TypeVar("T")
Number = int | float


@dataclass(frozen=True, eq=False)
class Example:
    """One image with what the model read in it and said about it.

    Attributes:
        name: File or number of the image.
        picture: The image, in the pixels the sites are in.
        sites: Of this image alone: a batch of one; ``None`` for a model that reads the whole image.
        label: True class.
        predicted: Class the model gave.
        probability: Probability of that class.
    """

    name: str
    picture: Num[np.ndarray, "height width channel"]
    sites: Sites | None
    label: str
    predicted: str
    probability: float

    @property
    def right(self) -> bool:
        """Whether the model gave the true class."""
        return self.predicted == self.label


@dataclass(frozen=True, eq=False)
class OverImages(Generic[T]):
    """Something measured over some images, and what is known of these.

    Attributes:
        measured: Its fields have one entry per image.
        labels: Class of each image.
        classes: Class names.
        cases: Case each image belongs to; images of a case are resampled together.
    """

    measured: T
    labels: Int[np.ndarray, " image"]
    classes: tuple[str, ...]
    cases: Sequence[str]

    def mean(self, values: Float[np.ndarray, " image"], among: np.ndarray | None = None) -> Interval:
        """Mean over images with its bootstrap interval over cases; values that are NaN are left out.

        Args:
            values: One per image.
            among: True for the images that count; all where not given.
        """
        return self._mean(values, among)

    def share(self, values: Float[np.ndarray, " image"], among: np.ndarray | None = None) -> Interval:
        """As ``mean``, of shares such as 1 for yes and 0 for no: where all cases agree, with Wilson's interval.

        Args:
            values: One per image, from 0 to 1.
            among: True for the images that count; all where not given.
        """
        return self._mean(values, among, shares=True)

    def _mean(
        self, values: Float[np.ndarray, " image"], among: np.ndarray | None = None, shares: bool = False
    ) -> Interval:
        values = np.asarray(values, dtype=np.float64)
        kept = np.isfinite(values) if among is None else np.isfinite(values) & among
        if not kept.any():
            return Interval(None, None, None)
        values, cases = values[kept], np.asarray(self.cases)[kept]
        bootstrap = CaseBootstrap.of(cases)
        sums = np.bincount(bootstrap.index, weights=values, minlength=bootstrap.count)
        images = np.bincount(bootstrap.index, minlength=bootstrap.count)
        samples = np.concatenate([(sums @ weights) / (images @ weights) for weights in bootstrap.blocks()])
        return percentile_interval(
            float(values.mean()), samples, bootstrap.count, share_of=bootstrap.count if shares else None
        )


@dataclass(frozen=True)
class CostRow:
    """What one model costs, and how good it is; ``None`` where it was not measured."""

    model: str
    accuracy: Interval | None = None
    parameters: Number | None = None
    flops_per_image: Number | None = None
    pixels_read_fraction: Number | None = None
    pixels_looked_fraction: Number | None = None
    images_per_second: Number | None = None
    peak_memory_bytes: Number | None = None
    images_decoded_per_second: Number | None = None
    patches: Number | None = None

    @classmethod
    def of(cls, model: str, values: Mapping[str, Any]) -> "CostRow":
        """From the plain values of ``metrics.json`` or of a benchmark's row.

        Where speed is given for several batch sizes, the largest counts.

        >>> CostRow.of("tiny-cnn", {"parameters": 61000, "images_per_second": {"1": 700, "256": 3400}})
        ... # doctest: +NORMALIZE_WHITESPACE +ELLIPSIS
        CostRow(model='tiny-cnn', accuracy=None, parameters=61000, ... images_per_second=3400, ...)
        """
        speed, accuracy = values.get("images_per_second"), values.get("accuracy")
        if isinstance(speed, Mapping):
            speed = speed[max(speed, key=int)] if speed else None
        if isinstance(accuracy, Mapping):
            accuracy = Interval(*(accuracy.get(key) for key in ("value", "low", "high")))
        plain = ("parameters", "flops_per_image", "images_decoded_per_second", "peak_memory_bytes", "patches")
        fractions = ("pixels_read_fraction", "pixels_looked_fraction")
        return cls(model, accuracy, images_per_second=speed, **{key: values.get(key) for key in (*plain, *fractions)})


@dataclass(frozen=True, eq=False)
class ReportData:
    """Everything a report can show.

    Attributes:
        title: What it is, such as "SparseAttnNet on pbc_cells".
        facts: What run, data, date, model: shown in this order under the title.
        origin: ``simulated`` or the name of a proxy, where the data is that; said beside every figure.
        metrics: How good the predictions are.
        costs: This model's cost first, then its peers'.
        history: One row per epoch, with the columns of ``history.csv``.
        budgets: One row per share of the pixels that was tried, with the columns of ``budgets.csv``.
        examples: Some images, of every class.
        maps: Where the model reads on average.
        faithfulness: Deletion and insertion.
        pointing: Share of weight inside a structure, and the structure's name.
        structure: Name of that structure.
        noun: What an image is called: cells, fields or slides.
        fields: Some fields, of every class.
        box_pointing: Whether a model looks and reads where the truth of a field lies.
        runs: Several runs that differ in what they may read.
        slides: Some slides, of every class.
        slide_pointing: Whether weight and evidence lie where a slide's class was annotated.
    """

    title: str
    facts: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""
    metrics: Metrics | None = None
    costs: Sequence[CostRow] | None = None
    history: Sequence[Mapping[str, Any]] | None = None
    budgets: Sequence[Mapping[str, Any]] | None = None
    examples: Sequence[Example] | None = None
    maps: ClassMaps | None = None
    faithfulness: OverImages[Faithfulness] | None = None
    pointing: OverImages[Pointing] | None = None
    structure: str = "nucleus"
    noun: str = "cells"
    fields: Sequence[FieldExample] | None = None
    box_pointing: OverImages[BoxPointing] | None = None
    runs: Sequence[RunRow] | None = None
    slides: Sequence[SlideExample] | None = None
    slide_pointing: OverImages[PointingOfSlides] | None = None

    @property
    def counted(self) -> str:
        """What is counted: images, or slides where they are."""
        return "slides" if self.noun == "slides" else "images"
