"""Sets of simulated slides on disk: slides, their annotations, and the manifest that lists them."""

import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from saccade.core.errors import BadInput
from saccade.core.files import new_folder, write_csv
from saccade.datasets.annotations import write_annotations
from saccade.datasets.pyramids import PyramidSettings, write_pyramid
from saccade.datasets.simulators.slides.description import SlideDescription
from saccade.datasets.simulators.slides.layout import NESTS, draw_slide
from saccade.datasets.simulators.slides.patch_grids import describe_grid
from saccade.datasets.simulators.slides.rendering import SlideRenderer
from saccade.datasets.simulators.slides.tasks import CLASSES, TASKS
from saccade.datasets.simulators.slides.writing import NOTE

COLUMNS = ("path", "label", "case_id", "split", "mpp", "annotation_path")
TUMOUR = "tumour"
"""The task that needs no arrangement: is there tumour among the tissue?"""

_TUMOUR_CLASSES = ("normal", "tumour")
_SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
_TUMOUR = ("tumour", "necrosis")  # what slides without tumour do not hold


def simulate_slides(
    folder: Path | str,
    count: int | Mapping[str, int] = 20,
    task: str = TUMOUR,
    *,
    size: int = 4096,
    mpp: float = 0.5,
    patch: int = 224,
    seed: int = 0,
    storage: PyramidSettings | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Simulate a set of slides of two classes and return the path of its manifest.

    Slides go to ``slides/``, polygons of their tissue to ``annotations/``. Each slide is a case of its own with a stain
    of its own, and stays the same however many are written. Classes take turns within each part.

    Cost: about 2 s a slide of 4,096².

    >>> manifest = simulate_slides("slides", {"train": 2, "test": 2}, size=512, mpp=2.0)
    >>> manifest.read_text().splitlines()[1]
    'slides/train_0000.tif,normal,simulated-train-0000,train,2,annotations/train_0000.geojson'

    Args:
        folder: New or empty.
        count: Slides in each part, or one number shared out 70:10:20 to train, val and test.
        task: "tumour": tissue with or without tumour, on a square; or "shift", "pyramid", "global" (see ``tasks``): one
            square of tissue for each patch of a lattice, its first patch at (patch, patch).
        size: Side of a slide of the task "tumour" in base pixels; below 2,000 µm tumours are smaller than elsewhere.
        mpp: Micrometres per base pixel.
        patch: Side of a lattice's patches in base pixels.
        seed: Of the whole set.
        storage: How slides are stored.
        progress: Told how many of how many slides are written.

    Raises:
        BadInput: There is no such task, the folder holds something already, or slides are too small for a tumour.
    """
    classes = _TUMOUR_CLASSES if task == TUMOUR else CLASSES
    if task != TUMOUR and task not in TASKS:
        raise BadInput(f"{task!r} is no task of simulated slides", f"choose among {', '.join((TUMOUR, *TASKS))}")
    counts = _share_out(count) if isinstance(count, int) else count
    folder, rows = new_folder(folder), list[tuple[str, ...]]()
    for part, slides in counts.items():
        for index in range(slides):
            label, name = classes[index % 2], f"{part}_{index:04d}"
            chosen = _seed(seed, task, part, index)
            side = size * mpp
            drawn = _tissue(label, side, chosen) if task == TUMOUR else _lattice(task, label, patch * mpp, chosen)
            path, truth = f"slides/{name}.tif", f"annotations/{name}.geojson"
            write_pyramid(folder / path, SlideRenderer(drawn, mpp), mpp, storage, description=NOTE)
            write_annotations(folder / truth, drawn.annotations(mpp), NOTE)
            rows.append((path, label, f"simulated-{part}-{index:04d}", part, f"{mpp:g}", truth))
            progress(len(rows), sum(counts.values()))
    write_csv(folder / "manifest.csv", COLUMNS, rows)
    return folder / "manifest.csv"


def _tissue(label: str, side: float, seed: int) -> SlideDescription:
    """Tissue of one class: slides without tumour have the same nests but for tumour and what lies in it."""
    nests = tuple(nest for nest in NESTS if label == "tumour" or nest.kind not in _TUMOUR)
    pen = seed % 8 == 0  # drawn around the tissue of either class
    return draw_slide(seed, side, side, tissue=0.4, pieces=1, pen=pen, nests=nests, certain=("tumour",))


def _lattice(task: str, label: str, side: float, seed: int) -> SlideDescription:
    grid = TASKS[task].draw(label, np.random.default_rng(seed))
    return describe_grid(grid, side, margin=1, seed=seed)


def _share_out(count: int) -> dict[str, int]:
    val, test = (round(count * _SHARES[part]) for part in ("val", "test"))
    return {"train": count - val - test, "val": val, "test": test}


def _seed(seed: int, *names: str | int) -> int:
    """A seed that depends on the names alone."""
    return zlib.crc32(" ".join(map(str, (seed, *names))).encode())
