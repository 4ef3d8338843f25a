"""Simulated white blood cells in brightfield: single cells, and demonstration sets with donors, splits and masks.

Nothing here is a photograph. The set lets every part of the package be run, tested and shown where there is no data;
what is measured on it says nothing about real blood.
"""

import csv
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from saccade.core.errors import BadInput
from saccade.datasets.simulators.brightfield import Smear, draw_smear, photograph
from saccade.datasets.simulators.cell_description import CellDescription
from saccade.datasets.simulators.cell_kinds import KINDS, describe_cell
from saccade.datasets.simulators.smear import describe_surroundings
from saccade.datasets.simulators.thickness import Frame

__all__ = ["KINDS", "SimulatedCell", "simulate_cell", "write_dataset"]

FIELD = 25.6  # µm; side of a simulated image where no resolution is asked for
CELLS_PER_DONOR = 4  # of each kind
SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
COLUMNS = ("path", "label", "case_id", "split", "mpp", "mask_path")


@dataclass(frozen=True, eq=False)
class SimulatedCell:
    """A simulated white blood cell: its picture, its truth and the description both came from.

    Attributes:
        image: (size, size, 3) uint8 RGB.
        nucleus: (size, size) bool, true where at least half of a pixel is nucleus; always inside `cell`.
        cell: (size, size) bool, the same for the whole cell.
        kind: one of `KINDS`.
        description: geometry in micrometres, free of pixels and stain.
    """

    image: np.ndarray
    nucleus: np.ndarray
    cell: np.ndarray
    kind: str
    description: CellDescription


def simulate_cell(
    kind: str, rng: np.random.Generator, size: int = 128, mpp: float = 0.2, smear: Smear | None = None
) -> SimulatedCell:
    """Simulate a stained white blood cell among red cells.

    The description does not depend on `size` and `mpp`: the same generator state gives the same cell at any resolution.
    Cost: O(size²), about 3 ms at 64 px.

    Args:
        kind: one of `KINDS`.
        rng: source of randomness; four numbers are drawn from it.
        size: side of the image in pixels.
        mpp: micrometres per pixel.
        smear: the donor's stain and microscope; drawn at random if absent.

    Raises:
        BadInput: the kind is unknown, or size or mpp is not positive.

    Example:
        >>> import numpy as np
        >>> cell = simulate_cell("neutrophil", np.random.default_rng(0), size=64, mpp=0.4)
        >>> cell.image.shape, len(cell.description.lobes)
        ((64, 64, 3), 4)
    """
    if size < 1 or mpp <= 0:
        raise BadInput(f"size {size} and mpp {mpp} must be positive", remedy="Try size 64 and mpp 0.4")
    shape_rng, place_rng, camera_rng, smear_rng = (np.random.default_rng(seed) for seed in rng.integers(2**63, size=4))
    description = describe_cell(kind, shape_rng)
    smear = draw_smear(smear_rng) if smear is None else smear
    x, y = np.clip(place_rng.normal(0, 0.5, 2), -1, 1)
    clear = float(description.outline.mean()) + 0.3
    around = describe_surroundings(place_rng, size * mpp, clear, smear.crowding, smear.pallor)
    image, parts = photograph(description, around, smear, Frame(size, mpp, float(x), float(y)), camera_rng)
    cell = parts.cell_inside >= 0.5
    return SimulatedCell(image, cell & (parts.nucleus_inside >= 0.5), cell, kind, description)


def write_dataset(
    folder: str | Path, per_class: int | Mapping[str, int], seed: int = 0, size: int = 64, mpp: float | None = None
) -> Path:
    """Write a simulated set of white blood cells and return the path of its manifest.

    Images go to `<kind>/<kind>_0001.png`, masks of their nuclei to `masks/<kind>/<kind>_0001.png`; `manifest.csv`
    lists both. Cases are simulated donors, each with a stain and a lamp of their own; a donor gives up to four cells
    of each kind, all to one split. Cell i of a kind and split has a seed of its own: it stays the same however many
    cells are written.

    Args:
        folder: where to write; created if absent.
        per_class: cells of each kind per split, or one number shared out 70:10:20 to train, val and test.
        seed: of the whole set.
        size: side of the images in pixels.
        mpp: micrometres per pixel; by default images are 25.6 µm wide.

    Example:
        >>> manifest = write_dataset("simulated-cells", per_class={"train": 2, "test": 1}, size=32)
        >>> len(manifest.read_text().splitlines())
        16
    """
    folder, mpp = Path(folder), FIELD / size if mpp is None else mpp
    counts = _share_out(per_class) if isinstance(per_class, int) else per_class
    rows = []
    for kind in KINDS:
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (folder / "masks" / kind).mkdir(parents=True, exist_ok=True)
        places = [(split, index) for split, count in counts.items() for index in range(count)]
        for number, (split, index) in enumerate(places, start=1):
            donor = index // CELLS_PER_DONOR
            smear = draw_smear(_generator(seed, split, donor))
            cell = simulate_cell(kind, _generator(seed, split, donor, kind, index), size, mpp, smear)
            path = Path(kind, f"{kind}_{number:04d}.png")
            _save(folder / path, cell.image[..., ::-1])
            _save(folder / "masks" / path, cell.nucleus.astype(np.uint8) * 255)
            case = f"simulated-{split}-{donor + 1:03d}"
            rows.append((path.as_posix(), kind, case, split, f"{mpp:.6g}", Path("masks", path).as_posix()))
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
    return manifest


def _share_out(count: int) -> dict[str, int]:
    val, test = (round(count * SHARES[split]) for split in ("val", "test"))
    return {"train": count - val - test, "val": val, "test": test}


def _generator(seed: int, *names: str | int) -> np.random.Generator:
    """A generator that depends on the names alone, not on what was drawn before."""
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])


def _save(path: Path, pixels: np.ndarray) -> None:
    encoded = cv2.imencode(".png", pixels)[1]  # not imwrite, which fails silently and on some paths
    path.write_bytes(encoded.tobytes())
