"""Segmenters by command: trained, validated, evaluated into tables, figures and maps."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from tests.cli.conftest import SMALL_SPAN, Command
from tests.miniature_annotated import SIDE, outline, write_outlines
from tests.miniature_slides import mark_simulated


def test_training_tells_dice_and_who_has_no_annotation(annotated: Path) -> None:
    said = (annotated / "said.txt").read_text()
    assert "validation: Dice tumour " in said and "108 labelled patches of 3 slides" in said
    assert "no report of this task" in said


def test_evaluate_leaves_tables_figures_and_maps(annotated: Path, tmp_path: Path, saccade: Command) -> None:
    said = saccade("evaluate", annotated / "run", "--data", annotated / "annotated.csv", "--out", tmp_path / "e").output
    assert "evaluating 4 slides, test part" in said and "Dice tumour" in said
    metrics = json.loads((tmp_path / "e" / "metrics.json").read_text())
    assert (metrics["n"], metrics["slides_without_labels"], metrics["patches"]) == (4, 0, 4 * SIDE**2)
    assert metrics["about"]["model"] == "span-unet"
    assert metrics["mean_dice"] == metrics["dice"]["tumour"]
    assert sum(map(sum, metrics["confusion"])) == metrics["patches"]
    rows = list(csv.DictReader((tmp_path / "e" / "predictions.csv").open()))
    assert [row["path"] for row in rows] == [f"test_{number}" for number in range(4)]
    assert {row["labelled"] for row in rows} == {str(SIDE**2)}
    true = sum(float(row["true_tumour"]) for row in rows) * SIDE**2
    assert round(true) == sum(metrics["confusion"][1])
    assert len(list((tmp_path / "e" / "geojson").glob("*.geojson"))) == 4


def test_maps_of_an_earlier_evaluation_go_and_nothing_else(annotated: Path, tmp_path: Path, saccade: Command) -> None:
    header, *lines = (annotated / "annotated.csv").read_text().splitlines()
    table, out = annotated / "some.csv", tmp_path / "e"

    def evaluate(*names: str) -> Result:
        table.write_text("\n".join([header, *(line for line in lines if line.startswith(names))]))
        try:
            return saccade("evaluate", annotated / "run", "--data", table, "--out", out)
        finally:
            table.unlink()

    evaluate("test_0,", "test_1,")
    assert {path.stem for path in out.glob("geojson/*")} == {"test_0", "test_1"}
    (out / "geojson" / "own.geojson").write_text("drawn by hand")
    said = evaluate("test_0,")
    assert "removed 2 files of an earlier prediction" in said.stdout
    assert "left alone: geojson/own.geojson" in said.stderr
    assert {path.name for path in out.glob("geojson/*")} == {"test_0.geojson", "own.geojson"}
    assert [path.name for path in out.glob("patches/*")] == ["test_0.csv"]


def test_slides_without_annotation_are_told(annotated: Path, tmp_path: Path, saccade: Command) -> None:
    table = annotated / "some.csv"
    lines = (annotated / "annotated.csv").read_text().splitlines()
    table.write_text("\n".join(line.rsplit(",", 1)[0] + "," if "test_0," in line else line for line in lines))
    said = saccade("evaluate", annotated / "run", "--data", table, "--out", tmp_path / "e").output
    assert "of 3 slides; 1 without labels count nowhere" in said
    table.unlink()


def test_bad_annotations_are_one_line(annotated: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    options = ("--features", annotated / "job", "--model", "span-unet", "--set", "data.patch_classes=[normal,tumour]")
    options = (*options, "--set", "data.ignored_outlines=[tissue]", "--out", tmp_path / "run", *SMALL_SPAN)
    lines = (annotated / "annotated.csv").read_text().splitlines()
    write_outlines(annotated / "stranger.geojson", outline(0, 0, 9, 9, "stroma"))
    (annotated / "broken.geojson").write_text("{")
    for name, message in (("stranger.geojson", "'stroma', which is no class"), ("broken.geojson", "is no JSON")):
        table = annotated / "bad.csv"
        changed = [f"{line.rsplit(',', 1)[0]},{name}" if "_0," in line else line for line in lines]
        table.write_text("\n".join(changed))
        assert message in refused("train", "--data", table, *options)
        assert message in refused("evaluate", annotated / "run", "--data", table, "--out", tmp_path / "e")
        table.unlink()
    bare = annotated / "bare.csv"
    bare.write_text("\n".join(line.rsplit(",", 1)[0] for line in lines))
    assert "has an annotation" in refused("train", "--data", bare, *options)
    assert "has an annotation" in refused("evaluate", annotated / "run", "--data", bare, "--out", tmp_path / "e")
    data = ("--data", annotated / "annotated.csv", "--features", annotated / "job", "--model", "span-unet")
    assert "data.patch_classes" in refused("train", *data, "--out", tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_simulated_slides_are_called_that(annotated: Path, tmp_path: Path, saccade: Command) -> None:
    """By what the files of their features say."""
    shutil.copytree(annotated / "job", tmp_path / "job")
    mark_simulated(*(tmp_path / "job").rglob("test_*.h5"))
    data = ("--data", annotated / "annotated.csv", "--features", tmp_path / "job")
    said = saccade("evaluate", annotated / "run", *data, "--out", tmp_path / "eval").output
    assert " simulated slides" in said
    assert json.loads((tmp_path / "eval" / "metrics.json").read_text())["about"]["simulated"] is True
