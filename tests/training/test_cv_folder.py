"""The folder of a cross-validation goes on with the same settings and the same data, and with nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from saccade.core.errors import BadInput
from saccade.core.manifest import Row
from saccade.core.splits import fold_cases
from saccade.core.tables import load_table
from saccade.training.candidates import variations
from saccade.training.cv_folder import FOLDS, SETTINGS, FoldPlan, keep_folds, keep_settings
from saccade.training.recipe import Recipe
from saccade.training.recipe_text import load_mapping
from tests.training.miniature_cells import make_recipe

RECIPE = make_recipe("tiny-cnn")
TRIED = {"tiny-cnn": variations(RECIPE, ["training.epochs=1,2"])}
ROWS = [Row(Path(f"{n}"), "ab"[n % 2], name=f" {n}.png", case_id=f"c{n // 2}", site="x") for n in range(12)]


def test_settings_are_kept_and_come_back(tmp_path: Path) -> None:
    keep_settings(tmp_path / "cv", FoldPlan(), TRIED)
    kept = load_mapping(tmp_path / "cv" / SETTINGS)
    assert (kept["folds"], kept["choose_by"]) == (5, "loss")
    assert Recipe.parse(kept["models"]["tiny-cnn"]["try_1"]).training.epochs == 2
    before = (tmp_path / "cv" / SETTINGS).read_bytes()
    keep_settings(tmp_path / "cv", FoldPlan(), TRIED)
    assert (tmp_path / "cv" / SETTINGS).read_bytes() == before


@pytest.mark.parametrize(
    ("plan", "models", "said"),
    [
        (FoldPlan(folds=3, seed=1), TRIED, "folds, seed"),
        (FoldPlan(choose_by="auroc"), TRIED, "choose_by"),
        (FoldPlan(preserve_site=True), TRIED, "preserve_site"),
        (FoldPlan(inner=2), TRIED, "inner"),
        (FoldPlan(), {"tiny-cnn": (RECIPE,)}, "the candidates of tiny-cnn"),
        (FoldPlan(), {"tiny-cnn": variations(RECIPE, ["training.epochs=1,3"])}, "training.epochs"),
    ],
)
def test_other_settings_are_refused(plan: FoldPlan, models: dict, said: str, tmp_path: Path) -> None:
    keep_settings(tmp_path, FoldPlan(), TRIED)
    before = (tmp_path / SETTINGS).read_bytes()
    with pytest.raises(BadInput, match=f"was begun with other settings: {said}") as caught:
        keep_settings(tmp_path, plan, models)
    assert "\n" not in str(caught.value) and "--out" in caught.value.remedy
    assert (tmp_path / SETTINGS).read_bytes() == before


def test_models_may_be_added(tmp_path: Path) -> None:
    keep_settings(tmp_path, FoldPlan(), TRIED)
    keep_settings(tmp_path, FoldPlan(), {"random-pixels": (make_recipe("random-pixels"),)})
    assert list(load_mapping(tmp_path / SETTINGS)["models"]) == ["tiny-cnn", "random-pixels"]
    with pytest.raises(BadInput, match="training.epochs"):
        keep_settings(tmp_path, FoldPlan(), {"tiny-cnn": variations(RECIPE, ["training.epochs=1,3"])})


def test_folders_of_something_else_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="is a file"):
        keep_settings(tmp_path / "file", FoldPlan(), TRIED)
    with pytest.raises(BadInput, match="holds something"):
        keep_settings(tmp_path, FoldPlan(), TRIED)
    (tmp_path / SETTINGS).write_text("folds: 5\n")
    with pytest.raises(BadInput, match="does not say which models"):
        keep_settings(tmp_path, FoldPlan(), TRIED)


def test_folds_are_kept_and_checked(tmp_path: Path) -> None:
    splits = fold_cases(ROWS, 3)
    keep_folds(tmp_path, ROWS, splits)
    table = load_table(tmp_path / FOLDS)
    assert table.columns == ("path", "label", "case_id", "site", "fold")
    for number, split in enumerate(splits):
        tested = [str(number) == row.cells["fold"] for row in table.rows]
        assert tested == [part == "test" for part in split.parts]
    keep_folds(tmp_path, ROWS[::-1], [replace(split, parts=split.parts[::-1]) for split in splits])
    for changed in (ROWS[:-1], [replace(ROWS[0], label="b"), *ROWS[1:]], [*ROWS, replace(ROWS[0], name="new")]):
        with pytest.raises(BadInput, match="no longer those"):
            keep_folds(tmp_path, changed, [replace(each, parts=("train",) * len(changed)) for each in splits])
    with pytest.raises(BadInput, match="no longer those"):
        keep_folds(tmp_path, ROWS, fold_cases(ROWS, 3, seed=5))


def test_an_image_that_is_never_tested_has_no_fold(tmp_path: Path) -> None:
    rows = [*ROWS, Row(Path("odd"), "rare", name="odd", case_id="odd")]
    keep_folds(tmp_path, rows, fold_cases(rows, 3))
    assert [row.cells["path"] for row in load_table(tmp_path / FOLDS).rows if not row.cells["fold"]] == ["odd"]
