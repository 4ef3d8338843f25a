"""Splits: exact, stratified, blind to the order of rows, and never through a case."""

import random
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.core.manifest import PARTS, Row
from saccade.core.splits import (
    assign_parts,
    confounding,
    cut_cases,
    fold_cases,
    given_or_drawn,
    inner_splits,
    load_splits,
    split_cases,
    write_splits,
)


def make_rows(cases: list[tuple[str, int]]) -> list[Row]:
    """Rows of some cases, each given as its label and its number of images."""
    return [
        Row(Path(f"{case}_{image}"), label, name=f"{case}_{image}", case_id=f"case{case}")
        for case, (label, count) in enumerate(cases)
        for image in range(count)
    ]


def parts_of(rows: list[Row], parts: tuple[str, ...], key: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row, part in zip(rows, parts, strict=True):
        found[getattr(row, key)].add(part)
    return found


one_label_each = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6)), min_size=1, max_size=40)


@given(one_label_each, st.integers(0, 5))
def test_a_split_is_whole(cases: list[tuple[str, int]], seed: int) -> None:
    rows = make_rows(cases)
    split = split_cases(rows, seed=seed)
    assert len(split.parts) == len(rows) and set(split.parts) <= set(PARTS)
    assert all(len(parts) == 1 for parts in parts_of(rows, split.parts, "case").values())
    for label, parts in parts_of(rows, split.parts, "label").items():
        count = sum(case[0] == label for case in cases)
        expected = {1: {"train"}, 2: {"train", "test"}}.get(count, set(PARTS))
        assert parts == expected
        assert any(f"'{label}'" in note for note in split.notes) == (bool(set(split.parts) - parts))


@given(one_label_each, st.integers(0, 5), st.randoms())
def test_order_of_rows_does_not_matter(cases: list[tuple[str, int]], seed: int, dice: random.Random) -> None:
    rows = make_rows(cases)
    shuffled = dice.sample(rows, len(rows))
    there = dict(zip((row.name for row in rows), split_cases(rows, seed=seed).parts, strict=True))
    back = dict(zip((row.name for row in shuffled), split_cases(shuffled, seed=seed).parts, strict=True))
    assert there == back


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("abc")), min_size=1, max_size=60))
def test_cases_of_several_labels_stay_whole(images: list[tuple[int, str]]) -> None:
    rows = [Row(Path(str(i)), label, name=str(i), case_id=f"c{case}") for i, (case, label) in enumerate(images)]
    split = split_cases(rows)
    assert all(len(parts) == 1 for parts in parts_of(rows, split.parts, "case").values())


def test_fractions_are_met_exactly_by_single_images() -> None:
    rows = make_rows([("a", 1)] * 400 + [("b", 1)] * 40)
    counts = Counter(zip((row.label for row in rows), split_cases(rows).parts, strict=True))
    assert counts == {("a", "train"): 280, ("a", "val"): 60, ("a", "test"): 60} | {
        ("b", "train"): 28,
        ("b", "val"): 6,
        ("b", "test"): 6,
    }


def test_fractions_are_nearly_met_by_cases() -> None:
    dice = random.Random(0)
    rows = make_rows([(dice.choice("ab"), dice.randint(1, 30)) for _ in range(120)])
    counts = Counter(split_cases(rows).parts)
    for part, share in zip(PARTS, (0.7, 0.15, 0.15), strict=True):
        assert abs(counts[part] / len(rows) - share) < 0.02


def test_seeds_differ_and_repeat() -> None:
    rows = make_rows([("a", 1)] * 30)
    assert split_cases(rows, seed=1) == split_cases(rows, seed=1) != split_cases(rows, seed=2)


def test_a_drawn_split_stays_as_it_is() -> None:
    """Published figures name a seed, so a seed must mean the same split for ever."""
    rows = make_rows([("a", 1)] * 6)
    assert " ".join(split_cases(rows).parts) == "train train train val test train"


def test_parts_can_be_left_out() -> None:
    assert set(split_cases(make_rows([("a", 1)] * 9), fractions=(0.8, 0.2, 0)).parts) == {"train", "val"}
    for fractions in ((0.5, 0.5), (0.5, 0.2, 0.2), (0, 0.5, 0.5), (1.2, -0.1, -0.1)):
        with pytest.raises(BadInput, match="sum to 1"):
            split_cases(make_rows([("a", 1)]), fractions)


def with_parts(rows: list[Row], parts: list[str]) -> list[Row]:
    return [replace(row, split=part) for row, part in zip(rows, parts, strict=True)]


def test_own_split_is_kept() -> None:
    rows = make_rows([("a", 1)] * 3 + [("b", 1)] * 3)
    own = ["train", "val", "test"] * 2
    assert assign_parts(with_parts(rows, own)).parts == tuple(own)
    assert assign_parts(rows) == split_cases(rows)


def test_rows_without_classes_are_split_alike() -> None:
    rows = [replace(row, label="") for row in make_rows([("a", 2)] * 20)]
    drawn = given_or_drawn(rows, seed=1)
    assert drawn == given_or_drawn(rows, seed=1) and not drawn.notes
    assert {part: drawn.parts.count(part) for part in PARTS} == {"train": 28, "val": 6, "test": 6}
    assert all(len(parts) == 1 for parts in parts_of(rows, drawn.parts, "case").values())
    kept = with_parts(rows, ["train"] * 30 + ["test"] * 10)
    own = given_or_drawn(kept)
    assert own.parts.count("test") == 10 and own.parts.count("val") > 0
    with pytest.raises(BadInput, match="only 39 of 40 images say which part"):
        given_or_drawn([*kept[:-1], replace(kept[-1], split="")])
    with pytest.raises(BadInput, match="holds only the class"):
        assign_parts(rows)


def test_validation_comes_out_of_training() -> None:
    rows = with_parts(make_rows([("a", 2)] * 10 + [("b", 2)] * 10), ["train"] * 28 + ["test"] * 12)
    split = assign_parts(rows)
    assert all(part == "test" for row, part in zip(rows, split.parts, strict=True) if row.split == "test")
    assert {"train", "val"} == {part for row, part in zip(rows, split.parts, strict=True) if row.split == "train"}
    assert all(len(parts) == 1 for parts in parts_of(rows, split.parts, "case").values())
    assert "no validation part" in split.notes[0]


@pytest.mark.parametrize(
    ("cases", "own", "message"),
    [
        ([("a", 2), ("b", 1)], ["train", "test", "train"], "case 'case0' is in test, but in train"),
        ([("a", 2), ("b", 1)], ["train", "train", ""], "only 2 of 3 images say which part"),
        ([("a", 2), ("b", 1)], ["train", "train", "test"], "'b' has no image in the training part"),
        ([("a", 2)], ["train", "train"], "only the class 'a'"),
        ([], [], "no images"),
    ],
)
def test_bad_splits(cases: list[tuple[str, int]], own: list[str], message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        assign_parts(with_parts(make_rows(cases), own))
    assert caught.value.remedy


def test_every_cut_case_is_named() -> None:
    rows = with_parts(make_rows([("a", 3), ("b", 2), ("b", 2)]), ["train", "test", "val", "val", "test", "val", "val"])
    assert [problem.message.split("'")[1] for problem in cut_cases(rows)] == ["case0", "case1"]


def counted(table: dict[str, dict[str, int]]) -> list[Row]:
    """Rows of cases, each with so many images of each class."""
    return [
        Row(Path(f"{case}_{label}_{image}"), label, name=f"{case}_{label}_{image}", case_id=case)
        for case, counts in table.items()
        for label, count in counts.items()
        for image in range(count)
    ]


CONFOUNDED = {
    "a case for each class": {"p": {"a": 10}, "q": {"b": 10}},
    "two cases for each class": {"p": {"a": 6}, "q": {"a": 4}, "r": {"b": 7}, "s": {"b": 3}},
    "with a few exceptions": {"p": {"a": 18, "b": 2}, "q": {"a": 1, "b": 19}},
    "one class of three": {"p": {"a": 20}, "q": {"b": 10, "c": 10}, "r": {"b": 10, "c": 10}, "s": {"a": 1, "b": 2}},
}
HONEST = {
    "every case has every class": {case: {"a": 9, "b": 10} for case in "pqr"},
    "nearly so": {"p": {"a": 12, "b": 8}, "q": {"a": 8, "b": 12}, "r": {"a": 9, "b": 11}},
    "a diagnosis for each of many cases": {f"{label}{i}": {label: 6} for label in "ab" for i in range(6)},
    "rare class, even among few cases": {"p": {"a": 2, "b": 40}, "q": {"a": 2, "b": 40}},
    "one case": {"p": {"a": 10, "b": 10}},
    "an image for each case": {f"{label}{i}": {label: 1} for label in "ab" for i in range(10)},
    "a handful of images": {"p": {"a": 2}, "q": {"a": 2, "b": 1}, "r": {"a": 1}, "s": {"b": 4}},
    "one image too few to tell": {"p": {"a": 10}, "q": {"b": 9}},
}


@pytest.mark.parametrize("name", CONFOUNDED)
def test_confounded_classes_are_named(name: str) -> None:
    rows = counted(CONFOUNDED[name])
    (note,) = confounding(rows)
    assert note.startswith("class and case are confounded (") and "\n" not in note
    assert "images of 'a' are of case 'p'" in note and "tell cases apart" in note
    assert ("'b'" in note) == (name != "one class of three")
    assert assign_parts(rows).notes[-1] == note
    own = with_parts(rows, ["train"] * len(rows))
    assert note in assign_parts(own, fractions=(1, 0, 0)).notes


@pytest.mark.parametrize("name", HONEST)
def test_honest_data_is_not_called_confounded(name: str) -> None:
    rows = counted(HONEST[name])
    assert confounding(rows) == ()
    assert not any("confounded" in note for note in assign_parts(rows).notes)


def test_only_known_cases_can_be_confounded_with_a_class() -> None:
    rows = [replace(row, case_id="") for row in counted(CONFOUNDED["a case for each class"])]
    assert confounding(rows) == () == confounding([])


@given(st.integers(2, 4), st.integers(2, 6), st.integers(0, 99))
def test_labels_drawn_at_random_are_not_confounded(cases: int, classes: int, seed: int) -> None:
    dice = random.Random(seed)
    labels = [dice.randrange(classes) for _ in range(60 * cases)]
    rows = [Row(Path(str(n)), str(label), case_id=str(n % cases)) for n, label in enumerate(labels)]
    assert confounding(rows) == ()


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 4)), min_size=6, max_size=30),
    st.integers(2, 5),
    st.integers(0, 3),
)
def test_folds(cases: list[tuple[str, int]], folds: int, seed: int) -> None:
    rows = make_rows([("a", 1), ("b", 1), *cases])
    splits = fold_cases(rows, folds, seed)
    assert len(splits) == folds
    tested: Counter[str] = Counter()
    counts = {label: len(found) for label, found in cases_of(rows).items()}
    for split in splits:
        assert all(len(parts) == 1 for parts in parts_of(rows, split.parts, "case").values())
        tested.update({row.case for row, part in zip(rows, split.parts, strict=True) if part == "test"})
        for label, parts in parts_of(rows, split.parts, "label").items():
            assert "train" in parts, label
    assert all(tested[row.case] == (counts[row.label] > 1) for row in rows)


def cases_of(rows: list[Row]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        found[row.label].add(row.case)
    return found


def test_folds_are_even_and_validate() -> None:
    rows = make_rows([("a", 1)] * 50 + [("b", 1)] * 50)
    for split in fold_cases(rows, 5, validation=0.25):
        assert Counter(split.parts) == {"test": 20, "train": 60, "val": 20}
    assert set(fold_cases(rows, 2, validation=0.0)[0].parts) == {"train", "test"}


@pytest.mark.parametrize("folds", [1, 9])
def test_impossible_folds(folds: int) -> None:
    with pytest.raises(BadInput, match="from 2 to 6"):
        fold_cases(make_rows([("a", 2), ("b", 1), ("b", 1)] * 2), folds)


def test_folds_that_preserve_sites() -> None:
    rows = [replace(row, site=f"s{n // 4 % 6}") for n, row in enumerate(make_rows([("a", 2), ("b", 2)] * 24))]
    tested: Counter[str] = Counter()
    for split in fold_cases(rows, 3, preserve_site=True):
        whole = {part == "test" for part in split.parts}
        assert whole == {True, False} and "val" in split.parts
        for parts in parts_of(rows, split.parts, "site").values():
            assert parts == {"test"} or "test" not in parts
        assert all(len(parts) == 1 for parts in parts_of(rows, split.parts, "case").values())
        tested.update(row.name for row, part in zip(rows, split.parts, strict=True) if part == "test")
    assert set(tested) == {row.name for row in rows} and set(tested.values()) == {1}
    plain = [parts_of(rows, split.parts, "site").values() for split in fold_cases(rows, 3)]
    assert any("test" in parts and len(parts) > 1 for found in plain for parts in found), "only if asked to"


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 4)), min_size=10, max_size=24),
    st.integers(2, 3),
    st.integers(0, 3),
)
def test_inner_parts_validate_each_case_once(cases: list[tuple[str, int]], inner: int, seed: int) -> None:
    rows = make_rows([*[("a", 1), ("b", 1)] * 3, *cases])
    for fold in fold_cases(rows, 3, seed):
        splits = inner_splits(rows, fold, inner, seed)
        assert len(splits) == inner
        validated: Counter[str] = Counter()
        for split in splits:
            assert [part == "test" for part in split.parts] == [part == "test" for part in fold.parts]
            assert all(len(parts) == 1 for parts in parts_of(rows, split.parts, "case").values())
            assert all("train" in parts for parts in parts_of(rows, split.parts, "label").values())
            validated.update({row.case for row, part in zip(rows, split.parts, strict=True) if part == "val"})
        outside = [row for row, part in zip(rows, fold.parts, strict=True) if part != "test"]
        counts = {label: len(found) for label, found in cases_of(outside).items()}
        assert all(validated[row.case] == (counts[row.label] > 1) for row in outside)
        assert inner_splits(rows, fold, 1) == (fold,)


def test_written_and_loaded(tmp_path: Path) -> None:
    rows = with_parts(make_rows([("a", 2), ("b", 1)]), ["train", "train", "test"])
    write_splits(tmp_path / "splits.csv", rows)
    assert (tmp_path / "splits.csv").read_text().splitlines()[:2] == ["path,label,case_id,split", "0_0,a,case0,train"]
    assert load_splits(tmp_path / "splits.csv") == {"0_0": "train", "0_1": "train", "1_0": "test"}
    (tmp_path / "splits.csv").write_text("path,fold\na,1\n")
    with pytest.raises(BadInput, match="lacks the columns"):
        load_splits(tmp_path / "splits.csv")
