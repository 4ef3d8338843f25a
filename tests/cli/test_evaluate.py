"""``saccade evaluate`` judges a run by images it was not trained on, and says which."""

import csv
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from saccade.datasets.sources import open_manifest
from saccade.imaging import image_files
from saccade.imaging.image_files import is_too_large_tiff
from tests.miniature import LOBES
from tests.miniature_fields import HEIGHT, WIDTH, make_field_model, make_fields

COST = {
    "parameters",
    "flops_per_image",
    "pixels_read_fraction",
    "pixels_looked_fraction",
    "images_per_second",
    "images_decoded_per_second",
    "peak_memory_bytes",
}
INTERVAL = {"value", "low", "high"}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def splits_of(run: Path) -> dict[str, str]:
    return {row["path"]: row["split"] for row in rows_of(run / "splits.csv")}


@pytest.mark.slow
def test_everything_is_measured(saccade: Callable, trained: Path, cells: Path, tmp_path: Path) -> None:
    """Peers and memory too, which take the longest."""
    saccade("evaluate", trained, "--data", cells, "--out", tmp_path)
    cost = json.loads((tmp_path / "metrics.json").read_text())["cost"]
    assert cost["peak_memory_bytes"] > 10_000
    page = (tmp_path / "report.html").read_text()
    assert all(name in page for name in ("resnet18", "tiny-cnn", "vit-tiny"))


@pytest.mark.usefixtures("quick")
def test_the_runs_own_test_part(saccade: Callable, trained: Path, cells: Path, tmp_path: Path) -> None:
    saccade("evaluate", trained, "--data", cells / "manifest.csv", "--split", "test", "--out", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metrics.json", "predictions.csv", "report.html"]
    rows = rows_of(tmp_path / "predictions.csv")
    parts = splits_of(trained)
    assert {row["path"] for row in rows} == {name for name, part in parts.items() if part == "test"}
    assert all(row["case_id"].startswith("donor") and row["label"] in LOBES for row in rows)

    metrics = json.loads((tmp_path / "metrics.json").read_text())
    right = sum(row["predicted"] == row["label"] for row in rows)
    assert metrics["accuracy"]["value"] == pytest.approx(right / len(rows))
    for figure in ("accuracy", "balanced_accuracy", "macro_f1", "auroc"):
        assert set(metrics[figure]) == INTERVAL
    assert set(metrics["per_class"]) == set(LOBES)
    assert metrics["n"] == len(rows)
    assert "ece" in metrics["calibration"]
    assert set(metrics["cost"]) == COST
    assert all(value >= 0 for value in metrics["cost"].values())
    read = [float(row["pixels_read_fraction"]) for row in rows]
    assert metrics["cost"]["pixels_read_fraction"] == pytest.approx(np.mean(read), abs=1e-5)
    assert metrics["about"]["split"] == "test"
    assert not metrics["about"]["simulated"]
    page = (tmp_path / "report.html").read_text()
    assert all(words in page for words in ("Faithfulness", "the test part", "not proof of cause"))
    assert "http://" not in page.replace("http://www.w3.org", "")


@pytest.mark.usefixtures("quick")
def test_test_is_the_part_where_none_is_named(saccade: Callable, trained: Path, cells: Path, tmp_path: Path) -> None:
    saccade("evaluate", trained, "--data", cells, "--out", tmp_path)
    assert json.loads((tmp_path / "metrics.json").read_text())["about"]["split"] == "test"


@pytest.mark.usefixtures("quick")
def test_training_images_only_on_request(
    saccade: Callable, refused: Callable[..., str], trained: Path, cells: Path, tmp_path: Path
) -> None:
    train = [name for name, part in splits_of(trained).items() if part == "train"]
    data = tmp_path / "data"
    for name in train:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(cells / name, data / name)
    line = refused("evaluate", trained, "--data", data, "--out", tmp_path / "out")
    assert f"train {len(train)}" in line
    assert "--split" in line
    assert not (tmp_path / "out").exists()
    saccade("evaluate", trained, "--data", data, "--split", "train", "--out", tmp_path / "out")


@pytest.fixture
def foreign(cells: Path, tmp_path: Path) -> Path:
    """Another laboratory's images: other names for four of the classes, one of them unknown here."""
    data = tmp_path / "foreign"
    for kind, theirs in (("lymphocyte", "LY"), ("monocyte", "MO"), ("neutrophil", "SNE"), ("basophil", "ART")):
        (data / theirs).mkdir(parents=True)
        for path in sorted((cells / kind).iterdir())[:4]:
            shutil.copy(path, data / theirs / f"their_{path.name}")
    return data


MAP = "from,to\nLY,lymphocyte\nMO,monocyte\nSNE,neutrophil\nART,\n"


@pytest.mark.usefixtures("quick")
def test_another_laboratorys_classes(saccade: Callable, trained: Path, foreign: Path, tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text(MAP)
    words = ("--data", foreign, "--labels", tmp_path / "map.csv", "--out", tmp_path / "out")
    saccade("evaluate", trained, *words)
    rows = rows_of(tmp_path / "out" / "predictions.csv")
    assert sorted({row["label"] for row in rows}) == ["lymphocyte", "monocyte", "neutrophil"]
    assert len(rows) == 12
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["about"]["split"] is None
    assert metrics["per_class"]["eosinophil"]["n"] == 0
    assert math.isfinite(metrics["macro_f1"]["value"])


def test_labels_the_model_does_not_know(
    refused: Callable[..., str], trained: Path, foreign: Path, tmp_path: Path
) -> None:
    words = ("evaluate", trained, "--data", foreign, "--out", tmp_path / "out")
    line = refused(*words)
    assert all(name in line for name in ("'ART'", "'LY'", "'MO'", "'SNE'", "their_basophil_00.png", "--labels"))
    (tmp_path / "map.csv").write_text(MAP.replace("SNE,neutrophil\n", ""))
    line = refused(*words, "--labels", tmp_path / "map.csv")
    assert "'SNE'" in line
    assert "their_neutrophil_00.png" in line
    (tmp_path / "map.csv").write_text(MAP.replace("monocyte", "monocite"))
    line = refused(*words, "--labels", tmp_path / "map.csv")
    assert "map.csv, row 3" in line or "map.csv, line 3" in line
    assert "monocyte" in line
    (tmp_path / "map.csv").write_text("from,to\nLY,\nMO,\nSNE,\nART,\n")
    assert "leaves no image" in refused(*words, "--labels", tmp_path / "map.csv")
    assert "map2.csv" in refused(*words, "--labels", tmp_path / "map2.csv")
    assert not (tmp_path / "out").exists()


def test_a_part_of_data_without_one(refused: Callable[..., str], trained: Path, foreign: Path, tmp_path: Path) -> None:
    words = ("evaluate", trained, "--data", foreign, "--out", tmp_path / "out")
    assert "Leave out --split" in refused(*words, "--split", "test")
    assert "is not a part" in refused(*words, "--split", "tset")


@pytest.mark.usefixtures("quick")
def test_a_medmnist_file(saccade: Callable, trained: Path, miniature: Path, tmp_path: Path) -> None:
    saccade("evaluate", trained, "--data", miniature / "bloodmnist.npz", "--out", tmp_path)
    rows = rows_of(tmp_path / "predictions.csv")
    assert [row["path"] for row in rows] == [f"bloodmnist.npz/test/{number}" for number in range(10)]


@pytest.mark.usefixtures("quick")
def test_images_that_cannot_be_opened_are_left_out(
    saccade: Callable, trained: Path, foreign: Path, tmp_path: Path
) -> None:
    shutil.rmtree(foreign / "ART")
    bad = foreign / "LY" / "their_lymphocyte_00.png"
    bad.write_bytes(bad.read_bytes()[:200])
    (tmp_path / "map.csv").write_text(MAP)
    out = tmp_path / "out"
    words = ("--data", foreign, "--labels", tmp_path / "map.csv", "--out", out)
    result = saccade("evaluate", trained, *words, code=3)
    assert [line for line in result.stderr.splitlines() if line.startswith("skipped: ") and str(bad) in line]
    metrics = json.loads((out / "metrics.json").read_text())
    assert (metrics["n"], metrics["about"]["images_failed"]) == (11, 1)
    assert len(rows_of(out / "predictions.csv")) == 12


@pytest.mark.usefixtures("quick")
def test_random_draws(saccade: Callable, tmp_path: Path) -> None:
    """Beside the deterministic figures, which stay as they are."""
    run, data = make_field_model(tmp_path / "run"), make_fields(tmp_path / "data")
    saccade("evaluate", run, "--data", data, "--out", tmp_path / "plain")
    printed = saccade("evaluate", run, "--data", data, "--draws", 3, "--out", tmp_path / "out").output
    plain, metrics = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("plain", "out"))
    draws = metrics.pop("draws")
    assert draws["count"] == 3
    assert f"3 random draws: accuracy of their mean {draws['accuracy_of_mean']:.1%}" in printed
    assert draws["probability_spread"] > 0
    assert "draws" not in plain
    assert metrics["accuracy"] == plain["accuracy"]


@pytest.mark.usefixtures("quick")
def test_where_boxes_are_known_the_metrics_tell_of_pointing(saccade: Callable, tmp_path: Path) -> None:
    run, data = make_field_model(tmp_path / "run"), make_fields(tmp_path / "data")
    saccade("evaluate", run, "--data", data, "--out", tmp_path / "out")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    found = metrics["box_pointing"]
    assert found["n"] == 4, "two of the six fields have no box"
    assert found["area"]["value"] == pytest.approx(24 * 24 / (HEIGHT * WIDTH))
    assert all(0 <= found[name]["value"] <= 1 for name in ("heaviest_in_box", "box_mass", "hit_rate", "found"))
    assert metrics["about"]["data"] == str(data)
    data.with_name("boxes.csv").unlink()
    saccade("evaluate", run, "--data", data, "--out", tmp_path / "out")
    assert "box_pointing" not in json.loads((tmp_path / "out" / "metrics.json").read_text())


@pytest.mark.usefixtures("quick")
def test_another_run_beside(saccade: Callable, refused: Callable[..., str], trained: Path, tmp_path: Path) -> None:
    """The report compares both; what cannot be compared is refused before anything is predicted."""
    run, data = make_field_model(tmp_path / "run"), make_fields(tmp_path / "data")
    other = make_field_model(tmp_path / "other")
    saccade("evaluate", run, "--data", data, "--beside", other, "--out", tmp_path / "eval")
    assert "side by side" in (tmp_path / "eval" / "report.html").read_text(encoding="utf-8")
    line = refused("evaluate", run, "--data", data, "--beside", trained, "--out", tmp_path / "no")
    assert "do not both read patches" in line and not (tmp_path / "no").exists()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", ["attention-sampling", "oracle-patches"])
def test_boxes_of_fields_too_large_to_decode(
    name: str, saccade: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fields that stay in their tiled files get the answers of the same pixels decoded, on their boxes where asked."""
    run = make_field_model(tmp_path / "run", name, budget=4, patch=24)
    answers, costs = {}, {}
    for tiled in (False, True):
        data, out = make_fields(tmp_path / f"data {tiled}", tiled=tiled), tmp_path / f"out {tiled}"
        monkeypatch.setattr(image_files, "MAX_PIXELS", HEIGHT * WIDTH // (2 if tiled else 1))
        saccade("evaluate", run, "--data", data, "--out", out)
        answers[tiled] = [(float(row["p_blue"]), float(row["p_red"])) for row in rows_of(out / "predictions.csv")]
        cost = json.loads((out / "metrics.json").read_text())["cost"]
        costs[tiled] = {key: cost[key] for key in ("pixels_read_fraction", "pixels_looked_fraction")}
        assert (out / "report.html").is_file()
        assert is_too_large_tiff(open_manifest(data).rows[0].path) == tiled
    assert len(answers[True]) == 6
    for one, other in zip(answers[True], answers[False], strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    assert costs[True] == pytest.approx(costs[False])


def test_what_draws_nothing_at_random(refused: Callable[..., str], trained: Path, cells: Path, tmp_path: Path) -> None:
    line = refused("evaluate", trained, "--data", cells, "--draws", 5, "--out", tmp_path / "out")
    assert "sparse-attn-net has no random draws" in line
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_used(refused: Callable[..., str], trained: Path, cells: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "is a file" in refused("evaluate", trained, "--data", cells, "--out", tmp_path / "file")
    assert "nothing" in refused("evaluate", trained, "--data", tmp_path / "nothing", "--out", tmp_path / "out")
    assert "no such folder" in refused("evaluate", tmp_path / "x", "--data", cells, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
