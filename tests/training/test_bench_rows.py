"""Rows of a bench are checked when it goes on: their form first, and then whether they belong together."""

import json
from pathlib import Path
from typing import Any

import pytest

import saccade
from saccade.core.errors import BadInput
from saccade.training.bench_rows import check_rows, key_of, load_rows, recipe_words
from saccade.training.recipe import Recipe

COST = {"flops_per_image": 1.0, "images_per_second": {"1": 1.0}}
ROW = {
    "model": "tiny-cnn",
    "seed": 0,
    "data": "cells",
    "accuracy": {"value": 0.5, "low": None, "high": None},
    "parameters": 1,
    "pixels_read_fraction": 1,
    "pixels_looked_fraction": None,
}


def recipe(name: str = "tiny-cnn", *changes: str) -> Recipe:
    return Recipe.parse({"data": {"path": "cells"}, "model": {"name": name}}).with_overrides(changes)


def known(made: Recipe, **others: Any) -> dict[str, Any]:
    own = {"saccade": saccade.__version__, "fingerprint": "of cells", "recipe": recipe_words(made)}
    return {**ROW, **COST, **own, "model": made.model.name, **others}


def check(row: dict[str, Any], now: Recipe, data: str = "of cells") -> None:
    check_rows(json.loads(json.dumps([row])), "cells", data, {key_of(row): now}, Path("bench.json"))


def test_what_the_bench_needs_is_there(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    assert load_rows(out) == []
    network = {"classes": ["a", "b"], "options": {"channels": 1}, "shape": [1, 16, 16]}
    for row in ({**ROW, **COST}, {**ROW, "network": network}, {**ROW, **COST, "accuracy": None, "seed": None}):
        out.write_text(json.dumps([row]))
        assert load_rows(out) == [row]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be continued"),
        ('{"accuracy": 1}', "the file: input should be a valid list"),
        ("[1]", "row 1: input should be"),
        ('[{"model":"tiny-cnn"}]', "row 1, seed: field required"),
        (json.dumps([ROW]), "row 1: has neither a cost nor a network"),
        (json.dumps([{**ROW, **COST, "right": [1]}]), "row 1: does not tell the case of each image"),
        (json.dumps([{**ROW, **COST}, {**ROW, **COST, "accuracy": {}}]), "row 2, accuracy.value: field required"),
    ],
)
def test_other_files_are_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "bench.json").write_text(text)
    with pytest.raises(BadInput, match=r"bench\.json: .*Choose another --out") as caught:
        load_rows(tmp_path / "bench.json")
    assert words in str(caught.value)


def test_rows_of_the_same_go_on() -> None:
    check(known(recipe()), recipe())
    check(known(recipe(), data="others", fingerprint="of others"), recipe())


def test_a_control_may_have_been_trained_without_the_method() -> None:
    check(known(recipe("random-pixels", "budget.share=0.122")), recipe("random-pixels"))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({**ROW, **COST}, r"tiny-cnn, seed 0, is of another version of saccade \(an earlier one\)"),
        ({**ROW, **COST, "seed": None}, r"tiny-cnn is of another version"),
        (known(recipe(), saccade="0.0.1"), r"another version of saccade \(0\.0\.1\)"),
        (known(recipe(), fingerprint="of others"), "other data than cells holds now. Choose another --out, or restore"),
        (known(recipe("tiny-cnn", "training.epochs=4")), r"another recipe \(training\.epochs: 4 there, 120 now\)"),
    ],
)
def test_rows_of_something_else_are_refused(row: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        check(row, recipe())
    assert str(caught.value).startswith("bench.json: the row of tiny-cnn")


def test_rows_made_before_are_loaded_and_refused(root: Path) -> None:
    """What was published before rows told what they are of: the tables still have it, no bench goes on with it."""
    path = root / "benchmarks" / "results" / "2026-11-22-bench-cells.json"
    rows = load_rows(path)
    with pytest.raises(BadInput, match="another version of saccade"):
        check_rows(rows, rows[0]["data"], "of cells", {}, path)
