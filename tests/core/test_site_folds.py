"""Site-preserved folds: no site is cut, every class stays trained, and no division found by hand is more even."""

import random
from itertools import product
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.core.manifest import Row
from saccade.core.site_folds import Division, fold_sites
from saccade.core.stratification import Cases

ODD = {"x": {"a": 2, "b": 2}, "y": {"a": 2, "c": 2}, "z": {"b": 2, "c": 2}}
"""Any two sites in one fold hold all there is of a class."""


def make_rows(sites: dict[str, dict[str, int]]) -> list[Row]:
    """Rows of sites with so many images of each label, two images a case."""
    return [
        Row(Path(f"{site}_{label}_{image}"), label, case_id=f"{site}_{label}_{image // 2}", site=site)
        for site, counts in sites.items()
        for label, count in counts.items()
        for image in range(count)
    ]


def sites_of(rows: list[Row]) -> Cases:
    return Cases(Row(row.path, row.label, case_id=row.site) for row in rows)


def cost_by_hand(sites: dict[str, dict[str, int]], fold_of: dict[str, int], folds: int) -> float | None:
    """The unevenness from its definition; None where a fold is empty or holds all of a class."""
    labels = {label for counts in sites.values() for label, count in counts.items() if count}
    total = {label: sum(counts.get(label, 0) for counts in sites.values()) for label in labels}
    cost = 0.0
    for fold in range(folds):
        inside = [counts for site, counts in sites.items() if fold_of[site] == fold]
        held = {label: sum(counts.get(label, 0) for counts in inside) for label in labels}
        if not any(held.values()) or any(held[label] == total[label] for label in labels):
            return None
        cost += sum((held[label] / total[label] - 1 / folds) ** 2 for label in labels)
    return cost


def best_by_enumeration(sites: dict[str, dict[str, int]], folds: int) -> float | None:
    costs = (
        cost_by_hand(sites, dict(zip(sites, chosen, strict=True)), folds)
        for chosen in product(range(folds), repeat=len(sites))
    )
    return min((cost for cost in costs if cost is not None), default=None)


some_sites = st.lists(st.tuples(*[st.integers(0, 6)] * 3), min_size=2, max_size=6)


@given(some_sites, st.integers(2, 3), st.integers(0, 2))
def test_no_site_is_cut_and_every_class_is_trained(counts: list[tuple[int, int, int]], folds: int, seed: int) -> None:
    sites = {f"s{n}": {label: c for label, c in zip("abc", each, strict=True) if c} for n, each in enumerate(counts)}
    assume(all(sites.values()))
    rows, best = make_rows(sites), best_by_enumeration(sites, folds)
    try:
        fold_of = fold_sites(rows, folds, seed)
    except BadInput:
        assert best is None, "there is a way to keep every class trained"
        return
    assert best is not None
    of_site: dict[str, set[int]] = {site: set() for site in sites}
    for row in rows:
        of_site[row.site].add(fold_of[row.case])
    assert all(len(found) == 1 for found in of_site.values())
    cost = cost_by_hand(sites, {site: next(iter(found)) for site, found in of_site.items()}, folds)
    assert cost is not None
    assert cost <= best + 0.1, "swaps find the best there is, or nearly"


def test_far_more_even_than_sites_in_any_order() -> None:
    """Twenty-four sites of unlike sizes and mixtures, as in a large archive."""
    dice = random.Random(1)
    sites = {f"s{n:02}": {"a": dice.randint(1, 40), "b": dice.randint(0, 20) or 1} for n in range(24)}
    rows = make_rows(sites)
    fold_of = fold_sites(rows, 4)
    cost = cost_by_hand(sites, {row.site: fold_of[row.case] for row in rows}, 4)
    by_turns = cost_by_hand(sites, {site: n % 4 for n, site in enumerate(sites)}, 4)
    assert cost is not None and by_turns is not None
    assert cost < 0.001 < 0.01 < by_turns


def test_the_costs_are_those_of_the_definition_after_every_change() -> None:
    dice = random.Random(2)
    sites = {f"s{n}": {label: dice.randint(1, 9) for label in "abc"} for n in range(9)}
    drawn = {site: n % 3 for n, site in enumerate(sites)}
    division = Division(sites_of(make_rows(sites)), drawn, 3)
    assert division.cost() == pytest.approx(cost_by_hand(sites, drawn, 3))
    division.improve()
    assert division.fold_of != drawn
    assert division.cost() == pytest.approx(cost_by_hand(sites, division.fold_of, 3))


def test_the_order_of_rows_does_not_matter_and_the_seed_does() -> None:
    rows = make_rows({f"s{n}": {"a": 2, "b": 2} for n in range(9)})
    assert fold_sites(rows, 3) == fold_sites(rows[::-1], 3)
    assert len({tuple(sorted(fold_sites(rows, 3, seed).items())) for seed in range(5)}) > 1


@pytest.mark.parametrize(
    ("sites", "folds", "message"),
    [
        ({"x": {"a": 2, "b": 2}, "y": {"a": 2, "b": 2}}, 3, "3 folds cannot keep 2 sites whole"),
        ({"x": {"a": 2, "b": 2}, "y": {"a": 2, "b": 2}}, 1, "from 2 to 2"),
        ({"x": {"a": 2, "b": 2}}, 2, "2 folds cannot keep 1 site whole"),
        ({"x": {"a": 2, "b": 2}, "y": {"a": 2}, "z": {"a": 2}}, 2, "all images of 'b' are of the site 'x'"),
        (
            {"x": {"a": 2, "b": 2}, "y": {"a": 2, "c": 2}, "z": {"b": 2, "c": 2}},
            2,
            "leave no image of '[abc]' to train",
        ),
    ],
)
def test_what_no_division_can_do_is_refused(sites: dict[str, dict[str, int]], folds: int, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        fold_sites(make_rows(sites), folds)
    assert caught.value.remedy and "\n" not in str(caught.value)


def test_three_sites_that_two_folds_cannot_keep_trained_make_three_folds() -> None:
    rows = make_rows(ODD)
    fold_of = fold_sites(rows, 3)
    assert sorted({fold_of[row.case] for row in rows}) == [0, 1, 2]


def test_every_row_has_one_site_a_case() -> None:
    rows = make_rows({"x": {"a": 2, "b": 2}, "y": {"a": 2, "b": 2}})
    bare = Row(Path("bare"), "a", line=7)
    with pytest.raises(BadInput, match=r"bare \(row 7\): has no site"):
        fold_sites([*rows, bare], 2)
    moved = Row(Path("moved"), "a", case_id=rows[0].case, site="y")
    with pytest.raises(BadInput, match="case 'x_a_0' is of site 'y', but of 'x'"):
        fold_sites([*rows, moved], 2)
