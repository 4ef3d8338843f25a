"""Virtual smears on disk: slide files, their annotations and boxes, and the manifest that lists them.

The manifest says of every smear that all of it is tissue. What finds tissue in sections looks for whole pieces of it:
single cells are too small, and glass as tinted as some smears' is taken for tissue.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np

from saccade.core.files import new_folder, write_bytes, write_csv
from saccade.datasets.annotations import box_annotation, write_annotations
from saccade.datasets.boxes import BOXES_NAME
from saccade.datasets.composers.field_files import BOX_COLUMNS
from saccade.datasets.composers.fields import Field
from saccade.datasets.composers.materials import open_backgrounds, open_crops, simulated_backgrounds, simulated_crops
from saccade.datasets.composers.virtual_smears import SmearSettings, VirtualSmears
from saccade.datasets.pyramids import ArraySource, PyramidSettings, write_pyramid

COUNTS = {"train": 28, "val": 4, "test": 8}
COLUMNS = ("path", "label", "case_id", "split", "mpp", "tissue_path", "annotation_path")

TISSUE_NAME = "tissue.png"
"""The mask that all smears of a folder share."""


def compose_smears(
    folder: Path | str,
    crops: Path | str | None = None,
    backgrounds: Path | str | None = None,
    *,
    counts: Mapping[str, int] | None = None,
    settings: SmearSettings | None = None,
    seed: int = 0,
    storage: PyramidSettings | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Compose virtual smears and write slides, tissue, annotations, boxes and manifest; returns the manifest's path.

    >>> manifest = compose_smears("smears", counts={"train": 2}, settings=SmearSettings(size=512, cells=(4, 6)))
    >>> sorted(path.name for path in manifest.parent.iterdir())
    ['annotations', 'boxes.csv', 'manifest.csv', 'slides', 'tissue.png']

    Args:
        folder: New or empty.
        crops: Class folders or manifest of single cells; simulated ones where not given.
        backgrounds: Folder or manifest of smears of red cells; simulated ones where not given.
        counts: Slides in each part; 28, 4 and 8 where not given.
        settings: What the slides are like.
        seed: Seed of the split, where the data has none, and of every draw.
        storage: How slides are stored.
        progress: Told how many of how many slides are written.

    Raises:
        BadInput: The folder holds something already; the crops do not suit the task.
    """
    counts, settings = COUNTS if counts is None else counts, SmearSettings() if settings is None else settings
    made = VirtualSmears(
        simulated_crops(seed) if crops is None else open_crops(crops, seed=seed),
        simulated_backgrounds(seed) if backgrounds is None else open_backgrounds(backgrounds, seed=seed),
        settings,
        seed,
    )
    folder = new_folder(folder)
    note = "Composed by Saccade: " + (
        "simulated cells on a simulated smear" if crops is None else "crops of single cells pasted on a smear"
    )
    rows: list[tuple[str, ...]] = []
    boxes: list[tuple[str | int, ...]] = []
    write_whole_mask(folder / TISSUE_NAME)
    for part, count in counts.items():
        for slide in made.slides(part, count):
            rows.append(_write(folder, slide, settings.mpp, note, storage))
            boxes += [(rows[-1][0], *marked.box, marked.label, marked.kind) for marked in slide.boxes]
            progress(len(rows), sum(counts.values()))
    write_csv(folder / BOXES_NAME, BOX_COLUMNS, boxes)
    write_csv(folder / "manifest.csv", COLUMNS, rows)
    return folder / "manifest.csv"


def _write(folder: Path, slide: Field, mpp: float, note: str, storage: PyramidSettings | None) -> tuple[str, ...]:
    """Write a slide and its annotations; its row of the manifest."""
    path, truth = f"slides/{slide.name}.tif", f"annotations/{slide.name}.geojson"
    write_pyramid(folder / path, ArraySource(slide.image), mpp, storage, description=note)
    write_annotations(folder / truth, [box_annotation(each.label, each.box) for each in slide.boxes], note)
    return path, slide.label, slide.case_id, slide.part, f"{mpp:g}", TISSUE_NAME, truth


def write_whole_mask(path: Path) -> None:
    """Write a mask of tissue that leaves nothing of a square slide out, whatever its size."""
    write_bytes(path, cv2.imencode(".png", np.full((16, 16), 255, np.uint8))[1].tobytes())
