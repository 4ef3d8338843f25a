"""A run folder as an object; a folder with a model alone is one too."""

import math
from pathlib import Path

import pytest

from saccade.core.errors import BadInput
from saccade.imaging.preprocessing import Preprocessing
from saccade.inference.runs import Run
from saccade.models import create_model
from saccade.models.packaging import save_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = create_model("tiny-cnn", ("a", "b"))
    save_model(tmp_path, model, Preprocessing(8, 3, (0.0,) * 3, (1.0,) * 3))
    return tmp_path


def test_a_model_alone(folder: Path) -> None:
    run = Run.open(folder)
    assert run.package.model.classes == ("a", "b")
    assert (run.recipe, run.history, run.splits, run.cases, run.trained_on) == ({}, [], {}, {}, None)
    assert run.report == folder / "report.html"


def test_what_a_training_left(folder: Path) -> None:
    (folder / "recipe.yaml").write_text("data: {path: /somewhere}\n")
    (folder / "history.csv").write_text("epoch,val_loss\n1,0.5\n2,\n")
    (folder / "splits.csv").write_text("path,label,case_id,split\na/1.png,a,p,train\nb/2.png,b,,test\n")
    run = Run.open(folder)
    assert run.recipe == {"data": {"path": "/somewhere"}}
    assert run.history[0] == {"epoch": 1.0, "val_loss": 0.5}
    assert math.isnan(run.history[1]["val_loss"])
    (folder / "budgets.csv").write_text("share,val_loss,kept\n0.3,0.5,1\n")
    assert Run.open(folder).budgets == [{"share": 0.3, "val_loss": 0.5, "kept": 1.0}]
    assert run.splits == {"a/1.png": "train", "b/2.png": "test"}
    assert run.cases == {"p": "train"}


def test_a_damaged_recipe_is_named(folder: Path) -> None:
    (folder / "recipe.yaml").write_text("data: [")
    with pytest.raises(BadInput, match=r"recipe\.yaml"):
        _ = Run.open(folder).recipe


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such folder"):
        Run.open(tmp_path / "nothing")
    with pytest.raises(BadInput, match="holds no model"):
        Run.open(tmp_path)


def test_cases_are_known_by_what_was_learned_from_them(folder: Path) -> None:
    lines = ["path,label,case_id,split", "a,x,p,train", "b,x,p,test", "c,x,,val", "d,x,q,val", "e,x,r,"]
    (folder / "splits.csv").write_text("\n".join(lines))
    assert Run.open(folder).cases == {"p": "train", "q": "val"}
    (folder / "splits.csv").write_text("path,split\na,train\n")
    assert Run.open(folder).cases == {}
