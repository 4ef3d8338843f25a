"""Sets of simulated white blood cells in one of three modalities, with donors, splits and masks."""

import csv
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import tifffile

from saccade.core.errors import BadInput
from saccade.datasets.simulators.blood_cells import CellThreeWays, simulate_cell, simulate_modalities
from saccade.datasets.simulators.brightfield import draw_smear
from saccade.datasets.simulators.cell_kinds import KINDS
from saccade.datasets.sources import SIMULATED
from saccade.imaging.events import bin_events

__all__ = ["MODALITIES", "write_dataset"]

FIELD = 25.6  # µm; side of a simulated image where no resolution is asked for
CELLS_PER_DONOR = 4  # of each kind, where nothing else is asked for
SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
COLUMNS = ("path", "label", "case_id", "split", "mpp", "mask_path")
MODALITIES = ("brightfield", "opd", "events")


def write_dataset(
    folder: str | Path,
    per_class: int | Mapping[str, int],
    seed: int = 0,
    size: int = 64,
    mpp: float | None = None,
    modality: str = "brightfield",
    per_donor: int = CELLS_PER_DONOR,
) -> Path:
    """Write a simulated set of white blood cells and return the path of its manifest.

    Images go to `<kind>/simulated-<kind>_0001.png`, masks of their nuclei to `masks/<kind>/simulated-<kind>_0001.png`;
    `manifest.csv` lists both. Cases are simulated donors, each with a stain and a lamp of their own; a donor gives up
    to `per_donor` cells of each kind, all to one split. Cell i of a kind and split has a seed of its own: it stays the
    same however many cells are written, and in every modality, as long as donors give as many.

    Maps of the optical path difference are float32 TIFF in nanometres, events float32 NPY of two channels (OFF, ON).
    `cell_masks/` holds masks of the whole cells, of events those of where the cell was while it was recorded; no
    manifest names them.

    Args:
        folder: where to write; created if absent.
        per_class: cells of each kind per split, or one number shared out 70:10:20 to train, val and test.
        seed: of the whole set.
        size: side of the images in pixels.
        mpp: micrometres per pixel; by default images are 25.6 µm wide.
        modality: one of `MODALITIES`.
        per_donor: cells of each kind that a donor gives. Fewer make more donors of the same number of cells, and it is
            donors that intervals are drawn over.

    Raises:
        BadInput: the modality is unknown, or size, mpp or per_donor is not positive.

    Example:
        >>> manifest = write_dataset("simulated-cells", per_class={"train": 2, "test": 1}, size=32)
        >>> len(manifest.read_text().splitlines())
        16
    """
    if modality not in MODALITIES:
        raise BadInput(f"there is no modality {modality!r}", f"choose one of {', '.join(MODALITIES)}")
    if per_donor < 1:
        raise BadInput(f"a donor cannot give {per_donor} cells of a kind", "give 1 or more")
    folder, mpp = Path(folder), FIELD / size if mpp is None else mpp
    counts = _share_out(per_class) if isinstance(per_class, int) else per_class
    rows = []
    for kind in KINDS:
        places = [(split, index) for split, count in counts.items() for index in range(count)]
        for number, (split, index) in enumerate(places, start=1):
            donor = index // per_donor
            smear = draw_smear(_generator(seed, split, donor))
            rng = _generator(seed, split, donor, kind, index)
            name = Path(kind, f"{SIMULATED}{kind}_{number:04d}")
            if modality == "brightfield":
                cell = simulate_cell(kind, rng, size, mpp, smear)
                whole, path = cell.cell, _save(folder, name.with_suffix(".png"), cell.image[..., ::-1])
            else:
                three = simulate_modalities(kind, rng, size, mpp, smear)
                cell, path = three.brightfield, _SAVED[modality](folder, name, three)
                whole = three.passed if modality == "events" else cell.cell
            _save(folder, Path("cell_masks", name.with_suffix(".png")), whole.astype(np.uint8) * 255)
            mask = _save(folder, Path("masks", name.with_suffix(".png")), cell.nucleus.astype(np.uint8) * 255)
            case = f"{SIMULATED}{split}-{donor + 1:03d}"
            rows.append((path, kind, case, split, f"{mpp:.6g}", mask))
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


def _save(folder: Path, name: Path, pixels: np.ndarray) -> str:
    """Write a PNG and return its name as the manifest has it."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    encoded = cv2.imencode(".png", pixels)[1]  # not imwrite, which fails silently and on some paths
    (folder / name).write_bytes(encoded.tobytes())
    return name.as_posix()


def _save_opd(folder: Path, name: Path, cell: CellThreeWays) -> str:
    path = name.with_suffix(".tif")
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(folder / path, cell.opd[..., 0], metadata={"unit": "nm", "simulated": True})
    return path.as_posix()


def _save_events(folder: Path, name: Path, cell: CellThreeWays) -> str:
    path = name.with_suffix(".npy")
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    np.save(folder / path, bin_events(cell.events))
    return path.as_posix()


_SAVED: dict[str, Callable[[Path, Path, CellThreeWays], str]] = {"opd": _save_opd, "events": _save_events}
