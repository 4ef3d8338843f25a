"""Results are made of the finished folds alone: their rows, one after the other, and the figures of all of them."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saccade.core.files import write_json
from saccade.evaluation.fold_predictions import FoldPredictions, TriedImage, accuracy_difference
from saccade.training.candidates import variations
from saccade.training.cv_folder import FoldPlan
from saccade.training.cv_results import write_results
from tests.training.miniature_cells import make_recipe

CLASSES = ("a", "b")
RECIPES = {"first": variations(make_recipe("tiny-cnn"), ["training.epochs=1,2"]), "second": (make_recipe("tiny-cnn"),)}
CHOSEN = {"first": (1, 0), "second": (0, 0)}


def make_fold(name: str, fold: int, failed: int = 0) -> FoldPredictions:
    dice = np.random.default_rng([fold, len(name)])
    images = []
    for number, chance in enumerate(dice.random(8)):
        known, error = ((), "gone") if number < failed else ((float(chance), 1 - float(chance)), "")
        images.append(TriedImage(f"c{fold}{number // 2}", f"{fold}/{number}", fold, CLASSES[number % 2], known, error))
    return FoldPredictions(CLASSES, tuple(images))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two models, two folds; the second model could open nothing in the second fold."""
    for name, chosen in CHOSEN.items():
        for fold in range(2):
            place = tmp_path / f"fold_{fold}" / name
            make_fold(name, fold, failed=8 if (name, fold) == ("second", 1) else 0).save(place / "tested.csv")
            scores = [{"loss": 0.5, "auroc": None}] * len(RECIPES[name])
            write_json(place / "choice.json", {"chosen": chosen[fold], "chosen_by": "loss", "validation": scores})
    return tmp_path


def test_results(folder: Path) -> None:
    results = write_results(folder, FoldPlan(folds=2, seed=3), RECIPES, origin="simulated")
    assert json.loads((folder / "metrics.json").read_text()) == json.loads(json.dumps(results))
    about = {"folds": 2, "seed": 3, "inner": 1, "choose_by": "loss", "images": 16, "cases": 8, "simulated": True}
    about["origin"] = "simulated"
    assert {key: results[key] for key in about} == about

    pooled = {
        name: FoldPredictions.joined([FoldPredictions.load(folder / f"fold_{n}" / name / "tested.csv") for n in (0, 1)])
        for name in CHOSEN
    }
    models: dict[str, Any] = results["models"]
    for name, whole in pooled.items():
        wanted = whole.metrics().as_dict()
        assert {key: models[name][key] for key in wanted} == wanted
    assert [models[name]["images_failed"] for name in CHOSEN] == [0, 8]
    assert models["second"]["accuracy_less_first"] == accuracy_difference(pooled["second"], pooled["first"]).as_dict()
    assert "accuracy_less_first" not in models["first"]

    first, second = models["first"]["folds"]
    assert [first["changes"], second["changes"]] == [{"training.epochs": 2}, {"training.epochs": 1}]
    assert first["accuracy"] == make_fold("first", 0).metrics().accuracy.value
    assert first["validation"] == [{"loss": 0.5, "auroc": None}] * 2
    empty = models["second"]["folds"][1]
    assert (empty["images"], empty["images_failed"], empty["accuracy"]) == (8, 8, None)


def test_a_row_for_each_image_and_model(folder: Path) -> None:
    write_results(folder, FoldPlan(folds=2), RECIPES)
    with (folder / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["model", "case_id", "path", "fold", "label", "predicted", "p_a", "p_b", "error"]
    assert [(row["model"], row["fold"]) for row in rows[::8]] == [
        ("first", "0"),
        ("first", "1"),
        ("second", "0"),
        ("second", "1"),
    ]
    assert len({(row["model"], row["path"]) for row in rows}) == len(rows) == 32
    for row in rows[:24]:
        assert row["predicted"] == ("a" if float(row["p_a"]) > 0.5 else "b")
    assert {row["error"] for row in rows[24:]} == {"gone"}
