"""The tasks: counts of kinds never tell the label, and without the part in question nothing does."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.datasets.simulators.slides.patch_grids import PatchGrid
from saccade.datasets.simulators.slides.tasks import (
    CLASSES,
    TASKS,
    GlobalTask,
    LatticeTask,
    PyramidTask,
    ShiftTask,
    draw_grids,
)

OFFSET = [task for offset in (2, 4) for task in (ShiftTask(offset=offset), PyramidTask(offset=offset))]
VARIANTS = [*TASKS.values(), ShiftTask(relation="kinds"), *OFFSET]
SEEDS = range(6)

Reach = Callable[[int], set[int]]
"""Which places along one axis a place takes part with."""


def pair(task: LatticeTask, seed: int) -> tuple[PatchGrid, PatchGrid]:
    """The slides of both classes that one state of the generator gives."""
    different, same = (task.draw(label, np.random.default_rng(seed)) for label in CLASSES)
    return different, same


def window(place: int, side: int, start: int) -> range:
    low = (place - start) // side * side + start
    return range(low, low + side)


def seen_from(cells: set[tuple[int, int]], scale: int, shifted: bool) -> dict[tuple[int, int], set[tuple[int, int]]]:
    """Which patches share a 6×6 window with each, after patches were condensed `scale` to a side."""
    side, starts = 6 * scale, (0, -3 * scale) if shifted else (0,)
    groups: list[dict[tuple[int, int], set[tuple[int, int]]]] = []
    for start in starts:
        group: dict[tuple[int, int], set[tuple[int, int]]] = {}
        for x, y in cells:
            group.setdefault((window(x, side, start)[0], window(y, side, start)[0]), set()).add((x, y))
        groups.append(group)
    return {
        (x, y): set().union(
            *(group[window(x, side, s)[0], window(y, side, s)[0]] for group, s in zip(groups, starts, strict=True))
        )
        for x, y in cells
    }  # fmt: skip


def fields(
    cells: set[tuple[int, int]], scales: tuple[int, ...], shifted: bool
) -> dict[tuple[int, int], set[tuple[int, int]]]:
    """What each patch knows of after layers of local attention at these scales, by brute force."""
    known = {cell: {cell} for cell in cells}
    for scale in scales:
        shared = seen_from(cells, scale, shifted)
        known = {cell: set().union(*(known[other] for other in shared[cell])) for cell in cells}
    return known


def contents(grid: PatchGrid, known: dict[tuple[int, int], set[tuple[int, int]]], phase: int = 12) -> Counter:
    """What patches know, as a bag: places relative to their own window of 12, kinds, nothing absolute."""
    kinds = {tuple(cell): kind for cell, kind in zip(grid.cells.tolist(), grid.kinds.tolist(), strict=True)}
    bag: Counter = Counter()
    for (x, y), field in known.items():
        left, top = x // phase * phase, y // phase * phase
        bag[x - left, y - top, frozenset((a - left, b - top, kinds[a, b]) for a, b in field)] += 1
    return bag


def cells_of(grid: PatchGrid) -> set[tuple[int, int]]:
    return {(x, y) for x, y in grid.cells.tolist()}


def moved(grid: PatchGrid, offset: int) -> PatchGrid:
    return PatchGrid(grid.cells + offset, grid.kinds, grid.label, grid.names)


@pytest.mark.parametrize("task", VARIANTS, ids=str)
def test_counts_of_kinds_are_the_same_in_both_classes(task: LatticeTask) -> None:
    for seed in range(40):
        different, same = pair(task, seed)
        assert different.counts() == same.counts()
        assert (different.kinds != same.kinds).any()


@pytest.mark.parametrize("task", VARIANTS, ids=str)
def test_grids(task: LatticeTask) -> None:
    labels = Counter()
    for grid in draw_grids(task, 20, seed=1):
        labels[grid.label] += 1
        assert len(grid) <= 480 and len(np.unique(grid.cells, axis=0)) == len(grid)
        assert grid.cells.min(0).tolist() == [0, 0] and grid.cells.dtype == grid.kinds.dtype == np.int64
    assert labels == {"different": 10, "same": 10}
    assert all(len(task.draw("same", np.random.default_rng(0))) <= 400 for task in TASKS.values())


@pytest.mark.parametrize("task", [task for task in VARIANTS if isinstance(task, ShiftTask)], ids=str)
def test_without_the_shift_both_classes_are_made_of_the_same_windows(task: ShiftTask) -> None:
    for seed in SEEDS:
        bags = []
        for shifted in (False, True):
            different, same = (moved(grid, task.offset) for grid in pair(task, seed))
            known = fields(cells_of(different), (1, 2), shifted)  # two layers, the second condensed
            bags.append(contents(different, known) == contents(same, known))
        assert bags == [True, False]


def test_condensing_erases_the_rows() -> None:
    for seed in SEEDS:
        maps = []
        for grid in pair(ShiftTask(), seed):
            blocks = Counter()
            for (x, y), kind in zip(grid.cells.tolist(), grid.kinds.tolist(), strict=True):
                if kind >= 2:
                    blocks[x // 2, y // 2, kind] += 1
            maps.append(blocks)
        assert maps[0] == maps[1]


@pytest.mark.parametrize("task", [task for task in VARIANTS if isinstance(task, PyramidTask)], ids=str)
def test_without_the_pyramid_no_patch_knows_both_ends(task: PyramidTask) -> None:
    for seed in SEEDS:
        different, same = (moved(grid, task.offset) for grid in pair(task, seed))
        cells = cells_of(different)
        flat, pyramid = fields(cells, (1, 1), True), fields(cells, (1, 2), True)
        assert contents(different, flat) == contents(same, flat)
        assert contents(different, pyramid) != contents(same, pyramid)
        condensed = seen_from(cells, 2, True)  # one look after condensing is enough
        ends = {tuple(c) for c, k in zip(same.cells.tolist(), same.kinds.tolist(), strict=True) if k >= 2 and c[1] < 16}
        assert len(ends) == 8 and any(ends <= field for field in condensed.values())


def test_no_local_token_and_no_sum_of_them_tells_the_global_label() -> None:
    task, found = GlobalTask(), {}
    background = np.zeros((task.rows, task.columns), int)
    for seed in range(400):  # both variants of either class, markers in the same rows
        for same in (False, True):
            (marks,) = task.marks(same, np.random.default_rng(seed))
            if {mark.row for mark in marks} == {2, 3, 4, 5} and marks[0].row == 2:
                found[same, marks[0].bit] = marks
    assert len(found) == 4
    sums = {False: Counter(), True: Counter()}
    for (same, _), marks in found.items():
        kinds = background.copy()
        for mark in marks:
            kinds[mark.row, mark.column] = 2 + mark.bit
        places = np.stack(np.meshgrid(np.arange(task.columns), np.arange(task.rows)), -1).reshape(-1, 2)
        grid = PatchGrid(places, kinds.ravel(), CLASSES[same], ("a", "b", "c", "d"))
        sums[same] += contents(grid, fields(cells_of(grid), (1, 2), True), phase=48)  # even where it knows its place
    assert sums[False] == sums[True]


def test_either_hidden_state_is_as_likely() -> None:
    for task in VARIANTS:
        firsts = Counter(task.marks(True, np.random.default_rng(seed))[0][0] for seed in range(600))
        bits = Counter((mark.bit, mark.row % 2) for mark in firsts.elements())
        assert len(bits) == 2 and min(bits.values()) > 240


def test_slides_do_not_depend_on_their_number() -> None:
    few, many = (list(draw_grids(TASKS["pyramid"], count, seed=3)) for count in (3, 7))
    for one, other in zip(few, many, strict=False):
        np.testing.assert_array_equal(one.kinds, other.kinds)
    assert (few[0].kinds != next(draw_grids(TASKS["pyramid"], 1, seed=4)).kinds).any()


def test_bad_input() -> None:
    with pytest.raises(BadInput, match="no class"):
        ShiftTask().draw("left", np.random.default_rng(0))
    with pytest.raises(BadInput, match="24×8|24×4"):
        ShiftTask(rows=4)
    with pytest.raises(BadInput, match="0, 2 or 4"):
        PyramidTask(offset=3)
    with pytest.raises(BadInput, match="46"):
        GlobalTask(columns=40)
