"""What the models of a cross-validation say of images that they were not trained on, put together over the folds."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from saccade.core.files import write_csv
from saccade.core.manifest import Row
from saccade.datasets.labelled import LabelledData
from saccade.datasets.slides import SlideData
from saccade.evaluation.assessment import LabelledImage, knowing_predictor, stream_items
from saccade.evaluation.comparison import Difference, paired_difference
from saccade.evaluation.metrics import Metrics, evaluate_predictions
from saccade.inference.result import Item
from saccade.inference.runs import Run

_BEFORE, _AFTER = ("case_id", "path", "fold", "label", "predicted"), ("error",)


class PartPrediction(NamedTuple):
    """Probabilities for the images of one part, in their order; NaN, and an error, where one could not be opened."""

    probabilities: Float[np.ndarray, "image class"]
    errors: tuple[str, ...]


def predict_part(run: Path, part: LabelledData, device: str | None = None) -> PartPrediction:
    """Let a trained model predict a part of a data set: the one place where it is opened for that.

    Args:
        run: Folder of the run.
        part: What to predict; its files are opened anew, in the way that predicts ever after.
        device: Where to compute; by default a GPU where there is one.
    """
    predictor = knowing_predictor(Run.open(run), part.manifest, device)
    names = [predictor.classes[label] for label in part.labels.tolist()]
    bags = part.bags.paths if isinstance(part, SlideData) else (None,) * len(part)
    images = [LabelledImage(*each) for each in zip(part.rows, part.labels.tolist(), names, bags, strict=True)]
    places = {id(image): place for place, image in enumerate(images)}
    opened: list[int] = []  # places, in the order of the stream: images inside archives come last

    def items() -> Iterator[Item]:
        for image, item in stream_items(images):
            opened.append(places[id(image)])
            yield item

    probabilities, errors = np.full((len(images), len(predictor.classes)), np.nan), [""] * len(images)
    for number, result in enumerate(predictor.stream(items())):
        errors[opened[number]] = result.error
        if not result.error:
            probabilities[opened[number]] = list(result.probabilities.values())
    return PartPrediction(probabilities, tuple(errors))


@dataclass(frozen=True)
class TriedImage:
    """One image and what the model of the fold that tests it says: no probabilities where it could not be opened."""

    case_id: str
    name: str
    fold: int
    label: str
    probabilities: tuple[float, ...] = ()
    error: str = ""

    @property
    def case(self) -> str:
        """The case, or the image itself where none is known."""
        return self.case_id or self.name


@dataclass(frozen=True)
class FoldPredictions:
    """The tested images of one fold or of all.

    Attributes:
        classes: Names of the classes, in the order of the probabilities.
        images: One entry for each image.
    """

    classes: tuple[str, ...]
    images: tuple[TriedImage, ...]

    @classmethod
    def of(cls, classes: Sequence[str], fold: int, rows: Iterable[Row], found: PartPrediction) -> "FoldPredictions":
        """What was predicted of the rows of one fold's test part."""
        images = []
        for row, chances, error in zip(rows, found.probabilities.tolist(), found.errors, strict=True):
            known = () if error else tuple(chances)
            images.append(TriedImage(row.case_id, row.name, fold, row.label, known, error))
        return cls(tuple(classes), tuple(images))

    @classmethod
    def joined(cls, parts: Sequence["FoldPredictions"]) -> "FoldPredictions":
        """Those of several folds, one after the other."""
        return cls(parts[0].classes, tuple(image for part in parts for image in part.images))

    @property
    def predicted(self) -> tuple[TriedImage, ...]:
        """The images that could be opened."""
        return tuple(image for image in self.images if not image.error)

    @property
    def probabilities(self) -> Float[np.ndarray, "image class"]:
        """Of the images that could be opened."""
        return np.array([image.probabilities for image in self.predicted]).reshape(-1, len(self.classes))

    @property
    def labels(self) -> Int[np.ndarray, " image"]:
        """Numbers of their classes."""
        return np.array([self.classes.index(image.label) for image in self.predicted], dtype=np.int64)

    @property
    def right(self) -> Bool[np.ndarray, " image"]:
        """Whether the most probable class is theirs."""
        return self.probabilities.argmax(axis=1) == self.labels

    def metrics(self, resamples: int = 1000) -> Metrics:
        """The figures, with intervals over cases.

        Raises:
            BadInput: No image could be opened.
        """
        cases = [image.case for image in self.predicted]
        return evaluate_predictions(self.probabilities, self.labels, cases, self.classes, resamples=resamples)

    def table(self) -> tuple[tuple[str, ...], Iterator[tuple[object, ...]]]:
        """Columns ``case_id,path,fold,label,predicted,p_<class>…,error`` and a row for each image."""
        return (*_BEFORE, *(f"p_{name}" for name in self.classes), *_AFTER), map(self._cells, self.images)

    def save(self, path: Path | str) -> None:
        """Write the table, whole or not at all; float32 survives the way there and back."""
        write_csv(path, *self.table())

    @classmethod
    def load(cls, path: Path | str) -> "FoldPredictions":
        """Load what ``save`` wrote."""
        with Path(path).open(newline="", encoding="utf-8") as file:
            header, *lines = csv.reader(file)
        chances = slice(len(_BEFORE), len(header) - len(_AFTER))
        images = []
        for line in lines:
            case_id, name, fold, label = line[:4]
            known = () if line[-1] else tuple(map(float, line[chances]))
            images.append(TriedImage(case_id, name, int(fold), label, known, line[-1]))
        return cls(tuple(name.removeprefix("p_") for name in header[chances]), tuple(images))

    def _cells(self, image: TriedImage) -> tuple[object, ...]:
        best = self.classes[int(np.argmax(image.probabilities))] if image.probabilities else ""
        chances = [f"{value:.9g}" for value in image.probabilities] or [""] * len(self.classes)
        return (image.case_id, image.name, image.fold, image.label, best, *chances, image.error)


def accuracy_difference(one: FoldPredictions, other: FoldPredictions) -> Difference:
    """Accuracy of one model less that of the other, paired over cases, on the images that both could open."""
    right = [dict(zip((image.name for image in each.predicted), each.right, strict=True)) for each in (one, other)]
    shared = [image for image in one.predicted if image.name in right[1]]
    mine, theirs = (np.array([found[image.name] for image in shared]) for found in right)
    return paired_difference(mine, theirs, [image.case for image in shared])
