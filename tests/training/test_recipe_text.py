from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.training.recipe_text import dump_mapping, load_mapping, unknown_key, with_changes

Text = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=6)
Plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | Text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(Text, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(Text, Plain, max_size=4))
def test_what_is_written_is_what_is_loaded(tmp_path_factory: pytest.TempPathFactory, values: dict) -> None:
    path = tmp_path_factory.mktemp("recipe") / "recipe.yaml"
    path.write_text(dump_mapping(values), encoding="utf-8")
    assert load_mapping(path) == values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-3", 0.002),
        ("-1E+2", -100.0),
        ("1.5e3", 1500.0),
        (".5", 0.5),
        ("3", 3),
        ("none", "none"),
        ("null", None),
        ("", None),
        ("true", True),
        ("[0.5, 1e-1]", [0.5, 0.1]),
        ("e3", "e3"),
        ("a=b", "a=b"),
    ],
)
def test_changes_are_yaml(text: str, value: object) -> None:
    changed = with_changes({}, [f"a.b={text}"])["a"]["b"]
    assert changed == value
    assert type(changed) is type(value)


def test_changes_leave_the_original() -> None:
    values = {"training": {"epochs": 3}}
    assert with_changes(values, ["training.epochs=4", "training.seed=1"]) == {"training": {"epochs": 4, "seed": 1}}
    assert values == {"training": {"epochs": 3}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("epochs", "changes nothing"),
        ("=3", "changes nothing"),
        ("a..b=3", "changes nothing"),
        ("path.deep=3", "it has no keys inside"),
        ("a=[", "Mend the YAML"),
        ("a={b: 1, b: 2}", "'b' is there twice"),
    ],
)
def test_changes_that_make_no_sense(change: str, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        with_changes({"path": "cells"}, [change])
    assert str(caught.value).startswith("--set")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"training:\n  epochs: 3\ntraining:\n  seed: 1\n", "recipe.yaml, line 3: 'training' is there twice"),
        (b"a: [1\n", "recipe.yaml, line 2: .*Mend the YAML"),
        (b"- a\n- b\n", "recipe.yaml: is no recipe"),
        (b"", "is no recipe"),
        (b"\xff\xfe\x00", "cannot be opened as text"),
        (b"a: !!python/object/apply:os.system ['true']\n", "could not determine a constructor"),
    ],
)
def test_files_that_are_no_recipe(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=message):
        load_mapping(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no such file"):
        load_mapping(tmp_path / "recipe.yaml")


@pytest.mark.parametrize(
    ("key", "section", "remedy"),
    [
        ("epoch", "training", "Did you mean training.epochs?"),
        ("epochs", "", "Did you mean training.epochs?"),
        ("trainin", "", "Did you mean training?"),
        ("zzz", "training", "Known there: epochs, seed"),
    ],
)
def test_the_nearest_key(key: str, section: str, remedy: str) -> None:
    known = {"": ["data", "training"], "training": ["epochs", "seed"]}
    assert str(unknown_key(key, section, known, "")).endswith(remedy)
