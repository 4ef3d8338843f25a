"""Made-up slides with a file, a bag and an annotation each, and a model that has seen none of them."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from saccade.core.manifest import Manifest, inspect_labels
from saccade.datasets.annotations import box_annotation, write_annotations
from saccade.evaluation.assessment import Judged, LabelledImage, judge
from saccade.features.slide_input import SlideInput
from saccade.inference.slide_predictor import SlidePredictor
from saccade.models import create_model
from tests.miniature_slides import CLASSES, DIM, write_bag

SIDE, PATCH = 4, 448
REGION = (0, 0, 2 * PATCH, PATCH)
"""Where each tumour was annotated: the first two patches."""


def colour(site: int) -> tuple[int, int, int]:
    """Every patch of a file is of one colour, which no other has."""
    return 40 + 12 * site, 200 - 9 * site, 128


def write_slide(path: Path) -> Path:
    """Sixteen squares, in the order of the bag."""
    shades = np.array([colour(site) for site in range(SIDE**2)], np.uint8).reshape(SIDE, SIDE, 3)
    Image.fromarray(shades.repeat(PATCH, 0).repeat(PATCH, 1)).save(path)
    return path


def make_slides(folder: Path, count: int = 4) -> Manifest:
    """Slides by turns of each class; tumours are annotated, and so is something else on every slide."""
    rows = []
    slide = write_slide(folder / "slide.png")
    for number in range(count):
        label, name = CLASSES[number % 2], f"s{number}"
        write_bag(folder / "job" / f"{name}.h5", f"{name}.svs", label, number, SIDE, source=str(slide))
        boxes = [box_annotation("fold", (0, 0, 4 * PATCH, 4 * PATCH))]
        if label == CLASSES[1]:
            boxes.append(box_annotation("Tumour", REGION))
        write_annotations(folder / f"{name}.geojson", boxes)
        rows.append({"slide_id": name, "label": label, "case_id": name, "annotation_path": f"{name}.geojson"})
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return inspect_labels(folder / "labels.csv")[0]


def slide_images(folder: Path, count: int = 4) -> list[LabelledImage]:
    """The same as a model is judged by."""
    return [
        LabelledImage(row, CLASSES.index(row.label), row.label, folder / "job" / f"{row.name}.h5")
        for row in make_slides(folder, count).rows
    ]


def slide_predictor() -> SlidePredictor:
    model = create_model("span", CLASSES, in_features=DIM, width=8, heads=1)
    return SlidePredictor(model, SlideInput("made-up", DIM, patch=224, mpp=0.5), "cpu")


def judged_slides(predictor: SlidePredictor, images: list[LabelledImage]) -> Judged:
    return judge(predictor, images)
