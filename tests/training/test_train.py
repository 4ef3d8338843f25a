"""A whole training, from images on disk or in memory to a run folder; and the same after an interruption."""

import csv
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from saccade.core.errors import BadInput
from saccade.core.splits import load_splits
from saccade.datasets.cells import CellData
from saccade.models import MODELS
from saccade.models.packaging import load_model
from saccade.training.checkpoints import load_checkpoint
from saccade.training.recipe import Recipe
from saccade.training.recipe_sections import LearnedBudget
from saccade.training.train import build_model, train
from tests.training.miniature_cells import make_cells, make_recipe


def rows_of(run: Path) -> list[dict[str, str]]:
    with (run / "history.csv").open(newline="") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


@pytest.fixture
def miniature_folder(tmp_path: Path) -> Path:
    """Three classes of twelve grey images."""
    dice = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        (tmp_path / "cells" / name).mkdir(parents=True)
        for number in range(12):
            pixels = dice.integers(0, 255, (20, 18), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "cells" / name / f"{number}.png")
    return tmp_path / "cells"


def test_from_files_to_a_run(tmp_path: Path, miniature_folder: Path) -> None:
    recipe = make_recipe("tiny-cnn", f"data.path={miniature_folder}", epochs=2)
    run = train(recipe, tmp_path / "runs" / "first", accelerator="cpu")

    names = {"recipe.yaml", "splits.csv", "history.csv", "checkpoints", "model.safetensors", "config.json"}
    assert {path.name for path in run.iterdir()} == names
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    package = load_model(run)
    assert Recipe.load(run / "recipe.yaml") == recipe.settled(package.preprocessing)
    assert len(load_splits(run / "splits.csv")) == 36
    assert package.model.classes == ("a", "b", "c")
    assert package.preprocessing.channels == 1
    assert package.config["extra"]["epoch"] in (1, 2)


def test_a_normalisation_of_ones_own_is_kept(tmp_path: Path, miniature_folder: Path) -> None:
    recipe = make_recipe("tiny-cnn", f"data.path={miniature_folder}", "data.mpp=0.2", epochs=1)
    recipe = recipe.with_overrides(["data.mean=[0.1]", "data.std=[0.7]"])
    found = load_model(train(recipe, tmp_path / "run", accelerator="cpu")).preprocessing
    assert (found.mean, found.std, found.mpp) == ((0.1,), (0.7,), 0.2)


def test_images_of_the_test_part_are_not_opened(tmp_path: Path, miniature_folder: Path) -> None:
    rows = [f"{path.relative_to(miniature_folder)},{path.parent.name}" for path in miniature_folder.rglob("*.png")]
    parts = [("train", "val", "test")[index % 3] for index in range(len(rows))]
    lines = [f"{row},{part}" for row, part in zip(sorted(rows), parts, strict=True)]
    (miniature_folder / "manifest.csv").write_text("\n".join(["path,label,split", *lines]))
    for line in lines:
        path, _, part = line.split(",")
        if part == "test":
            (miniature_folder / path).write_bytes(b"nobody may look here")
    told = []
    run = train(
        make_recipe("tiny-cnn", f"data.path={miniature_folder}", epochs=1),
        tmp_path / "run",
        accelerator="cpu",
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1] == (24, 24)
    assert sorted(load_splits(run / "splits.csv").values()).count("test") == 12


def test_a_start_that_fails_leaves_no_folder(cells: CellData, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="precision"):
        train(make_recipe("tiny-cnn"), tmp_path / "run", data=cells, accelerator="cpu", precision="12")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("model", MODELS.names("cell"))
def test_every_model_trains(model: str, tmp_path: Path) -> None:
    """One step on six images; a vision transformer takes its size from the recipe's."""
    data = make_cells({"train": 2, "val": 1})
    run = train(make_recipe(model, epochs=1), tmp_path / "run", data=data, accelerator="cpu")
    assert load_model(run).model.config["model"] == model


@pytest.mark.parametrize("model", ["sparse-attn-net", "tiny-cnn"])
def test_resumed_equals_uninterrupted(
    model: str, cells: CellData, tmp_path: Path, killed: Callable[[int], None]
) -> None:
    """It goes on amid the search, one of whose epochs is measured before and one after."""
    search = ["budget.searched=0.75", "budget.measured=2"]
    recipe = make_recipe(model, *(search if model == "sparse-attn-net" else []))
    whole = train(recipe, tmp_path / "whole", data=cells, accelerator="cpu")
    killed(2)
    with pytest.raises(MemoryError):
        train(recipe, tmp_path / "broken", data=cells, accelerator="cpu")
    assert [row["epoch"] for row in rows_of(tmp_path / "broken")] == ["1", "2"]
    assert not list((tmp_path / "broken").rglob("*.partial*"))
    torch.rand(7)
    resumed = train(recipe, tmp_path / "broken", resume=True, data=cells, accelerator="cpu")

    assert rows_of(resumed) == rows_of(whole)
    for name in ("best.ckpt", "last.ckpt"):
        mine, theirs = (load_checkpoint(run / "checkpoints" / name)["state_dict"] for run in (resumed, whole))
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[key], theirs[key]) for key in mine), name
    assert (resumed / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert load_model(resumed).model.budget == load_model(whole).model.budget


def test_killed_in_the_first_epoch(cells: CellData, tmp_path: Path, killed: Callable[[int], None]) -> None:
    killed(0)
    with pytest.raises(MemoryError):
        train(make_recipe(epochs=1), tmp_path / "run", data=cells, accelerator="cpu")
    train(make_recipe(epochs=1), tmp_path / "run", resume=True, data=cells, accelerator="cpu")
    assert load_model(tmp_path / "run").model.budget == int(LearnedBudget().ceiling * 64)


def test_resuming_a_finished_training_changes_nothing(cells: CellData, tmp_path: Path) -> None:
    recipe = make_recipe("tiny-cnn", epochs=2)
    run = train(recipe, tmp_path / "run", data=cells, accelerator="cpu")
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    train(recipe, run, resume=True, data=cells, accelerator="cpu")
    assert {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()} == before


def test_the_budget_s_way(cells: CellData, tmp_path: Path) -> None:
    """A tolerance that finds everything enough: the last rung of the ladder from 40 % down to 10 %."""
    search = ("budget.ceiling=0.4", "budget.floor=0.1", "budget.tolerance=1000", "budget.measured=1")
    recipe = make_recipe("sparse-attn-net", *search, epochs=5)
    run = train(recipe, tmp_path / "run", data=cells, accelerator="cpu")
    rows = rows_of(run)
    assert [int(row["budget"]) for row in rows] == [25, 25, 6, 6, 6]
    fractions = [4 * int(row["budget"]) / 256 for row in rows]
    assert [float(row["pixels_read_fraction"]) for row in rows] == pytest.approx(fractions, rel=1e-5)
    table = (run / "budgets.csv").read_text().splitlines()
    assert table[0] == "share,val_loss,kept" and len(table) == 1 + 7
    shares, losses, kept = zip(*(map(float, line.split(",")) for line in table[1:]), strict=True)
    assert kept == (0,) * 6 + (1,)
    assert shares[0] == 0.4 and all(0 < loss < 10 for loss in losses)
    assert losses[0] == pytest.approx(float(rows[1]["val_loss"]), rel=1e-4), (
        "that of the second epoch, which was measured"
    )
    package = load_model(run)
    assert package.model.budget == 6
    assert package.config["options"]["budget"] == 6
    assert package.config["extra"]["epoch"] >= 3, "no earlier epoch counts, however good"


def test_a_fixed_budget(cells: CellData, tmp_path: Path) -> None:
    recipe = make_recipe("sparse-attn-net", "budget.learn=false", "budget.share=0.1", epochs=2)
    run = train(recipe, tmp_path / "run", data=cells, accelerator="cpu")
    assert [row["budget"] for row in rows_of(run)] == ["6", "6"]


def test_losses_that_are_not_finite(
    cells: CellData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    balance = torch.full((3,), math.nan)
    monkeypatch.setattr("saccade.training.goals.balancing_weights", lambda counts: balance)
    recipe = make_recipe("sparse-attn-net", epochs=2, class_weights="inverse")
    run = train(recipe, tmp_path / "run", data=cells, accelerator="cpu")
    assert [row["val_loss"] for row in rows_of(run)] == ["", ""]
    assert [row["budget"] for row in rows_of(run)] == [str(int(LearnedBudget().ceiling * 64))] * 2
    assert "no validation loss is finite" in caplog.text
    assert (run / "config.json").is_file()


def test_a_folder_that_is_taken(cells: CellData, tmp_path: Path) -> None:
    recipe = make_recipe("tiny-cnn", epochs=1)
    run = train(recipe, tmp_path / "run", data=cells, accelerator="cpu")
    with pytest.raises(BadInput, match="already exists and is not empty"):
        train(recipe, run, data=cells, accelerator="cpu")
    with pytest.raises(BadInput, match="started with another recipe: training.seed"):
        train(make_recipe("tiny-cnn", epochs=1, seed=3), run, resume=True, data=cells, accelerator="cpu")
    train(make_recipe("tiny-cnn", epochs=1, seed=3), run, overwrite=True, data=cells, accelerator="cpu")
    assert Recipe.load(run / "recipe.yaml").training.seed == 3


def test_what_is_wrong_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="option look = 'ful' is refused"):
        train(make_recipe("sparse-attn-net", "model.look=ful"), tmp_path / "run")
    with pytest.raises(BadInput, match="there is no such file"):
        train(make_recipe(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_initial_weights_follow_the_seed(cells: CellData) -> None:
    def weights(seed: int) -> torch.Tensor:
        return build_model(make_recipe("tiny-cnn", seed=seed), cells).state_dict()["network.0.weight"]

    state = torch.get_rng_state()
    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))
    assert torch.equal(torch.get_rng_state(), state)
