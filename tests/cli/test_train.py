"""``saccade train`` leaves a run with a report, or one line that says what is wrong and nothing half-written."""

import csv
import json
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml
from PIL import Image

from saccade.cli import train as train_command
from saccade.cli.train import make_recipe
from saccade.core.errors import BadInput

RUN = {"checkpoints", "config.json", "history.csv", "model.safetensors", "recipe.yaml", "report.html", "splits.csv"}
SHORT = ("--set", "training.epochs=1", "--set", "data.size=8")


def test_a_run_folder_is_whole(trained: Path) -> None:
    assert {path.name for path in trained.iterdir()} == RUN | {"budgets.csv"}
    page = (trained / "report.html").read_text()
    assert "the validation part" in page
    assert "Deletion" in page
    assert len((trained / "history.csv").read_text().splitlines()) == 3
    recipe = yaml.safe_load((trained / "recipe.yaml").read_text())
    assert recipe["training"]["epochs"] == 2
    assert json.loads((trained / "config.json").read_text())["preprocessing"]["size"] == 16


@pytest.mark.usefixtures("quick")
def test_a_recipe_file_resume_and_overwrite(
    saccade: Callable, refused: Callable[..., str], cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = {"data": {"path": str(cells), "size": 8}, "model": {"name": "tiny-cnn"}, "training": {"epochs": 1}}
    Path("quick.yaml").write_text(yaml.safe_dump(recipe))
    printed = saccade("train", "quick.yaml").output
    run = tmp_path / "runs" / "quick"
    assert {path.name for path in run.iterdir()} == RUN
    assert "validation: accuracy" in printed
    assert "--resume" in refused("train", "quick.yaml")
    weights = (run / "model.safetensors").read_bytes()
    saccade("train", "--resume", "--out", run)
    assert (run / "model.safetensors").read_bytes() == weights
    line = refused("train", "quick.yaml", "--set", "training.epochs=3", "--resume")
    assert "training.epochs. Resume with --out and --resume alone" in line
    saccade("train", "quick.yaml", "--set", "training.seed=5", "--overwrite")
    assert (run / "model.safetensors").read_bytes() != weights


def test_make_recipe_puts_options_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("data: {path: /a, size: 32}\nmodel: {name: tiny-cnn}\n")
    made = make_recipe(path, Path("/b"), "resnet18", ["data.size=16"])
    assert (made.data.path, made.data.size, made.model.name) == ("/b", 16, "resnet18")
    assert make_recipe(None, Path("/b"), None, []).model.name == "sparse-attn-net"
    with pytest.raises(BadInput, match="nothing to train on"):
        make_recipe(None, None, "tiny-cnn", [])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--out", "x"), "nothing to train on"),
        (("--out", "x", "--resume"), "x: there is no run to resume. Correct --out"),
        (("--out", "CELLS", "--resume"), "there is no run to resume"),
        (("--data", "x"), "--out"),
        (("nothing.yaml", "--out", "x"), "nothing.yaml"),
        (("--data", "nothing", "--out", "x"), "nothing"),
        (("--data", "CELLS", "--model", "tiny-cn", "--out", "x"), "tiny-cnn"),
        (("--data", "CELLS", "--out", "x", "--set", "training.epoch=3"), "training.epochs"),
        (("--data", "CELLS", "--out", "x", "--set", "training.epochs=none"), "training.epochs"),
        (("--data", "CELLS", "--out", "x", "--set", "model.look=sideways"), "look"),
        (("--data", "CELLS", "--out", "x", "--resume", "--overwrite"), "exclude each other"),
        (("--data", "CELLS", "--out", "x", "--precision", "3-bits"), "'32-true', 'bf16-mixed', '16-mixed'"),
        (("--data", "CELLS", "--out", "x", "--precision", "64-true"), "`saccade train --help`"),
        (("--data", "CELLS", "--out", "CELLS"), "--overwrite"),
        (("--data", "CELLS", "--out", "CELLS", "--overwrite"), "is no run"),
    ],
)
def test_what_cannot_be_used(
    refused: Callable[..., str], cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(cells.rglob("*"))
    assert said in refused("train", *(cells if word == "CELLS" else word for word in words))
    assert sorted(cells.rglob("*")) == before
    assert not list(tmp_path.rglob("*.safetensors"))


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, array)
    else:
        Image.fromarray(array).save(path)


def picture(seed: int, height: int = 9, width: int = 9) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of four images."""
    for number in range(8):
        save(tmp_path / "data" / "ab"[number % 2] / f"{number}.png", picture(number))
    return tmp_path / "data"


def truncate(folder: Path) -> None:
    path = folder / "a" / "2.png"  # not in the test part, whose images training does not open
    path.write_bytes(path.read_bytes()[:80])


def four_channels(folder: Path) -> None:
    save(folder / "a" / "odd.npy", np.zeros((9, 9, 4), np.uint8))


def sixteen_bits(folder: Path) -> None:
    save(folder / "b" / "odd.npy", np.zeros((9, 9, 3), np.uint16))


def one_class(folder: Path) -> None:
    shutil.rmtree(folder / "b")


def empty_class(folder: Path) -> None:
    (folder / "vacant").mkdir()


def no_image_at_all(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def manifest(text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "manifest.csv").write_text(text)

    return write


DAMAGES = {
    "truncated image": (truncate, "2.png"),
    "wrong channels": (four_channels, "odd.npy"),
    "wrong kind of values": (sixteen_bits, "odd.npy"),
    "a single class": (one_class, "only the class 'a'"),
    "an empty class": (empty_class, "vacant"),
    "no image": (no_image_at_all, "empty"),
    "a missing label": (manifest("path,label\na/0.png,\nb/1.png,b\n"), "row 2"),
    "a missing file": (manifest("path,label\na/0.png,a\nb/99.png,b\n"), "row 3"),
    "a path that leaves the folder": (manifest("path,label\na/0.png,a\n../x.png,b\n"), "row 3"),
    "no label column": (manifest("path,colour\na/0.png,red\n"), "label"),
    "a case in two parts": (
        manifest("path,label,case_id,split\na/0.png,a,p,train\nb/1.png,b,q,train\na/2.png,a,p,test\n"),
        "case 'p'",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_bad_data_is_one_line_and_found_by_check(
    refused: Callable[..., str], saccade: Callable, folder: Path, tmp_path: Path, damage: str
) -> None:
    break_it, said = DAMAGES[damage]
    break_it(folder)
    assert said in refused("train", "--data", folder, "--out", tmp_path / "run", *SHORT)
    assert not (tmp_path / "run").exists()
    assert said in saccade("check", folder, code=2).output


def made_field(seed: int, height: int = 60, width: int = 80) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def fields(tmp_path: Path) -> Path:
    """Two classes of four fields, two of them smaller than a patch."""
    for number in range(8):
        save(tmp_path / "data" / "ab"[number % 2] / f"{number}.png", made_field(number, 60 if number > 1 else 20))
    return tmp_path / "data"


def bomb(folder: Path) -> None:
    """A PNG that claims 60,000 × 60,000 pixels and has some thousands."""
    path = folder / "a" / "2.png"
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack(">II", 60_000, 60_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    path.write_bytes(content)


FIELDS = ("--model", "attention-sampling", "--set", "training.epochs=2", "--set", "model.factor=8")
FIELDS = (*FIELDS, "--set", "model.patch=24", "--set", "model.budget=4")


@pytest.mark.parametrize("damage", ["truncated image", "wrong channels", "wrong kind of values", "a bomb"])
def test_bad_fields_are_one_line_and_found_by_check(
    refused: Callable[..., str], saccade: Callable, fields: Path, tmp_path: Path, damage: str
) -> None:
    break_it, said = {**DAMAGES, "a bomb": (bomb, "2.png: claims more pixels than the limit of 67,108,864")}[damage]
    break_it(fields)
    assert said in refused("train", "--data", fields, "--out", tmp_path / "run", *FIELDS)
    assert not (tmp_path / "run").exists()
    assert said in saccade("check", fields, code=2).output


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        ("attention-sampling", ("patch=8",), "patches of 8 pixels leave gaps between cells of 8"),
        ("conditional-sampling", ("patch=5",), "patches of 5 pixels leave gaps between cells of 8"),
        ("attention-front-end", ("patch=8",), "patches of 8 pixels leave gaps between cells of 8"),
        ("attention-sampling", ("estimator=distinct", "budget=31"), "has 30 cells of 8 x 8 pixels, of which 31"),
    ],
)
def test_what_no_field_can_give(
    refused: Callable[..., str], fields: Path, tmp_path: Path, model: str, options: tuple[str, ...], said: str
) -> None:
    """All parts are given, so that the smallest fields are among those that are opened."""
    names = [f"{'ab'[n % 2]}/{n}.png,{'ab'[n % 2]},{'val' if n > 5 else 'train'}\n" for n in range(8)]
    (fields / "manifest.csv").write_text("path,label,split\n" + "".join(names))
    changes = [word for option in options for word in ("--set", f"model.{option}")]
    words = ("--data", fields, "--out", tmp_path / "run", *FIELDS, "--model", model)
    assert said in refused("train", *words, *changes)
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("estimator", ["reinforce", "distinct"])
def test_odd_fields_that_can_be_trained_on(saccade: Callable, fields: Path, tmp_path: Path, estimator: str) -> None:
    """Of different sizes, smaller than a patch, with alpha, CMYK, grey, and of one value throughout."""
    save(fields / "a" / "alpha.png", np.dstack([made_field(20), np.full((60, 80), 99, np.uint8)]))
    Image.fromarray(made_field(21)).convert("CMYK").save(fields / "b" / "ink.jpg")
    save(fields / "a" / "grey.png", made_field(22)[..., 0])
    save(fields / "b" / "flat.png", np.full((90, 50, 3), 255, np.uint8))
    save(fields / "b" / "wide.png", made_field(23, 10, 200))
    saccade("train", "--data", fields, "--out", tmp_path / "run", *FIELDS, "--set", f"model.estimator={estimator}")
    assert {path.name for path in (tmp_path / "run").iterdir()} == RUN
    assert "fields keep their size" in saccade("check", fields).output


@pytest.mark.usefixtures("quick")
def test_sixteen_bit_fields_of_no_contrast(saccade: Callable, tmp_path: Path) -> None:
    for number in range(8):
        tifffile.imwrite(tmp_path / f"{number}.tif", np.full((60, 80, 3), 30_000, np.uint16), photometric="rgb")
    rows = [f"{n}.tif,{'ab'[n % 2]},{'train' if n < 6 else 'val'}\n" for n in range(8)]
    (tmp_path / "manifest.csv").write_text("path,label,split\n" + "".join(rows))
    saccade("train", "--data", tmp_path, "--out", tmp_path / "run", *FIELDS)
    with (tmp_path / "run" / "history.csv").open() as file:
        history = list(csv.DictReader(file))
    assert len(history) == 2
    assert all(np.isfinite(float(row["train_loss"])) and np.isfinite(float(row["val_loss"])) for row in history)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers(
    refused: Callable[..., str], saccade: Callable, tmp_path: Path, value: float
) -> None:
    data = tmp_path / "data"
    for number in range(8):
        save(data / "ab"[number % 2] / f"{number}.npy", picture(number).astype(np.float32))
    array = np.zeros((9, 9, 3), np.float32)
    array[2, 3] = value
    save(data / "a" / "odd.npy", array)
    assert "odd.npy" in refused("train", "--data", data, "--out", tmp_path / "run", *SHORT)
    assert "odd.npy" in saccade("check", data, code=2).output


@pytest.mark.usefixtures("quick")
def test_odd_data_that_can_be_trained_on(saccade: Callable, folder: Path, tmp_path: Path) -> None:
    """Mixed sizes, an image of one pixel, a class with one image, and a budget of every pixel of a tiny input."""
    save(folder / "a" / "wide.png", picture(20, 5, 40))
    save(folder / "b" / "dot.png", picture(21, 1, 1))
    save(folder / "rare" / "single.png", picture(22))
    changes = ("--set", "training.epochs=1", "--set", "data.size=1", "--set", "budget.ceiling=1.0")
    saccade("train", "--data", folder, "--out", tmp_path / "run", *changes)
    assert {path.name for path in (tmp_path / "run").iterdir()} == RUN
    assert "the only image of the class 'rare'" in saccade("check", folder).output


def test_loading_the_images_shows_progress(cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, int, int]] = []

    @contextmanager
    def progress(what: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda done, total: shown.append((what, done, total))

    monkeypatch.setattr(train_command, "progress", progress)
    monkeypatch.setattr(train_command, "report_training", lambda folder: None)
    train_command.train(out=tmp_path / "run", data=cells, model="tiny-cnn", changes=list(SHORT[1::2]))
    (total,) = {total for what, _, total in shown if what == "loading images"}
    assert shown[-1] == ("loading images", total, total)
    assert total > 30


@pytest.mark.usefixtures("quick")
def test_a_killed_training_goes_on(
    saccade: Callable, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from saccade.training.callbacks import LostClasses

    run = tmp_path / "run"
    words = ("train", "--data", folder, "--model", "tiny-cnn", "--out", run, "--set", "data.size=8")
    words = (*words, "--set", "training.epochs=3")

    def stop(self: LostClasses, trainer, pl_module) -> None:
        if trainer.current_epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LostClasses, "on_train_epoch_end", stop)
        result = saccade(*words, code=130)
    assert "--resume" in result.stderr.splitlines()[-1]
    assert not (run / "model.safetensors").exists()
    saccade(*words, "--resume")
    whole = tmp_path / "whole"
    saccade(*(whole if word is run else word for word in words))
    assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert (run / "report.html").is_file()
