"""Draws by case: shares are met where cases allow it, and the rank decides where they are too few."""

from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from saccade.core.manifest import Row
from saccade.core.stratification import Cases, distribute

HALVES = {"here": 0.5, "there": 0.5}


def make_cases(cases: list[tuple[str, int]]) -> Cases:
    return Cases(
        Row(Path(f"{case}_{image}"), label, case_id=f"c{case:02}")
        for case, (label, count) in enumerate(cases)
        for image in range(count)
    )


def test_cases_are_counted() -> None:
    rows = [Row(Path("1"), "a", case_id="p"), Row(Path("2"), "b", case_id="p"), Row(Path("3"), "b", name="alone")]
    cases = Cases(rows)
    assert cases.names == ["alone", "p"], "an image without a case is one by itself"
    assert (cases.size("p"), cases.labels["p"]) == (2, Counter(a=1, b=1))
    assert cases.of_label == {"a": {"p"}, "b": {"alone", "p"}}


def test_shares_are_met_by_single_images() -> None:
    cases = make_cases([("a", 1)] * 30 + [("b", 1)] * 10)
    drawn = distribute(cases, {"most": 0.8, "rest": 0.2}, {"most": 0, "rest": 1}, seed=3)
    found = Counter((drawn[name], next(iter(cases.labels[name]))) for name in cases.names)
    assert found == {("most", "a"): 24, ("rest", "a"): 6, ("most", "b"): 8, ("rest", "b"): 2}


def test_the_rank_decides_where_cases_are_few() -> None:
    cases = make_cases([("a", 5)])
    for first in HALVES:
        rank = {part: int(part != first) for part in HALVES}
        assert distribute(cases, HALVES, rank, seed=0) == {"c00": first}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 5)), min_size=2, max_size=20), st.integers(0, 4))
def test_every_case_is_placed_once_and_a_label_of_two_cases_twice(cases: list[tuple[str, int]], seed: int) -> None:
    found = make_cases(cases)
    drawn = distribute(found, HALVES, dict.fromkeys(HALVES, 0), seed)
    assert sorted(drawn) == found.names
    for names in found.of_label.values():
        assert len({drawn[name] for name in names}) == min(2, len(names))
