"""``saccade cv`` compares models on the same folds, goes on where it was stopped, and says what is wrong."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from saccade.cli.cv import headline, named, table_lines
from saccade.core.errors import BadInput
from saccade.evaluation.fold_predictions import PartPrediction
from saccade.training import cross_validation
from saccade.training.engine import Interrupted
from saccade.training.recipe import Recipe
from tests.miniature_slides import make_bags, write_bag

SHORT = ("--set", "training.epochs=1", "--set", "data.size=8", "--folds", "2")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def guessing(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """No training: models answer at random, and the last image of a test part cannot be opened where "bad" is a run."""
    runs: list[Path] = []

    def train(recipe: Recipe, out: Path, **_: Any) -> Path:
        out.mkdir(parents=True)
        runs.append(out)
        return out

    def predict_part(run: Path, part: Any, device: str | None = None) -> PartPrediction:
        chances = np.random.default_rng(len(part)).dirichlet(np.ones(len(part.classes)), len(part))
        errors = [""] * len(part)
        if "bad" in run.as_posix() and part.rows[0].split == "test":
            chances[-1], errors[-1] = np.nan, f"{part.rows[-1].path}: the file is empty"
        return PartPrediction(chances, tuple(errors))

    monkeypatch.setattr(cross_validation, "train", train)
    monkeypatch.setattr(cross_validation, "predict_part", predict_part)
    return runs


def test_two_models_from_data_to_a_table(saccade: Callable, cells: Path, tmp_path: Path) -> None:
    words = ("cv", "--data", cells / "manifest.csv", "--model", "tiny-cnn", "--model", "random-pixels")
    out = tmp_path / "cv"
    printed = saccade(*words, "--out", out, *SHORT).output
    rows = rows_of(out / "predictions.csv")
    assert len(rows) == 120 and {row["model"] for row in rows} == {"tiny-cnn", "random-pixels"}
    assert (out / "fold_1" / "random-pixels" / "model.safetensors").is_file(), "a run folder, to predict with"
    metrics = json.loads((out / "metrics.json").read_text())
    accuracy = metrics["models"]["tiny-cnn"]["accuracy"]["value"]
    assert f"{accuracy:.1%}" in printed
    assert "60 images of 6 cases, each tested once in 2 folds" in printed
    assert "training fold_0/tiny-cnn" in printed and "fold 1, random-pixels: testing on" in printed
    again = saccade(*words, "--out", out, *SHORT).output
    assert "training" not in again and again.count("done before") == 4
    evaluated = saccade("predict", out / "fold_0" / "tiny-cnn", cells / "basophil", "--out", tmp_path / "p.csv").output
    assert "12 of 12" in evaluated


def test_recipes_tries_and_inner_parts(
    saccade: Callable, cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guessing: list[Path]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, seed in {"small": 1, "large": 2}.items():
        recipe = {"data": {"path": str(cells)}, "model": {"name": "tiny-cnn"}, "training": {"seed": seed}}
        Path(f"{name}.yaml").write_text(yaml.safe_dump(recipe))
    tried = ("--try", "training.learning_rate=1e-3,3e-4", "--try", "training.weight_decay=0.1,0.2", "--inner", 2)
    saccade("cv", "small.yaml", "large.yaml", *tried, *SHORT, "--choose-by", "auroc")
    kept = yaml.safe_load(Path("runs/cv/cv.yaml").read_text())
    assert list(kept["models"]) == ["tiny-cnn-small", "tiny-cnn-large"]
    assert (kept["inner"], kept["choose_by"], kept["folds"]) == (2, "auroc", 2)
    assert [each["training"]["seed"] for each in kept["models"]["tiny-cnn-large"].values()] == [2] * 4
    assert len(guessing) == 2 * 2 * 4 * 2, "folds, models, candidates, inner parts"
    assert Path("runs/cv/fold_1/tiny-cnn-small/try_3/inner_1") in [run.relative_to(".") for run in guessing]
    metrics = json.loads(Path("runs/cv/metrics.json").read_text())
    fold = metrics["models"]["tiny-cnn-small"]["folds"][0]
    assert set(fold["changes"]) == {"training.learning_rate", "training.weight_decay"} and len(fold["validation"]) == 4


def test_images_that_fail_end_with_three(saccade: Callable, cells: Path, tmp_path: Path, guessing: list[Path]) -> None:
    words = ("cv", "--data", cells, "--model", "tiny-cnn", "--out", tmp_path / "bad", *SHORT)
    saccade(*words, code=3)
    assert sum(bool(row["error"]) for row in rows_of(tmp_path / "bad" / "predictions.csv")) == 2
    assert saccade(*words, code=3).output.count("done before") == 2, "and stay what they were"


def test_slides_are_called_slides_and_one_without_tissue_fails(
    saccade: Callable, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = make_bags(tmp_path, {"train": 8})
    write_bag(tmp_path / "job" / "features_made-up" / "train_3.h5", "train_3.svs", "tumour", 0, side=0)
    words = ("--data", table, "--features", tmp_path / "job", "--model", "mean-pooling", "--out", tmp_path / "cv")
    printed = saccade("cv", *words, "--set", "training.epochs=1", "--folds", 2, code=3).stdout
    assert "testing on 4 slides" in printed and "8 slides of 8 cases, each tested once" in printed
    assert "images" not in printed + caplog.text and "no validation image" not in caplog.text
    assert "train_3.h5: holds no patch of tissue" in caplog.text
    failed = [row["path"] for row in rows_of(tmp_path / "cv" / "predictions.csv") if row["error"]]
    assert failed == ["train_3"]


def test_stopped_it_goes_on_with_the_same_command(
    saccade: Callable, cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise Interrupted("stopped", "go on from the last finished epoch with --resume")

    monkeypatch.setattr(cross_validation, "train", stopped)
    line = saccade("cv", "--data", cells, "--out", tmp_path, *SHORT, code=130).stderr.splitlines()[-1]
    assert "Run the same command again" in line and "--resume" not in line


@pytest.mark.usefixtures("guessing")
def test_refusals(refused: Callable[..., str], saccade: Callable, cells: Path, tmp_path: Path) -> None:
    data, out = ("--data", cells / "manifest.csv"), ("--out", tmp_path / "cv")
    assert "nothing to train on" in refused("cv", *out)
    assert "Say loss or auroc" in refused("cv", *data, *out, "--choose-by", "accuracy")
    assert "7 folds do not fit 6 cases" in refused("cv", *data, *out, "--folds", 7)
    assert "has no site" in refused("cv", *data, *out, "--preserve-site")
    assert "both called tiny-cnn" in refused("cv", *data, *out, "--model", "tiny-cnn", "--model", "tiny-cnn")
    assert "did you mean" in refused("cv", *data, *out, "--try", "training.epoch=1,2").lower()
    saccade("cv", *data, *out, *SHORT)
    assert "other settings: seed" in refused("cv", *data, *out, *SHORT, "--seed", 1)
    assert "other settings: training.epochs" in refused("cv", *data, *out, *SHORT, "--set", "training.epochs=2")
    assert "holds something" in refused("cv", *data, "--out", cells, *SHORT)


def test_names_tell_recipes_apart() -> None:
    def recipe(model: str) -> Recipe:
        return Recipe.parse({"data": {"path": "cells"}, "model": {"name": model}})

    tiny, other = recipe("tiny-cnn"), recipe("random-pixels")
    assert list(named([(Path("a.yaml"), tiny), (None, other)])) == ["tiny-cnn", "random-pixels"]
    assert list(named([(Path("a.yaml"), tiny), (Path("x/b.yaml"), tiny)])) == ["tiny-cnn-a", "tiny-cnn-b"]
    with pytest.raises(BadInput, match=r"x/a.yaml: two recipes are both called tiny-cnn-a"):
        named([(Path("a.yaml"), tiny), (Path("x/a.yaml"), tiny)])


def test_lines() -> None:
    sure, unsure = {"value": 0.9, "low": 0.8, "high": 1.0}, {"value": None, "low": None, "high": None}
    one = {"accuracy": sure, "balanced_accuracy": sure, "auroc": unsure}
    other = {**one, "accuracy_less_first": {"value": -0.05, "low": -0.1, "high": 0.02, "p": 0.1}}
    lines = table_lines({"a": one, "b": other})
    assert lines[0] == ("a", "90.0% (80.0 to 100.0)", "90.0% (80.0 to 100.0)", "not defined", "")
    assert lines[1][-1] == "-5.0 points (-10.0 to +2.0)"
    said = headline({"images": 8, "cases": 4, "folds": 2, "origin": "simulated", "preserve_site": True})
    assert said.startswith("8 simulated images of 4 cases, each tested once in 2 folds, sites preserved")
    said = headline({"images": 8, "cases": 4, "folds": 2, "origin": "", "preserve_site": False})
    assert said.startswith("8 images of 4 cases, each tested once in 2 folds;")
