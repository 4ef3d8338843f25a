from pathlib import Path

import pytest

from saccade.core.errors import BadInput
from saccade.core.splits import load_splits
from saccade.datasets.cells import CellData
from saccade.training.recipe import Recipe
from saccade.training.run_folder import check_folder, start_folder
from tests.training.miniature_cells import make_recipe


@pytest.fixture
def run(tmp_path: Path, cells: CellData) -> Path:
    """A run that has begun."""
    start_folder(tmp_path / "run", make_recipe(), cells.manifest, resume=False, overwrite=False)
    return tmp_path / "run"


def test_what_is_known_at_the_start(run: Path, cells: CellData) -> None:
    assert Recipe.load(run / "recipe.yaml") == make_recipe()
    assert load_splits(run / "splits.csv") == {row.name: row.split for row in cells.rows}


def test_folders_that_may_be_used(tmp_path: Path) -> None:
    check_folder(tmp_path / "deep" / "new", resume=False, overwrite=False)
    check_folder(tmp_path, resume=False, overwrite=False)
    (tmp_path / ".1f2e.partial.ckpt").touch()
    check_folder(tmp_path, resume=True, overwrite=False)


@pytest.mark.parametrize(
    ("resume", "overwrite", "message"),
    [
        (False, False, "already exists and is not empty. Go on with --resume, replace it with --overwrite"),
        (True, False, "is no run to resume"),
        (False, True, "is no run to overwrite"),
        (True, True, "exclude each other"),
    ],
)
def test_another_s_folder_is_left_alone(resume: bool, overwrite: bool, message: str, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(BadInput, match=message):
        check_folder(tmp_path, resume, overwrite)
    with pytest.raises(BadInput, match="is a file"):
        check_folder(tmp_path / "thesis.tex", resume=False, overwrite=False)


def test_overwriting_removes_the_run_and_nothing_else(run: Path, cells: CellData) -> None:
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "last.ckpt").touch()
    (run / "config.json").touch()
    (run / "notes.txt").touch()
    recipe = make_recipe("tiny-cnn")
    start_folder(run, recipe, cells.manifest, resume=False, overwrite=True)
    assert sorted(path.name for path in run.iterdir()) == ["notes.txt", "recipe.yaml", "splits.csv"]
    assert Recipe.load(run / "recipe.yaml") == recipe


def test_resuming_wants_the_same_training(run: Path, cells: CellData) -> None:
    (run / ".1f2e.partial.csv").touch()
    start_folder(run, make_recipe(), cells.manifest, resume=True, overwrite=False)
    assert not list(run.glob(".*"))
    with pytest.raises(BadInput, match=r"started with another recipe: training.epochs, training.seed\. Resume with"):
        start_folder(run, make_recipe(epochs=5, seed=1), cells.manifest, resume=True, overwrite=False)
    moved = cells.manifest.with_parts(["train"] * len(cells))
    with pytest.raises(BadInput, match=r"splits.csv: the data is no longer split"):
        start_folder(run, make_recipe(), moved, resume=True, overwrite=False)


def test_a_recipe_of_another_version_is_not_gone_on_with(run: Path, cells: CellData) -> None:
    """What it did not know would be filled in by the defaults of today, and another model trained on."""
    recipe = run / "recipe.yaml"
    recipe.write_text("".join(line for line in recipe.read_text().splitlines(True) if "weight_decay" not in line))
    with pytest.raises(BadInput, match=r"another version.*there is no training.weight_decay\. Undo the change"):
        start_folder(run, make_recipe(), cells.manifest, resume=True, overwrite=False)


def test_a_recipe_with_keys_that_are_gone_is_of_another_version(run: Path, cells: CellData) -> None:
    recipe = run / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("budget:", "budget:\n  grow: 1.05"))
    with pytest.raises(BadInput, match=r"another version of saccade: unknown key 'grow' in budget.*Undo the change"):
        start_folder(run, make_recipe(), cells.manifest, resume=True, overwrite=False)


def test_killed_before_the_split_was_written(run: Path, cells: CellData) -> None:
    (run / "splits.csv").unlink()
    start_folder(run, make_recipe(), cells.manifest, resume=True, overwrite=False)
    assert (run / "splits.csv").is_file()
