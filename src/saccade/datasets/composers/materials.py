"""What fields are composed of: crops and backgrounds, each in one part of the split before anything is composed.

A part of the manifest's own is kept; without one, cases are drawn into parts. So no crop, no background and no case is
in two parts, and nothing that a model has trained on comes back in its test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from saccade.core.errors import BadInput, raise_first
from saccade.core.manifest import Row
from saccade.core.splits import FRACTIONS, assign_parts, cut_cases, split_cases
from saccade.datasets.composers.fields import generator
from saccade.datasets.composers.light import Picture, as_picture
from saccade.datasets.composers.simulated_smears import simulate_smear
from saccade.datasets.folders import list_images
from saccade.datasets.simulators.blood_cells import KINDS, simulate_cell
from saccade.datasets.simulators.brightfield import draw_smear
from saccade.datasets.sources import MANIFEST_NAME, open_manifest
from saccade.imaging.image_files import load_image

SIMULATED = {"train": 40, "val": 10, "test": 20}
"""Simulated crops of each class in each part, and a quarter as many backgrounds."""


@dataclass(frozen=True)
class Material:
    """A crop or a background: its name, class and part, and how to load its pixels."""

    name: str
    label: str
    case: str
    part: str
    load: Callable[[], Picture]


def open_crops(path: Path | str, fractions: Sequence[float] = FRACTIONS, seed: int = 0) -> tuple[Material, ...]:
    """The crops of class folders or a manifest, split by case.

    >>> crops = open_crops("cells")
    >>> len(crops), sorted({crop.part for crop in crops})
    (60, ['test', 'train', 'val'])
    """
    rows = open_manifest(path).rows
    return _materials(rows, assign_parts(rows, fractions, seed).parts)


def open_backgrounds(path: Path | str, fractions: Sequence[float] = FRACTIONS, seed: int = 0) -> tuple[Material, ...]:
    """The images of a folder, or of a manifest, as backgrounds, split by case; labels do not matter.

    Raises:
        BadInput: No images, or a split that cuts a case or covers only some rows.
    """
    path = Path(path)
    if path.is_file() or (path / MANIFEST_NAME).is_file():
        rows: Sequence[Row] = open_manifest(path).rows
    else:
        rows = [Row(file, "background", name=file.relative_to(path).as_posix()) for file in list_images(path)]
    if not any(row.split for row in rows):
        return _materials(rows, split_cases([_unlabelled(row) for row in rows], fractions, seed).parts)
    bare = next((row for row in rows if not row.split), None)
    if bare is not None:
        raise BadInput("does not say which part it is in", "fill in the split of every row, or of none", bare.place)
    raise_first(cut_cases(rows))
    return _materials(rows, [row.split for row in rows])


def simulated_crops(seed: int = 0, side: int = 128) -> tuple[Material, ...]:
    """Simulated white blood cells of five classes; each part has donors of its own."""
    return tuple(
        Material(f"simulated/{part}/{kind}/{index}", kind, f"simulated-{part}-{index // 4}", part,
                 partial(_simulated_crop, seed, part, kind, index, side))
        for part, count in SIMULATED.items() for kind in KINDS for index in range(count)
    )  # fmt: skip


def simulated_backgrounds(seed: int = 0, side: int = 640) -> tuple[Material, ...]:
    """Simulated smears without white cells, one donor each."""
    return tuple(
        Material(f"simulated/{part}/smear/{index}", "", f"simulated-smear-{part}-{index}", part,
                 partial(_simulated_smear, seed, part, index, side))
        for part, count in SIMULATED.items() for index in range(count // 4)
    )  # fmt: skip


def _materials(rows: Sequence[Row], parts: Sequence[str]) -> tuple[Material, ...]:
    inside = next((row for row in rows if row.member), None)
    if inside is not None:
        raise BadInput("holds many images in one file", "save each crop as an image file of its own", str(inside.path))
    return tuple(
        Material(row.name, row.label, row.case, part, partial(_load, row.path))
        for row, part in zip(rows, parts, strict=True)
    )


def _unlabelled(row: Row) -> Row:
    return Row(row.path, "background", name=row.name, case_id=row.case_id)


def _load(path: Path) -> Picture:
    return as_picture(load_image(path), str(path))


def _simulated_crop(seed: int, part: str, kind: str, index: int, side: int) -> Picture:
    smear = draw_smear(generator(seed, "donor", part, index // 4))
    return simulate_cell(kind, generator(seed, "crop", part, kind, index), side, 25.6 / side, smear).image


def _simulated_smear(seed: int, part: str, index: int, side: int) -> Picture:
    return simulate_smear(generator(seed, "smear", part, index), side)
