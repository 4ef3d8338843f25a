"""A bench goes on where it was, reads the test part, and refuses files that are not its own."""

import json
from pathlib import Path
from typing import Any

import pytest

import saccade
from saccade.core.errors import BadInput, SaccadeError
from saccade.imaging.image_files import load_image
from saccade.training import bench as module
from saccade.training.bench import CONTESTANTS, LARGE, Entrant, bench, bench_row, default_entrants, enlarged
from saccade.training.bench_rows import load_rows
from tests.miniature_slides import make_bags

KEYS = {
    "seed",
    "accuracy",
    "parameters",
    "pixels_read_fraction",
    "pixels_looked_fraction",
    "seconds_training",
    "recipe",
    "right",
    "cases",
}
COST = {"flops_per_image", "images_per_second", "peak_memory_bytes"}
FIGURES = {
    "accuracy": None,
    "parameters": 1,
    "pixels_read_fraction": 0.5,
    "pixels_looked_fraction": None,
    "flops_per_image": 1.0,
    "images_per_second": {"1": 1.0},
}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Entrant]:
    """No training and no data: each row tells who was asked for."""
    asked: list[Entrant] = []

    def row(data: Path, entrant: Entrant, features: Path | None, share: float | None) -> dict[str, Any]:
        asked.append(entrant)
        recipe = module.recipe_words(module._recipe(data, entrant, features))
        return {**FIGURES, "seed": entrant.seed, "recipe": recipe}

    monkeypatch.setattr(module, "bench_row", row)
    monkeypatch.setattr(module, "_fingerprint", lambda data, features: f"of {data}")
    return asked


def test_what_is_there_is_not_measured_again(counted: list[Entrant], tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    first = [Entrant("tiny-cnn", 0), Entrant("vit-tiny", 0)]
    bench(Path("cells"), first, out)
    rows = bench(Path("cells"), [*first, Entrant("tiny-cnn", 1)], out)
    assert counted == [*first, Entrant("tiny-cnn", 1)]
    assert [(row["model"], row["seed"]) for row in rows] == [("tiny-cnn", 0), ("vit-tiny", 0), ("tiny-cnn", 1)]
    bench(Path("other"), [Entrant("tiny-cnn", 0)], out)
    assert len(counted) == 4, "other data is another row"
    assert len(load_rows(out)) == 4


def test_who_is_named_twice_is_one(counted: list[Entrant], tmp_path: Path) -> None:
    rows = bench(Path("cells"), [Entrant("tiny-cnn", 0), Entrant("tiny-cnn", 0)], tmp_path / "bench.json")
    assert len(counted) == len(rows) == 1


def test_a_row_tells_what_it_is_of(counted: list[Entrant], tmp_path: Path) -> None:
    (row,) = bench(Path("cells"), [Entrant("tiny-cnn", 3, ("training.epochs=4",))], tmp_path / "bench.json")
    assert (row["saccade"], row["fingerprint"]) == (saccade.__version__, "of cells")
    assert (row["recipe"]["training"]["epochs"], row["recipe"]["training"]["seed"]) == (4, 3)
    assert "path" not in row["recipe"]["data"]


def test_other_data_of_the_same_name_is_refused_before_anything_is_trained(
    counted: list[Entrant], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "bench.json"
    bench(Path("cells"), [Entrant("tiny-cnn", 0)], out)
    monkeypatch.setattr(module, "_fingerprint", lambda data, features: "of others")
    with pytest.raises(
        BadInput, match=r"tiny-cnn, seed 0, is of other data .* Choose another --out, or restore the data"
    ):
        bench(Path("cells"), [Entrant("vit-tiny", 0)], out)
    assert len(counted) == 1


def test_what_cannot_be_written_is_told_before_anything_is_trained(counted: list[Entrant], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SaccadeError, match="cannot be written"):
        bench(Path("cells"), [Entrant("tiny-cnn", 0)], tmp_path / "file" / "bench.json")
    assert not counted


def test_small_images_are_said_to_be_enlarged(miniature: Path) -> None:
    data, entrant = miniature / "cells" / "manifest.csv", Entrant("tiny-cnn", 0)
    height, width = load_image(next((miniature / "cells").rglob("*.png"))).shape[:2]
    assert f"{width}×{height} pixels and are enlarged to 400×400" in enlarged(
        data, [entrant, Entrant("tiny-cnn", 0, ("data.size=400",))]
    )
    assert not enlarged(data, [Entrant("tiny-cnn", 0, ("data.size=16",))])


def test_large_peers_are_trained_only_where_there_is_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a processor one row each tells their cost; everybody else is trained with every seed."""
    for gpu in (False, True):
        monkeypatch.setattr("torch.cuda.is_available", lambda gpu=gpu: gpu)
        entrants = default_entrants("cell", 2, lambda name: (f"said.of={name}",))
        large, count = [each for each in entrants if each.model in LARGE["cell"]], len(LARGE["cell"])
        assert [each.seed for each in large] == ([0] * count + [1] * count if gpu else [None] * count)
        assert {(each.model, each.seed) for each in entrants if each not in large} == {
            (name, seed) for name in CONTESTANTS["cell"] for seed in (0, 1)
        }
        assert all(each.changes == (f"said.of={each.model}",) for each in entrants)


def test_a_row_without_training_has_no_accuracy(miniature: Path) -> None:
    data = miniature / "cells" / "manifest.csv"
    row = bench_row(data, Entrant("resnet18", None, ("data.size=16",)))
    assert row["seed"] is None and row["accuracy"] is None
    assert row["network"]["shape"] == [3, 16, 16]


def test_a_quick_row_is_no_full_one(counted: list[Entrant], tmp_path: Path) -> None:
    out, full, quick = tmp_path / "bench.json", Entrant("tiny-cnn", 0), Entrant("tiny-cnn", 0, ("training.epochs=4",))
    for entrant in (quick, full, quick, full):
        rows = bench(Path("cells"), [entrant], out)
    assert counted == [quick, full], "each is measured once, and neither stands for the other"
    assert [row["changes"] for row in rows] == [["training.epochs=4"], []]


def test_controls_read_as_much_as_the_method_of_their_seed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also where the method's row is of an earlier run; a quick look's share is for quick looks."""
    asked: list[tuple[str, int | None, float | None]] = []

    def row(data: Path, entrant: Entrant, features: Path | None, share: float | None) -> dict[str, Any]:
        asked.append((entrant.model, entrant.seed, share))
        read = 0.125 + (entrant.seed or 0) + len(entrant.changes) / 2
        recipe = module.recipe_words(module._recipe(data, entrant, features))
        return {**FIGURES, "seed": entrant.seed, "recipe": recipe, "pixels_read_fraction": read}

    monkeypatch.setattr(module, "bench_row", row)
    monkeypatch.setattr(module, "_fingerprint", lambda data, features: f"of {data}")
    out, ours, control = tmp_path / "bench.json", "sparse-attn-net", "random-pixels"
    bench(Path("cells"), [Entrant(ours, 0), Entrant(ours, 1), Entrant(ours, 0, ("training.epochs=4",))], out)
    bench(Path("cells"), [Entrant(control, 0), Entrant(control, 2), Entrant(control, 1)], out)
    bench(Path("cells"), [Entrant(control, 0, ("training.epochs=4",))], out)
    bench(Path("other"), [Entrant(control, 0)], out)
    assert [share for name, _, share in asked if name == control] == [0.125, 1.125, None, 0.625, None]


def test_a_control_that_was_there_before_the_method_is_trained_again_or_told_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def row(data: Path, entrant: Entrant, features: Path | None, share: float | None) -> dict[str, Any]:
        recipe = module.recipe_words(module._recipe(data, entrant, features))
        read = {"sparse-attn-net": 0.125, "tiny-cnn": 1.0}.get(entrant.model, share or 0.15)
        return {**FIGURES, "seed": entrant.seed, "recipe": recipe, "pixels_read_fraction": read}

    monkeypatch.setattr(module, "bench_row", row)
    monkeypatch.setattr(module, "_fingerprint", lambda data, features: f"of {data}")
    out, told = tmp_path / "bench.json", []
    controls = [Entrant("random-pixels", 0), Entrant("random-pixels", 1), Entrant("tiny-cnn", 0)]
    bench(Path("cells"), controls, out, tell=told.append)
    assert not any("reads" in line for line in told)
    bench(Path("cells"), [Entrant("sparse-attn-net", 0)], out, tell=told.append)
    assert [line for line in told if "reads" in line] == [
        "random-pixels, seed 0, reads 15.0% and not the method's 12.5%: "
        "name it in --models to have it trained again with as many"
    ]
    told.clear()
    rows = bench(Path("cells"), controls, out, tell=told.append)
    assert told == ["random-pixels, seed 0"]
    read = {(row["model"], row["seed"]): row["pixels_read_fraction"] for row in rows}
    assert read == {
        ("random-pixels", 0): 0.125,
        ("random-pixels", 1): 0.15,
        ("tiny-cnn", 0): 1.0,
        ("sparse-attn-net", 0): 0.125,
    }
    assert len(rows) == len(read)


def test_the_method_comes_first_whoever_is_named_first(counted: list[Entrant], tmp_path: Path) -> None:
    named = [Entrant(name, seed) for seed in (1, 0) for name in ("random-pixels", "resnet18", "sparse-attn-net")]
    bench(Path("cells"), [Entrant("vit-tiny", None), *named], tmp_path / "bench.json")
    assert [(each.model, each.seed) for each in counted] == [
        *((name, seed) for seed in (0, 1) for name in ("sparse-attn-net", "random-pixels", "resnet18")),
        ("vit-tiny", None),
    ]


@pytest.mark.usefixtures("quick")
def test_a_share_is_what_a_control_reads_and_nobody_else(miniature: Path) -> None:
    data, small = miniature / "cells" / "manifest.csv", ("training.epochs=1", "data.size=16")
    row = bench_row(data, Entrant("random-pixels", 0, small), share=9 * 4 / 256)
    assert row["pixels_read_fraction"] == 9 * 4 / 256
    assert bench_row(data, Entrant("tiny-cnn", 0, small), share=0.1)["pixels_read_fraction"] == 1
    assert bench_row(data, Entrant("sparse-attn-net", 0, small), share=0.1)["pixels_read_fraction"] == 19 * 4 / 256


@pytest.mark.usefixtures("quick")
def test_a_row(miniature: Path) -> None:
    row = bench_row(miniature / "cells" / "manifest.csv", Entrant("tiny-cnn", 3, ("training.epochs=1", "data.size=16")))
    assert set(row) == KEYS | {"network"}, "its cost is measured beside the others'"
    assert row["seed"] == 3
    assert row["accuracy"]["value"] == pytest.approx(sum(row["right"]) / len(row["cases"]))
    assert json.loads(json.dumps(row)) == row


@pytest.mark.usefixtures("quick")
def test_a_row_of_slides(tmp_path: Path) -> None:
    table = make_bags(tmp_path)
    row = bench_row(table, Entrant("max-pooling", 2, ("training.epochs=1",)), tmp_path / "job")
    assert set(row) == KEYS | COST
    assert row["seed"] == 2
    assert list(row["images_per_second"]) == ["1"]
    assert 0 <= row["accuracy"]["low"] <= row["accuracy"]["value"] <= row["accuracy"]["high"] <= 1
    assert row["peak_memory_bytes"] == 1000
    assert json.loads(json.dumps(row)) == row
