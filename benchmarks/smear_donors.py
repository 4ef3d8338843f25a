"""Virtual smears for cross-validation: made-up donors, each with crops and backgrounds that no other donor has.

`compose_smears` keeps the three parts of a split apart; folds need more parts than three. Here every donor is a part of
its own, so that no crop and no background is on both sides of any fold. Only crops of the test part of the cells are
taken: a model of cells trained on the others has seen none of them.
"""

from dataclasses import replace
from pathlib import Path

from saccade.core.files import write_csv
from saccade.datasets.composers.cutting import cut_cell
from saccade.datasets.composers.materials import Material, open_backgrounds, open_crops
from saccade.datasets.composers.smear_files import TISSUE_NAME, write_whole_mask
from saccade.datasets.composers.virtual_smears import SmearSettings, VirtualSmears
from saccade.datasets.pyramids import ArraySource, PyramidSettings, write_pyramid

LEFT_OUT = ("platelet",)
"""Classes that are not pasted: all cells are made as large as white ones."""

_NOTE = "Composed by Saccade: crops of single cells pasted on a smear; donors are made up"
_EVERY = 7  # of the training cells of the whole set, so many to one that validates
_PER_DONOR = 2  # backgrounds


def encoder_crops(cells: Path) -> list[Material]:
    """The crops that no slide has, for a model of cells to learn from, in parts ``train`` and ``val``."""
    training = [each for each in open_crops(cells) if each.part == "train" and each.label not in LEFT_OUT]
    return [replace(each, part="train" if place % _EVERY else "val") for place, each in enumerate(training)]


def dealt_backgrounds(folder: Path, donors: int) -> tuple[list[Material], list[Material]]:
    """Backgrounds of the donors, so many for each, and those that are left for the model of cells.

    Raises:
        ValueError: None are left.
    """
    found = [replace(each, label="") for each in open_backgrounds(folder)]
    if len(found) <= _PER_DONOR * donors:
        raise ValueError(f"{len(found)} backgrounds are too few for {donors} donors and a model of cells")
    return found[: _PER_DONOR * donors], found[_PER_DONOR * donors :]


def share_out(materials: list[Material], donors: int) -> list[Material]:
    """Materials dealt to donors in turn, class by class; a donor's name stands for the part.

    >>> made = [Material(str(n), "ab"[n % 2], str(n), "test", lambda: None) for n in range(8)]
    >>> [(each.label, each.part) for each in share_out(made, 2)][:4]
    [('a', 'donor-00'), ('b', 'donor-00'), ('a', 'donor-01'), ('b', 'donor-01')]
    """
    dealt: dict[str, int] = {}
    found = []
    for each in materials:
        turn = dealt.get(each.label, 0)
        dealt[each.label] = turn + 1
        found.append(replace(each, part=f"donor-{turn % donors:02d}"))
    return found


def compose_donors(
    folder: Path, cells: Path, backgrounds: Path, donors: int, smears: int, settings: SmearSettings
) -> Path:
    """Compose so many smears of each donor, half of them of either label; returns the manifest's path.

    What is there already is not made again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_whole_mask(folder / TISSUE_NAME)
    crops = [each for each in open_crops(cells) if each.part != "train" and each.label not in LEFT_OUT]
    crops = [each for each in crops if cut_cell(each.load()) is not None]
    made = VirtualSmears(
        share_out(crops, donors),
        share_out(dealt_backgrounds(backgrounds, donors)[0], donors),
        settings,
    )
    rows = []
    for donor in range(donors):
        for index in range(donor % 2, donor % 2 + smears):  # an odd number of smears leans to either label in turn
            slide = made.slide(f"donor-{donor:02d}", index)
            path = f"slides/{slide.name}.tif"
            if not (folder / path).is_file():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                source = ArraySource(slide.image)
                write_pyramid(folder / path, source, settings.mpp, PyramidSettings(levels=1), description=_NOTE)
            rows.append((path, slide.label, slide.part, f"{settings.mpp:g}", TISSUE_NAME))
    write_csv(folder / "manifest.csv", ("path", "label", "case_id", "mpp", "tissue_path"), rows)
    return folder / "manifest.csv"
