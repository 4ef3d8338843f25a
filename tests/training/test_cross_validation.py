"""Every image is tested once, by a model that neither learned from it nor was chosen by it; stops change nothing."""

import csv
import json
import logging
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from saccade.core.errors import BadInput
from saccade.core.splits import load_splits
from saccade.datasets.bags import open_bags
from saccade.datasets.cells import CellData, open_data
from saccade.datasets.labelled import LabelledData
from saccade.datasets.slides import SlideData
from saccade.evaluation.comparison import paired_difference
from saccade.evaluation.fold_predictions import PartPrediction, predict_part
from saccade.evaluation.metrics import evaluate_predictions
from saccade.features.slide_input import SlideInput
from saccade.training import cross_validation as module
from saccade.training.candidates import variations
from saccade.training.cross_validation import cross_validate, mean_prediction, without_test
from saccade.training.recipe import Recipe
from saccade.training.task import TrainingTask
from tests.miniature_fields import make_fields
from tests.miniature_slides import DIM, make_bags, mark_simulated

FOLDS = 3
Models = dict[str, Sequence[Recipe]]


def recipe_for(data: Path, model: str = "tiny-cnn", *changes: str) -> Recipe:
    values = {"data": {"path": str(data), "size": 8}, "model": {"name": model}, "training": {"epochs": 1}}
    return Recipe.parse(values).with_overrides(changes)


@pytest.fixture(scope="session")
def cells(miniature: Path) -> Path:
    """Sixty made-up cells of six donors, on disk."""
    return miniature / "cells"


@pytest.fixture
def recipe(cells: Path) -> Recipe:
    return recipe_for(cells / "manifest.csv")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    """All that a cross-validation leaves, but for the seconds in histories and the checkpoints, which hold them too."""
    files = (path for path in folder.rglob("*") if path.is_file())
    kept = (path for path in files if path.name != "history.csv" and path.suffix != ".ckpt")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in kept}


class Spy:
    """Notes what is trained on and what is predicted, in order, and passes it on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trained: list[tuple[Path, LabelledData]] = []
        self.events: list[tuple[str, int, str]] = []  # what was done, in which fold, with which part
        train, predict = module.train, module.predict_part

        def training(recipe: Recipe, out: Path, *, data: CellData, **options: Any) -> Path:
            self.trained.append((out, data))
            self.events.append(("train", fold_of(out), ""))
            return train(recipe, out, data=data, accelerator="cpu", **options)

        def predicting(run: Path, part: LabelledData, device: str | None = None) -> PartPrediction:
            (kind,) = {row.split for row in part.rows}
            self.events.append(("predict", fold_of(run), kind))
            return predict(run, part, device)

        monkeypatch.setattr(module, "train", training)
        monkeypatch.setattr(module, "predict_part", predicting)


def fold_of(run: Path) -> int:
    return next(int(part.removeprefix("fold_")) for part in run.parts if part.startswith("fold_"))


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    return Spy(monkeypatch)


@pytest.mark.parametrize("inner", [1, 2])
def test_every_image_is_tested_once_by_who_never_saw_it(recipe: Recipe, spy: Spy, tmp_path: Path, inner: int) -> None:
    results = cross_validate({"tiny-cnn": [recipe]}, tmp_path, FOLDS, inner)
    predicted = rows_of(tmp_path / "predictions.csv")
    assert Counter(row["path"] for row in predicted) == Counter(row["path"] for row in rows_of(tmp_path / "folds.csv"))
    assert len({row["path"] for row in predicted}) == len(predicted) == 60 == results["images"]
    case_of = {row["path"]: row["case_id"] for row in predicted}
    assert len(spy.trained) == FOLDS * inner
    for run, data in spy.trained:
        tested = {row["path"] for row in predicted if int(row["fold"]) == fold_of(run)}
        splits = load_splits(run / "splits.csv")
        by_part = {part: {name for name, own in splits.items() if own == part} for part in ("train", "val", "test")}
        assert by_part["test"] == tested and by_part["val"] and by_part["train"]
        cases = [{case_of[name] for name in names} for names in by_part.values()]
        assert not (cases[0] & cases[1] | cases[0] & cases[2] | cases[1] & cases[2]), "a case is in two parts"
        assert {row.name for row in data.rows} == by_part["train"] | by_part["val"], "the test part was handed over"
        assert isinstance(data, CellData) and len(data.positions) == len(data) == 60 - len(tested)
        with pytest.raises(BadInput, match="no images in the part 'test'"):
            data.part("test")


def test_the_test_part_is_opened_once_and_last(recipe: Recipe, spy: Spy, tmp_path: Path) -> None:
    models: Models = {"one": variations(recipe, ["training.seed=0,1"]), "other": [recipe]}
    cross_validate(models, tmp_path, FOLDS)
    for fold in range(FOLDS):
        done = [(what, part) for what, number, part in spy.events if number == fold]
        scored = [("train", ""), ("predict", "val")]
        assert done == [*scored, *scored, ("predict", "test"), *scored, ("predict", "test")]


def test_inner_parts_validate_each_case_once_and_predict_together(recipe: Recipe, spy: Spy, tmp_path: Path) -> None:
    cross_validate({"tiny-cnn": [recipe]}, tmp_path, FOLDS, inner=2)
    for fold in range(FOLDS):
        folder = tmp_path / f"fold_{fold}" / "tiny-cnn"
        splits = [load_splits(folder / f"inner_{part}" / "splits.csv") for part in range(2)]
        for name, part in splits[0].items():
            assert sorted([part, splits[1][name]]) == (["test"] * 2 if part == "test" else ["train", "val"])
        tested = rows_of(folder / "tested.csv")
        data = next(data for run, data in spy.trained if run.parent == folder)
        whole = open_data(recipe.data.path, 8)
        chosen = whole.take([n for n, row in enumerate(whole.rows) if row.name in {row["path"] for row in tested}])
        both = [predict_part(folder / f"inner_{part}", chosen).probabilities for part in range(2)]
        assert not np.allclose(both[0], both[1])
        mean = {row.name: chances for row, chances in zip(chosen.rows, (both[0] + both[1]) / 2, strict=True)}
        for row in tested:
            found = [float(row[f"p_{name}"]) for name in data.classes]
            np.testing.assert_allclose(found, mean[row["path"]], atol=1e-6)


class StandIn:
    """Candidates by their seed: the one that is right on validation images is wrong on test images."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tested: list[int] = []
        self.trained = 0
        monkeypatch.setattr(module, "train", self.train)
        monkeypatch.setattr(module, "predict_part", self.predict_part)

    def train(self, recipe: Recipe, out: Path, **_: Any) -> Path:
        self.trained += 1
        out.mkdir(parents=True)
        (out / "seed").write_text(str(recipe.training.seed))
        return out

    def predict_part(self, run: Path, part: LabelledData, device: str | None = None) -> PartPrediction:
        seed, kind = int((run / "seed").read_text()), part.rows[0].split
        if kind == "test":
            self.tested.append(seed)
        return self.answer(seed, kind, part)

    def answer(self, seed: int, kind: str, part: LabelledData) -> PartPrediction:
        right = {"val": {0: 0.5, 1: 0.9, 2: 0.7}, "test": {0: 0.9, 1: 0.1, 2: 0.7}}[kind][seed]
        chances = np.full((len(part), len(part.classes)), (1 - right) / (len(part.classes) - 1))
        chances[np.arange(len(part)), part.labels.numpy()] = right
        return PartPrediction(chances, ("",) * len(part))


@pytest.mark.parametrize(("by", "inner"), [("loss", 1), ("loss", 2), ("auroc", 1)])
def test_the_best_on_validation_is_chosen_though_it_is_the_worst_on_test(
    by: Any, inner: int, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = StandIn(monkeypatch)
    order = [1, 0, 2] if by == "auroc" else [0, 1, 2]  # the areas of all three are 1, of which the first counts
    candidates = variations(recipe, [f"training.seed={','.join(map(str, order))}"])
    results = cross_validate({"m": candidates}, tmp_path, FOLDS, inner, choose_by=by)
    model = results["models"]["m"]
    assert stand_in.tested == [1] * FOLDS * inner, "no other candidate meets the test part"
    assert [fold["changes"] for fold in model["folds"]] == [{"training.seed": 1}] * FOLDS
    assert [fold["chosen"] for fold in model["folds"]] == [order.index(1)] * FOLDS
    assert model["accuracy"]["value"] == 0
    losses = [fold["validation"][order.index(1)]["loss"] for fold in model["folds"]]
    assert losses == pytest.approx([-np.log(0.9)] * FOLDS)


class Guessing(StandIn):
    """Says anything, another thing with each seed and in each fold."""

    def answer(self, seed: int, kind: str, part: LabelledData) -> PartPrediction:
        dice = np.random.default_rng([seed, len(self.tested)])
        return PartPrediction(dice.dirichlet(np.ones(len(part.classes)), len(part)), ("",) * len(part))


def test_figures_are_those_of_the_pooled_rows_and_pairs_of_the_same_images(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Guessing(monkeypatch)
    models: Models = {"tiny-cnn": [recipe], "slow": variations(recipe, ["training.seed=3,4"])}
    results = cross_validate(models, tmp_path, FOLDS)
    predicted = rows_of(tmp_path / "predictions.csv")
    by_model = {name: [row for row in predicted if row["model"] == name] for name in models}
    right: dict[str, np.ndarray] = {}
    for name, rows in by_model.items():
        classes = [column.removeprefix("p_") for column in rows[0] if column.startswith("p_")]
        chances = np.array([[float(row[f"p_{each}"]) for each in classes] for row in rows])
        labels = np.array([classes.index(row["label"]) for row in rows])
        cases = [row["case_id"] for row in rows]
        wanted = evaluate_predictions(chances, labels, cases, classes)
        found = results["models"][name]
        assert {key: found[key] for key in wanted.as_dict()} == json.loads(json.dumps(wanted.as_dict()))
        right[name] = chances.argmax(1) == labels
        for number, fold in enumerate(found["folds"]):
            inside = np.array([int(row["fold"]) == number for row in rows])
            assert fold["images"] == inside.sum()
            assert fold["accuracy"] == pytest.approx(right[name][inside].mean())
    assert [(a["path"], a["fold"]) for a in by_model["slow"]] == [(b["path"], b["fold"]) for b in by_model["tiny-cnn"]]
    difference = paired_difference(right["slow"], right["tiny-cnn"], [row["case_id"] for row in by_model["slow"]])
    assert difference.value != 0
    assert results["models"]["slow"]["accuracy_less_first"] == difference.as_dict()
    assert "accuracy_less_first" not in results["models"]["tiny-cnn"]
    assert json.loads((tmp_path / "metrics.json").read_text()) == json.loads(json.dumps(results))


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make the training that begins the n-th epoch of all die in it."""

    def die_in(epoch: int) -> None:
        begin, count = TrainingTask.on_validation_epoch_start, iter(range(epoch + 1))

        def beginning(task: TrainingTask) -> None:
            if next(count) == epoch:
                monkeypatch.setattr(TrainingTask, "on_validation_epoch_start", begin)
                raise MemoryError("killed")
            begin(task)

        monkeypatch.setattr(TrainingTask, "on_validation_epoch_start", beginning)

    return die_in


def test_resumed_equals_uninterrupted(
    recipe: Recipe, tmp_path: Path, killed: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the second epoch of fold 1's second candidate, and again while fold 2 is tested."""
    models: Models = {"tiny-cnn": variations(recipe.with_overrides(["training.epochs=2"]), ["training.seed=0,1"])}
    whole = cross_validate(models, tmp_path / "whole", FOLDS, accelerator="cpu")

    killed(7)
    with pytest.raises(MemoryError):
        cross_validate(models, tmp_path / "cv", FOLDS, accelerator="cpu")
    broken = tmp_path / "cv" / "fold_1" / "tiny-cnn"
    assert (broken / "try_1" / "checkpoints" / "last.ckpt").is_file() and not (broken / "choice.json").exists()
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "cv" / "fold_0").rglob("*")}
    assert (tmp_path / "cv" / "fold_0" / "tiny-cnn" / "tested.csv") in done

    torch.rand(3)
    predict = module.predict_part

    def dying(run: Path, part: LabelledData, device: str | None = None) -> PartPrediction:
        if fold_of(run) == 2 and part.rows[0].split == "test":
            raise MemoryError("killed")
        return predict(run, part, device)

    with monkeypatch.context() as patch:
        patch.setattr(module, "predict_part", dying)
        with pytest.raises(MemoryError):
            cross_validate(models, tmp_path / "cv", FOLDS, accelerator="cpu")
    assert (tmp_path / "cv" / "fold_2" / "tiny-cnn" / "choice.json").is_file()

    spy = Spy(monkeypatch)
    resumed = cross_validate(models, tmp_path / "cv", FOLDS)
    assert spy.events == [("predict", 2, "test")], "all else was done"
    assert {path: path.stat().st_mtime_ns for path in done} == done, "a finished fold was touched"
    assert resumed == whole
    assert contents(tmp_path / "cv") == contents(tmp_path / "whole")


def test_what_is_done_is_not_done_again_and_models_may_join(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = Guessing(monkeypatch)
    first = cross_validate({"tiny-cnn": [recipe]}, tmp_path, FOLDS)
    assert cross_validate({"tiny-cnn": [recipe]}, tmp_path, FOLDS) == first
    assert (stand_in.trained, stand_in.tested) == (FOLDS, [0] * FOLDS)
    both = cross_validate({"tiny-cnn": [recipe], "more": [recipe.with_overrides(["training.seed=4"])]}, tmp_path, FOLDS)
    assert (stand_in.trained, stand_in.tested) == (2 * FOLDS, [0] * FOLDS + [4] * FOLDS)
    assert both["models"]["tiny-cnn"] == first["models"]["tiny-cnn"]
    with pytest.raises(BadInput, match="other settings: training.seed"):
        cross_validate({"tiny-cnn": [recipe.with_overrides(["training.seed=4"])]}, tmp_path, FOLDS)


@pytest.fixture
def with_sites(cells: Path, tmp_path: Path) -> Path:
    """The miniature cells from four hospitals, donors in them."""
    shutil.copytree(cells, tmp_path / "cells")
    rows = rows_of(cells / "manifest.csv")
    sites = {f"donor_{n + 1}": site for n, site in enumerate(("north", "north", "south", "east", "west", "west"))}
    path = tmp_path / "cells" / "manifest.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "site"])
        writer.writeheader()
        writer.writerows({**row, "site": sites[row["case_id"]]} for row in rows)
    return path


def test_no_site_is_cut(with_sites: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Guessing(monkeypatch)
    cross_validate({"m": [recipe_for(with_sites)]}, tmp_path / "cv", FOLDS, preserve_site=True)
    found: dict[str, set[str]] = {}
    for row in rows_of(tmp_path / "cv" / "folds.csv"):
        found.setdefault(row["site"], set()).add(row["fold"])
    assert sorted(found) == ["east", "north", "south", "west"]
    assert all(len(folds) == 1 for folds in found.values()) and set.union(*found.values()) == {"0", "1", "2"}
    with pytest.raises(BadInput, match="5 folds cannot keep 4 sites whole"):
        cross_validate({"m": [recipe_for(with_sites)]}, tmp_path / "more", 5, preserve_site=True)


def test_an_image_that_is_gone_when_it_is_tested_is_left_out(
    with_sites: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    predict, gone = module.predict_part, with_sites.parent / "basophil" / "basophil_03.png"

    def losing(run: Path, part: LabelledData, device: str | None = None) -> PartPrediction:
        if part.rows[0].split == "test":
            gone.write_bytes(b"")
        return predict(run, part, device)

    monkeypatch.setattr(module, "predict_part", losing)
    tested = next(row for row in open_data(with_sites, 8).rows if row.path == gone)
    results = cross_validate({"m": [recipe_for(with_sites)]}, tmp_path / "cv", 2, accelerator="cpu")
    (row,) = [row for row in rows_of(tmp_path / "cv" / "predictions.csv") if row["error"]]
    assert row["path"] == tested.name and row["predicted"] == "" and "empty" in row["error"]
    assert (results["models"]["m"]["images_failed"], results["models"]["m"]["n"]) == (1, 59)
    assert "skipped: " in caplog.text and "basophil_03.png" in caplog.text


def test_what_a_fold_is_trained_with(cells: Path) -> None:
    data = open_data(cells / "manifest.csv", 8)
    split = module.fold_cases(data.rows, FOLDS)[1]
    seen = without_test(data, split)
    pixels = torch.stack([data.images[n] for n, part in enumerate(split.parts) if part == "train"]).double() / 255
    assert seen.preprocessing.mean == pytest.approx(pixels.mean((0, 2, 3)).tolist(), abs=1e-6)
    assert seen.preprocessing.mean != data.preprocessing.mean
    assert without_test(data, split, fit=False).preprocessing == data.preprocessing
    assert [row.split for row in seen.split.rows] == list(split.parts), "the run's splits.csv tells the test part too"


def test_a_normalisation_of_ones_own_is_kept(recipe: Recipe, spy: Spy, tmp_path: Path) -> None:
    own = recipe.with_overrides(["data.mean=[0.1,0.2,0.3]", "data.std=[0.5,0.5,0.5]"])
    cross_validate({"m": [own]}, tmp_path, 2)
    assert [data.preprocessing.mean for _, data in spy.trained] == [(0.1, 0.2, 0.3)] * 2


def test_fields_are_tested_once_too(spy: Spy, tmp_path: Path) -> None:
    data = make_fields(tmp_path / "fields", per_class=4)
    recipe = Recipe.parse({"data": {"path": str(data)}, "model": {"name": "downscaled-cnn"}, "training": {"epochs": 1}})
    cross_validate({"m": [recipe]}, tmp_path / "cv", 2)
    rows = rows_of(tmp_path / "cv" / "predictions.csv")
    assert sorted(row["path"] for row in rows) == sorted(row["path"] for row in rows_of(tmp_path / "cv" / "folds.csv"))
    for run, seen in spy.trained:
        tested = {row["path"] for row in rows if int(row["fold"]) == fold_of(run)}
        assert tested and not tested & {row.name for row in seen.rows}


def test_the_mean_of_predictions() -> None:
    one = PartPrediction(np.array([[0.2, 0.8], [0.5, 0.5]]), ("", ""))
    other = PartPrediction(np.array([[0.4, 0.6], [np.nan, np.nan]]), ("", "gone"))
    found = mean_prediction([one, other])
    np.testing.assert_allclose(found.probabilities[0], [0.3, 0.7])
    assert found.errors == ("", "gone") and np.isnan(found.probabilities[1]).all()


def test_other_data_is_refused(recipe: Recipe, cells: Path, miniature: Path, tmp_path: Path) -> None:
    other = recipe_for(miniature / "bloodmnist.npz")
    with pytest.raises(BadInput, match="recipes are of different data"):
        cross_validate({"a": [recipe], "b": [other]}, tmp_path / "cv")
    assert not (tmp_path / "cv").exists()


def test_data_is_opened_once_for_all_who_open_it_alike(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Guessing(monkeypatch)
    opened: list[int] = []
    open_parts = module.open_parts

    def counting(recipe: Any, parts: Any, progress: Any) -> Any:
        opened.append(recipe.size)
        return open_parts(recipe, parts, progress)

    monkeypatch.setattr(module, "open_parts", counting)
    large = variations(recipe, ["data.size=8,12"])
    cross_validate({"a": [recipe.with_overrides(["data.augmentation=null"])], "b": large}, tmp_path, 2)
    assert opened == [8, 12]


def test_what_holds_in_all_folds_is_said_once(
    with_sites: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(with_sites.parent / "basophil" / "basophil_00.png", with_sites.parent / "rare.png")
    with with_sites.open("a") as file:
        file.write("rare.png,rare,donor_9,0.2,east\n")
    StandIn(monkeypatch)
    with caplog.at_level(logging.WARNING):
        results = cross_validate({"m": [recipe_for(with_sites)]}, tmp_path / "cv", FOLDS)
    said = [record.message for record in caplog.records if "'rare' has 1 case" in record.message]
    assert said == ["class 'rare' has 1 case: none of them in val and test"]
    assert results["images"] == 60, "what no model learned of is not tested"


def test_slides_are_simulated_if_their_bags_say_so(tmp_path: Path) -> None:
    bags = open_bags(make_bags(tmp_path, {"train": 2}), tmp_path / "job")
    slides = SlideData(
        manifest=bags.manifest,
        classes=bags.manifest.classes,
        labels=torch.tensor(bags.labels),
        preprocessing=SlideInput("made-up", DIM),
        split=bags.manifest,
        bags=bags,
    )
    sources = module._Sources(lambda *_: None, {"": slides})
    assert sources.origin == ""
    mark_simulated(*bags.paths)
    assert sources.origin == "simulated"
