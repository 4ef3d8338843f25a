"""The folder of a cross-validation: what was asked for, and how cases were divided, kept so that it can go on."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from saccade.core.errors import BadInput
from saccade.core.files import write_csv, write_text
from saccade.core.manifest import Row
from saccade.core.splits import Split
from saccade.core.tables import load_table
from saccade.training.candidates import Criterion
from saccade.training.recipe import Recipe
from saccade.training.recipe_text import dump_mapping, load_mapping

SETTINGS, FOLDS, PREDICTIONS, METRICS = "cv.yaml", "folds.csv", "predictions.csv", "metrics.json"
CHOICE, TESTED = "choice.json", "tested.csv"
"""What a finished fold of a model holds: which candidate was chosen and by what, and what it says of the test part."""

_COLUMNS = ("path", "label", "case_id", "site", "fold")
_REMEDY = "go on with the same settings, or choose another --out"


@dataclass(frozen=True)
class FoldPlan:
    """How cases are divided, and how candidates are chosen.

    Attributes:
        folds: How many parts are tested, one after the other.
        inner: Validation parts of each fold; every candidate is trained once for each.
        seed: Seed of the folds; that of the trainings is the recipe's.
        preserve_site: Whether a site's images all lie in one fold.
        choose_by: What the best candidate is best at, on validation images.
    """

    folds: int = 5
    inner: int = 1
    seed: int = 0
    preserve_site: bool = False
    choose_by: Criterion = "loss"


def try_name(place: int) -> str:
    """What a candidate is called in folders and files."""
    return f"try_{place}"


def check_settings(folder: Path, plan: FoldPlan, models: Mapping[str, Sequence[Recipe]]) -> dict[str, Any]:
    """What ``cv.yaml`` says, or is to say where there is none yet, without the models that are new.

    Raises:
        BadInput: The folder holds something else, or was begun with other settings.
    """
    if folder.exists() and not folder.is_dir():
        raise BadInput("is a file, not a folder", "choose another --out", str(folder))
    path = folder / SETTINGS
    if not path.is_file() and folder.is_dir() and any(not each.name.startswith(".") for each in folder.iterdir()):
        message = f"holds something, and no {SETTINGS} of a cross-validation to go on with"
        raise BadInput(message, "choose another --out", str(folder))
    kept = load_mapping(path) if path.is_file() else {**asdict(plan), "models": {}}
    if not isinstance(kept.get("models"), dict):
        raise BadInput("does not say which models were begun", "choose another --out", str(path))
    if different := _differences(kept, plan, models):
        shown = f"{', '.join(different[:3])}{' …' if different[3:] else ''}"
        raise BadInput(f"was begun with other settings: {shown}", _REMEDY, str(path))
    return kept


def keep_settings(folder: Path, plan: FoldPlan, models: Mapping[str, Sequence[Recipe]]) -> None:
    """Write ``cv.yaml`` or add to it the models that are new.

    Raises:
        BadInput: As ``check_settings`` does.
    """
    kept = check_settings(folder, plan, models)
    added = {
        name: {try_name(place): recipe.as_dict() for place, recipe in enumerate(recipes)}
        for name, recipes in models.items()
    }
    write_text(folder / SETTINGS, dump_mapping({**kept, "models": {**kept["models"], **added}}))


def keep_folds(folder: Path, rows: Sequence[Row], splits: Sequence[Split]) -> None:
    """Write ``folds.csv``, the fold that tests each image, or check that it says the same.

    Raises:
        BadInput: The data is no longer what it was.
    """
    path = folder / FOLDS
    tested = ["" for _ in rows]
    for number, split in enumerate(splits):
        tested = [str(number) if part == "test" else fold for part, fold in zip(split.parts, tested, strict=True)]
    lines = [(row.name, row.label, row.case_id, row.site, fold) for row, fold in zip(rows, tested, strict=True)]
    if not path.is_file():
        write_csv(path, _COLUMNS, lines)
    elif {_stripped(row.cells.values()) for row in load_table(path).rows} != set(map(_stripped, lines)):
        message = "the images are no longer those that were divided into folds"
        raise BadInput(message, "restore the data, or choose another --out", str(path))


def _stripped(cells: Any) -> tuple[str, ...]:
    """Cells as tables come back: without spaces at their ends."""
    return tuple(cell.strip() for cell in cells)


def _differences(kept: Mapping[str, Any], plan: FoldPlan, models: Mapping[str, Sequence[Recipe]]) -> list[str]:
    """What was asked for otherwise than before, by name."""
    found = [name for name, value in asdict(plan).items() if kept.get(name) != value]
    for name, recipes in models.items():
        before = kept["models"].get(name)
        if before is None:
            continue
        if len(before) != len(recipes):
            found.append(f"the candidates of {name}")
            continue
        for old, new in zip(before.values(), recipes, strict=True):
            found += Recipe.kept(old, SETTINGS, _REMEDY).differences(new)
    return list(dict.fromkeys(found))
