"""``saccade bench`` writes rows and a picture, and refuses what it cannot do before it trains."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from saccade.cli import bench
from saccade.datasets.composers.modality_proxies import write_proxy
from saccade.datasets.simulators.cell_sets import write_dataset
from saccade.datasets.simulators.slides.bags import simulate_bags
from saccade.datasets.sources import open_manifest
from saccade.models import MODELS
from saccade.training import bench as training
from saccade.training.engine import Interrupted
from saccade.training.recipe import FieldRecipe, Recipe
from tests.miniature_fields import make_fields
from tests.miniature_slides import make_bags, write_bag

FOLDERS = ("bench.quick.data", "bench.data")

FIGURES = {
    "accuracy": {"value": 0.5, "low": None, "high": None},
    "parameters": 1,
    "flops_per_image": 1.0,
    "pixels_read_fraction": 0.1,
    "pixels_looked_fraction": None,
    "images_per_second": {"1": 1.0},
    "peak_memory_bytes": None,
}


@pytest.mark.usefixtures("quick")
def test_a_bench_of_given_cells(
    saccade: Callable, cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "_QUICK", {"cell": ("training.epochs=1", "data.size=16")})
    out = tmp_path / "bench.json"
    words = ("bench", "cells", "--out", out, "--data", cells / "manifest.csv", "--models", "tiny-cnn", "--quick")
    assert "tiny-cnn" in saccade(*words).output
    (row,) = json.loads(out.read_text())
    assert row["model"] == "tiny-cnn"
    assert row["data"] == str(cells / "manifest.csv")
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_data_is_named_by_what_is_to_be_said_of_it(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "cells", {"train": 1, "test": 1}, size=16)
    assert bench._named(data, None) == f"{data} (simulated)"
    proxies = write_proxy(open_manifest(data), "opd", tmp_path / "proxies").manifest
    assert bench._named(proxies, None) == f"{proxies} (simulated OPD-like proxy)"
    bags = make_bags(tmp_path)
    assert bench._named(bags, tmp_path / "job") == str(bags)


def test_slides_are_named_by_those_of_the_table_alone(tmp_path: Path) -> None:
    simulate_bags(tmp_path, {"train": 2, "val": 2, "test": 2})
    write_bag(next(tmp_path.rglob("*.h5")).with_name("other.h5"), "other.svs", "a", 0)
    table = tmp_path / "manifest.csv"
    assert bench._named(table, tmp_path) == f"{table} (simulated)"


@pytest.mark.usefixtures("quick")
def test_a_bench_of_fields_with_boxes(saccade: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from saccade.datasets.composers import compose_fields

    monkeypatch.setattr(bench, "_QUICK", {"field": ("training.epochs=1",)})
    data = compose_fields(tmp_path / "fields", counts={"train": 8, "val": 4, "test": 4}, size=200)
    out, models = tmp_path / "bench.json", "oracle-patches,downscaled-cnn"
    printed = saccade("bench", "fields", "--out", out, "--data", data, "--models", models, "--quick").output
    patches, whole = json.loads(out.read_text())
    assert (patches["model"], whole["model"]) == tuple(models.split(","))
    assert all(name in printed for name in models.split(","))
    assert patches["pixels_read_fraction"] == pytest.approx(20 * 50**2 / 200**2)
    assert patches["pixels_looked_fraction"] == 0, "it is told where to read"
    assert whole["pixels_looked_fraction"] == pytest.approx(1 / 25)
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("quick")
def test_a_bench_of_given_slides(saccade: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_QUICK", {"slide": ("training.epochs=1",)})
    data, out = make_bags(tmp_path), tmp_path / "bench.json"
    given = ("--data", data, "--features", tmp_path / "job", "--models", "mean-pooling,gated-abmil")
    printed = saccade("bench", "slides", "--out", out, *given, "--quick").output
    assert "slides/s" in printed and "peak memory" in printed
    pooled, attended = json.loads(out.read_text())
    assert (pooled["model"], attended["model"]) == ("mean-pooling", "gated-abmil")
    assert pooled["data"] == str(data)
    assert pooled["pixels_read_fraction"] == 0.25, "as the bags recorded it"
    assert attended["parameters"] > pooled["parameters"]
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("quick")
def test_a_bench_of_simulated_slides(saccade: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_QUICK", {"slide": ("training.epochs=1",)})
    monkeypatch.setattr(bench, "_QUICK_SLIDES", {"train": 4, "val": 2, "test": 4})
    out = tmp_path / "bench.json"
    printed = saccade("bench", "slides", "--out", out, "--models", "span", "--quick").output
    assert "none of them is real" in printed
    (row,) = json.loads(out.read_text())
    assert row["data"] == "simulated slides, quick"
    assert row["pixels_read_fraction"] is None, "there were no pixels"
    assert "–" in printed


@pytest.mark.parametrize("scale", ["cells", "fields", "slides"])
def test_a_quick_look_is_apart_from_the_bench(
    scale: str, saccade: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its images lie in another folder, its rows say what was changed, and both are made again for the full bench."""
    monkeypatch.setattr(bench, "_QUICK_CELLS", 1)
    monkeypatch.setattr(bench, "_CELLS", 2)
    monkeypatch.setattr(bench, "_QUICK_FIELDS", {"train": 1, "val": 0, "test": 0})
    monkeypatch.setattr(bench, "_FIELDS", {"train": 2, "val": 0, "test": 0})
    monkeypatch.setattr(bench, "_QUICK_SLIDES", {"train": 1, "val": 0, "test": 0})
    monkeypatch.setattr(bench, "_SLIDES", {"train": 2, "val": 0, "test": 0})
    monkeypatch.setattr(training, "bench_row", lambda data, one, features, share: {"seed": one.seed, **FIGURES})
    out = tmp_path / "bench.json"
    name = {"cells": "tiny-cnn", "fields": "attention-sampling", "slides": "span"}[scale]
    for more in (["--quick"], []):
        saccade("bench", scale, "--out", out, "--models", name, *more)
    quick, full = json.loads(out.read_text())
    assert quick["data"] == f"{full['data']}, quick" and not full["changes"]
    assert ("curriculum.warm_up=1" in quick["changes"]) == (scale == "fields")
    small, large = (len((tmp_path / each / "manifest.csv").read_text().splitlines()) for each in FOLDERS)
    assert small < large


def test_a_quick_look_goes_through_all_stages() -> None:
    for name in MODELS.names("field"):
        values = {"data": {"path": "fields"}, "model": {"name": name}}
        recipe = Recipe.parse(values).with_overrides(bench._quick_changes("field", name))
        assert isinstance(recipe, FieldRecipe)
        stages = recipe.curriculum
        assert stages is None or 3 * stages.warm_up + stages.reading < recipe.training.epochs


def test_a_bench_that_is_stopped_goes_on_with_the_same_command(
    saccade: Callable, cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(data: Path, entrant: training.Entrant, features: Path | None, share: float | None) -> None:
        raise Interrupted("stopped", "go on from the last finished epoch with --resume")

    monkeypatch.setattr(training, "bench_row", stopped)
    words = ("bench", "cells", "--out", tmp_path / "bench.json", "--data", cells / "manifest.csv")
    stopped_with = saccade(*words, code=130)
    assert "32×32 pixels and are enlarged to 64×64" in stopped_with.output
    line = stopped_with.stderr.splitlines()[-1]
    assert "Run the same command again" in line and "--resume" not in line


def test_patches_on_the_truth_need_boxes(refused: Callable[..., str], tmp_path: Path) -> None:
    data = make_fields(tmp_path / "fields", per_class=4)
    data.with_name("boxes.csv").unlink()
    words = ("--models", "oracle-patches", "--quick", "--out", tmp_path / "bench.json")
    assert "without truth boxes" in refused("bench", "fields", "--data", data, *words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("smears",), "Say cells, fields or slides"),
        (("cells", "--models", "attention-sampling"), "no classifier of cells"),
        (("slides", "--models", "span,span-unet"), "span-unet is no classifier of slides"),
        (("cells", "--models", ","), "--models names nobody"),
        (("cells", "--models", ""), "--models names nobody"),
        (("slides", "--features", "job"), "Give both --data and --features"),
        (("slides", "--data", "labels.csv"), "Give both --data and --features"),
        (("fields", "--features", "job"), "Leave out --features"),
        (("fields", "--models", "tiny-cn"), "tiny-cnn"),
    ],
)
def test_refusals(words: tuple[str, ...], message: str, refused: Callable[..., str], tmp_path: Path) -> None:
    assert message in refused("bench", *words, "--out", tmp_path / "bench.json")


def test_what_cannot_be_written_is_told_before_any_work(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be written" in refused("bench", "cells", "--out", tmp_path / "file" / "bench.json")
    (tmp_path / "bench.json").mkdir()
    assert "is a folder" in refused("bench", "cells", "--out", tmp_path / "bench.json")


def test_the_name_must_be_json(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "NAME.json" in refused("bench", "cells", "--out", tmp_path / "bench.csv")
