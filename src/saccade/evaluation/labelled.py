"""Labelled data to judge a run by: images by their manifest, slides by a table and the folder of their features."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from saccade.core.errors import BadInput, Problem, raise_first
from saccade.core.manifest import Manifest, inspect_labels, inspect_names
from saccade.datasets.bags import join_bags
from saccade.datasets.sources import open_manifest
from saccade.evaluation.assessment import LabelledImage
from saccade.evaluation.labels import LEFT_OUT, map_labels
from saccade.features.slide_input import SlideInput
from saccade.inference.hub import task_of
from saccade.inference.runs import Run


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """The rows of a data set, and of slides where their features are.

    Attributes:
        manifest: The rows that can be used.
        bags: The file of each slide's features, by the name of its row; empty for images.
        problems: Slides without features.
    """

    manifest: Manifest
    bags: Mapping[str, Path] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def open_labelled(run: Run, data: Path, features: Path | None = None) -> LabelledRows:
    """The rows of some data, as a run of its scale is judged by.

    Args:
        run: Which tells the scale, and for slides where the features of its training are.
        data: Folder, manifest or MedMNIST file; of slides, a table of their names and labels, or what else is asked.
        features: Folder of the slides' features; those of the run's training where not given.

    Raises:
        BadInput: The data cannot be used, or features are given to a run of images.
    """
    if not isinstance(run.package.preprocessing, SlideInput):
        if features is not None:
            name = run.package.model.config["model"]
            raise BadInput(f"{name} takes images, not features", "leave out --features", str(features))
        return LabelledRows(open_manifest(data))
    folder = features or features_of(run)
    labelled = task_of(run.package) == "classification"
    manifest, problems = inspect_labels(data) if labelled else inspect_names(data)
    raise_first(problems)
    bags, without = join_bags(manifest, folder)
    if not len(bags):
        raise_first(without)
    names = [row.name for row in bags.manifest.rows]
    return LabelledRows(bags.manifest, dict(zip(names, bags.paths, strict=True)), without)


def features_of(run: Run) -> Path:
    """Where the features were that a run was trained on.

    Raises:
        BadInput: The run does not say.
    """
    folder = run.recipe.get("data", {}).get("features")
    if not folder:
        raise BadInput("does not say where the features of its training were", "give --features", str(run.folder))
    return Path(folder)


def label_images(
    manifest: Manifest,
    classes: tuple[str, ...],
    mapping: Mapping[str, str | None] | None = None,
    bags: Mapping[str, Path] | None = None,
) -> list[LabelledImage]:
    """Number the images' labels as the model does; what the map sends nowhere is left out.

    Args:
        manifest: The rows.
        classes: The model's.
        mapping: How other class names are called here.
        bags: The features of slides, by the names of their rows.

    Raises:
        BadInput: Labels that are neither mapped nor the model's, naming them and the first row; or nothing is left.
    """
    mapped = mapping or {}
    unknown = next((row for row in manifest.rows if row.label not in mapped and row.label not in classes), None)
    source = unknown.place if unknown else ""
    numbers = map_labels([row.label for row in manifest.rows], classes, mapping, source).tolist()
    images = [
        LabelledImage(row, number, classes[number], (bags or {}).get(row.name))
        for row, number in zip(manifest.rows, numbers, strict=True)
        if number != LEFT_OUT
    ]
    if not images:
        raise BadInput("the label map leaves no image to evaluate", "map some of the labels", str(manifest.source))
    return images
