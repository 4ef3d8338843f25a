"""Simulated slides as bags at once, without a pixel in between: a small tumour somewhere in the tissue, or none.

Tissue is drawn as for simulated slides, and laid with patches; a patch's features tell what kind of tissue its middle
shows, but for noise. No encoder made them. So a set of bags takes seconds where slides to be embedded take minutes, and
aggregators, which never see pixels, can be set side by side.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from saccade.core.errors import BadInput
from saccade.core.files import new_folder, write_csv
from saccade.datasets.simulators.slides.description import KINDS
from saccade.datasets.simulators.slides.layout import NESTS, draw_slide
from saccade.datasets.simulators.slides.patch_grids import PatchGrid, simulate_features
from saccade.features.store import BagAttributes, BagWriter

CLASSES = ("normal", "tumour")
COLUMNS = ("slide_id", "label", "case_id", "split")

_PATCH, _MPP = 224, 0.5  # pixels and micrometres per pixel that the files state
_RADIUS, _NESTS_PER_MM2 = (150.0, 300.0), 0.2  # of a tumour: a few patches
_ENCODER = "simulated-kinds"


def simulate_bags(
    folder: Path | str,
    counts: Mapping[str, int],
    *,
    side: float = 3000.0,
    dim: int = 128,
    noise: float = 3.0,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Simulate the bags of slides with and without tumour, and return the path of the table of their labels.

    Bags go to ``features_simulated-kinds/`` beside ``manifest.csv``. Each slide is a case of its own and stays the same
    however many are written; classes take turns within each part.

    Cost: some 10 ms a slide of 3 mm.

    >>> table = simulate_bags("bags", {"train": 2, "test": 2}, side=1500.0, dim=8)
    >>> table.read_text().splitlines()[1]
    'train_0000,normal,simulated-train-0000,train'

    Args:
        folder: New or empty.
        counts: Slides in each part.
        side: Of a slide in micrometres.
        dim: Numbers of a patch; at least as many as there are kinds of tissue.
        noise: Length of a patch's noise, beside a length of 1 of what tells its kind.
        seed: Of the whole set.
        progress: Told how many of how many slides are written.

    Raises:
        BadInput: The folder holds something already, or slides are too small for a tumour or features for the kinds.
    """
    folder, rows = new_folder(folder), list[tuple[str, ...]]()
    for part, count in counts.items():
        for index in range(count):
            label, name = CLASSES[index % 2], f"{part}_{index:04d}"
            chosen = zlib.crc32(f"{seed} bags {part} {index}".encode())
            grid = draw_tissue_grid(label, side, chosen)
            features = simulate_features(grid, np.random.default_rng(chosen), dim, noise)
            _write(folder / f"features_{_ENCODER}" / f"{name}.h5", name, grid, features)
            rows.append((name, label, f"simulated-{part}-{index:04d}", part))
            progress(len(rows), sum(counts.values()))
    write_csv(folder / "manifest.csv", COLUMNS, rows)
    return folder / "manifest.csv"


def draw_tissue_grid(label: str, side: float, seed: int) -> PatchGrid:
    """The patches on the tissue of a drawn slide, and the kind that the middle of each shows.

    >>> grid = draw_tissue_grid("tumour", 1500.0, seed=0)
    >>> grid.counts()[KINDS.index("tumour")] > 0
    True

    Args:
        label: One of ``CLASSES``; a slide without tumour has nests of the other kinds alone.
        side: Of the slide in micrometres.
        seed: Of everything on it.

    Raises:
        BadInput: There is no such class, or no room for a tumour.
    """
    if label not in CLASSES:
        raise BadInput(f"{label!r} is no class of these slides", f"choose {' or '.join(CLASSES)}")
    wanted = [nest for nest in NESTS if nest.kind not in ("tumour", "necrosis")]
    if label == "tumour":
        tumour = next(nest for nest in NESTS if nest.kind == "tumour")
        wanted.insert(0, replace(tumour, radius=_RADIUS, density=_NESTS_PER_MM2))
    drawn = draw_slide(seed, side, side, tissue=0.45, pieces=1, nests=tuple(wanted), certain=("tumour",))
    step = _PATCH * _MPP
    count = int(side / step)
    cells = np.stack(np.meshgrid(np.arange(count), np.arange(count)), -1).reshape(-1, 2).astype(np.int64)
    kinds = drawn.kinds_at((cells + 0.5) * step)
    return PatchGrid(cells[kinds >= 0], kinds[kinds >= 0], label, KINDS)


def _write(path: Path, name: str, grid: PatchGrid, features: np.ndarray) -> None:
    """A bag as an embedded slide leaves it; nobody counted pixels, for there were none."""
    told = BagAttributes(
        name,
        patch_size=_PATCH,
        patch_size_level0=_PATCH,
        mpp=_MPP,
        source_mpp=_MPP,
        encoder=_ENCODER,
        encoder_facts={"simulated": True},
        simulated=True,
    )
    rows, dim = features.shape
    with BagWriter(path, rows=rows, dim=dim, coords=grid.coords(_PATCH), attributes=told) as writer:
        writer.put(0, features)
