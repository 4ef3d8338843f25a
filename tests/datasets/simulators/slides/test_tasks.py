"""The tasks: counts of kinds never tell the label, and without the part in question nothing does."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch

from saccade.core.bags import Bags
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
from saccade.models import create_model
from saccade.models.span import Span
from saccade.ops.slide_grid import placed

OFFSET = [task for offset in (0, 4) for task in (ShiftTask(offset=offset), PyramidTask(offset=offset))]
VARIANTS = [*TASKS.values(), ShiftTask(relation="kinds"), PyramidTask(rows=8), GlobalTask(cores=2), *OFFSET]
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


def marked(task: GlobalTask, tops: tuple[bool, ...]) -> PatchGrid:
    """Cores that differ in nothing but which kind is on top of their markers."""
    columns, rows, cores = np.arange(task.columns), np.arange(task.rows), np.arange(task.cores) * task.pitch
    cells = np.stack(np.meshgrid(columns, (cores[:, None] + rows).ravel()), -1).reshape(-1, 2)
    kinds = np.where(cells[:, 0] == 4, 2 + (cells[:, 1] % 2 == np.repeat(tops, task.columns * task.rows)), 0)
    return PatchGrid(cells, kinds, CLASSES[0], ("a", "b", "c", "d"))


def test_no_local_token_knows_two_cores_even_after_a_third_layer() -> None:
    grid = moved(marked(GlobalTask(columns=8, rows=4), (True, True, False)), 2)
    known = fields(cells_of(grid), (1, 2, 4), True)
    assert max(len({y // 72 for _, y in field}) for field in known.values()) == 1
    close = {(x, y if y < 72 else y - 40) for x, y in cells_of(grid)}  # what if the second core were nearer?
    assert max(len({y // 36 for _, y in field}) for field in fields(close, (1, 2, 4), True).values()) > 1


def test_the_mean_of_local_tokens_is_linear_in_what_is_counted() -> None:
    task = GlobalTask()
    for ablation, linear in (("no-global-token", True), ("none", False)):
        model, tokens = spanned(ablation, 0), []
        for count in range(4):
            bags = bagged(marked(task, tuple(core < count for core in range(3))))
            tokens.append(model.aggregate.tokens(bags.features, model.pyramid(bags))[-1].token)
        bends = torch.stack(tokens).diff(dim=0).diff(dim=0).abs().max().item()
        assert (bends < 1e-12) == linear


def test_global_labels_are_counts() -> None:
    for cores, counts in ((2, {True: {0, 2}, False: {1}}), (3, {True: {0, 2}, False: {1, 3}})):
        for same in (True, False):
            found = Counter()
            for seed in range(400):
                marks = GlobalTask(cores=cores).marks(same, np.random.default_rng(seed))
                tops = [{mark.bit for mark in core if mark.row % 2 == 0} for core in marks]
                assert all(len(top) == 1 for top in tops)
                found[sum(0 in top for top in tops)] += 1
            assert set(found) == counts[same] and min(found.values()) > 160


def spanned(ablation: str, seed: int) -> Span:
    """SPAN with weights anywhere but where training begins."""
    torch.manual_seed(seed)
    model = create_model("span", CLASSES, in_features=4, width=16, heads=2, ablation=ablation).double().eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.6)
    assert isinstance(model, Span)
    return model


def bagged(grid: PatchGrid) -> Bags:
    """A grid with features that tell kinds apart and nothing else."""
    features = torch.eye(4, dtype=torch.double)[torch.from_numpy(grid.kinds)]
    return Bags(features, torch.from_numpy(grid.cells), (len(grid),))


@pytest.mark.parametrize("task", [*TASKS.values(), ShiftTask(relation="kinds")], ids=str)
def test_what_lacks_the_part_gives_both_classes_the_same_logits(task: LatticeTask) -> None:
    blind = {"shift": {"no-shift"}, "pyramid": {"no-pyramid", "no-shift"}, "global": set()}[task.name]
    for ablation in ("none", "no-shift", "no-pyramid"):
        for seed in range(3):
            model = spanned(ablation, seed)
            with torch.no_grad():
                different, same = (model(bagged(grid)).logits for grid in pair(task, seed))
            assert ((different - same).abs().max().item() < 1e-12) == (ablation in blind)


def test_marks_lie_where_span_lays_its_windows() -> None:
    for task in TASKS.values():
        grid = bagged(pair(task, 0)[0])
        assert (placed(grid.cells, grid.lengths).cells.min(0).values == task.offset).all()


def test_either_hidden_state_is_as_likely() -> None:
    for task in VARIANTS:
        if task.name == "global":
            continue  # its counts are tested above
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
    with pytest.raises(BadInput, match="24×8 or more"):
        ShiftTask(rows=4)
    with pytest.raises(BadInput, match="steps of 4"):
        PyramidTask(rows=6)
    with pytest.raises(BadInput, match="0, 2 or 4"):
        PyramidTask(offset=3)
    with pytest.raises(BadInput, match="8×4"):
        GlobalTask(columns=4)
    with pytest.raises(BadInput, match="necrosis"):
        GlobalTask(necrosis=1.0)
    with pytest.raises(BadInput, match="2 or 3"):
        GlobalTask(cores=4)
