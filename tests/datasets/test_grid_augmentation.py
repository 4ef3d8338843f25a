"""Slides moved about on their grid: one to one, near the exact place, and as a plain loop would."""

import math

import pytest
import torch
from torch import Tensor

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.core.results import Cost
from saccade.datasets.grid_augmentation import GridAugmentation, GridMoves, moved
from tests.ops.sparse_grids import NONE, SLIDES

FARTHEST = 2.1


def bags(slides: tuple[Tensor, ...]) -> Bags:
    cells = torch.cat([*slides, NONE])
    return Bags(torch.rand(len(cells), 3), cells, tuple(map(len, slides)))


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def middles(cells: Tensor) -> tuple[int, int]:
    return tuple((min(axis) + (max(axis) - min(axis)) // 2) for axis in zip(*cells.tolist(), strict=True))


def looped(cells: Tensor, lengths: tuple[int, ...], moves: GridMoves) -> list[list[int]]:
    """One patch after the other, with Python's numbers."""

    def whole(value: float) -> int:
        return math.floor(value + 0.5)

    found = []
    for slide, own in enumerate(cells.split(lengths)):
        angle = float(moves.angle[slide])
        for column, row in own.tolist():
            across, down = middles(own)
            x, y = (column - across) * int(moves.mirror[slide, 0]), (row - down) * int(moves.mirror[slide, 1])
            x += whole(float(moves.slant[slide, 0]) * y)
            y += whole(float(moves.slant[slide, 1]) * x)
            for _ in range(int(moves.quarters[slide])):
                x, y = -y, x
            x -= whole(math.tan(angle / 2) * y)
            y += whole(math.sin(angle) * x)
            x -= whole(math.tan(angle / 2) * y)
            found.append([x + across, y + down])
    return found


def exact(own: Tensor, moves: GridMoves, slide: int) -> Tensor:
    """Where the patches of a slide belong before any rounding."""
    angle = float(moves.angle[slide]) + math.pi / 2 * int(moves.quarters[slide])
    along, across = moves.slant[slide].tolist()
    mirror = torch.diag(moves.mirror[slide].double())
    shear = torch.tensor([[1.0, 0], [across, 1]]).double() @ torch.tensor([[1.0, along], [0, 1]]).double()
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]).double()
    return (own - torch.tensor(middles(own))).double() @ (turn @ shear @ mirror).T


@pytest.mark.parametrize("slides", [name for name, cells in SLIDES.items() if cells])
@pytest.mark.parametrize("seed", range(5))
def test_no_two_patches_meet_and_a_loop_says_the_same(slides: str, seed: int) -> None:
    given = bags(SLIDES[slides])
    moves = GridAugmentation(probability=1.0).drawn(len(given), dice(seed), 0.0)
    found = moved(given.cells, given.lengths, moves)
    assert found.tolist() == looped(given.cells, given.lengths, moves)
    for own in found.split(given.lengths):
        assert len(own.unique(dim=0)) == len(own)


@pytest.mark.parametrize("seed", range(20))
def test_a_patch_ends_near_its_exact_place(seed: int) -> None:
    cells = torch.cartesian_prod(torch.arange(-40, 60), torch.arange(90))
    moves = GridAugmentation(probability=1.0).drawn(1, dice(seed), 0.0)
    found = moved(cells, (len(cells),), moves)
    away = (found - torch.tensor(middles(cells)) - exact(cells, moves, 0)).norm(dim=1)
    assert away.max() < FARTHEST
    assert away.mean() < 0.75
    assert (found != cells).any(1).double().mean() > 0.5


def test_the_bound_holds_for_the_steepest_moves() -> None:
    cells = torch.cartesian_prod(torch.arange(100), torch.arange(100))
    for sign in (-1, 1):
        for quarters in range(4):
            for slant in ((math.tan(math.radians(10)), 0.0), (0.0, -math.tan(math.radians(10)))):
                mirror, turns = torch.tensor([[1, -1]]), torch.tensor([quarters])
                angle = torch.tensor([sign * math.radians(30)]).double()
                moves = GridMoves(mirror, torch.tensor([slant]).double(), turns, angle)
                found = moved(cells, (len(cells),), moves) - torch.tensor(middles(cells))
                assert (found - exact(cells, moves, 0)).norm(dim=1).max() < FARTHEST


def test_where_nothing_is_drawn_nothing_moves() -> None:
    given = bags(SLIDES["several"])
    assert GridAugmentation(probability=0.0)(given, dice(), 0.0).cells.equal(given.cells)
    assert GridAugmentation(last=0.0)(given, dice(), 1.0).cells.equal(given.cells)
    still = GridAugmentation(probability=1.0, shear=0.0, turn=0.0).drawn(50, dice(), 0.0)
    assert (still.slant == 0).all()
    assert (still.angle == 0).all()


def test_features_boxes_and_cost_stay() -> None:
    given = bags(SLIDES["several"])
    given = Bags(given.features, given.cells, given.lengths, given.boxes, Cost(*torch.rand(5, len(given))))
    found = GridAugmentation()(given, dice(), 0.0)
    assert found.features is given.features
    assert found.boxes is given.boxes
    assert found.recorded is given.recorded
    assert found.lengths == given.lengths
    assert not found.cells.equal(given.cells)


def test_slides_draw_moves_of_their_own_from_the_dice_alone() -> None:
    (cells,) = SLIDES["blobs"]
    given = bags((cells, cells, cells))
    found = GridAugmentation(probability=1.0)(given, dice(), 0.0)
    assert GridAugmentation(probability=1.0)(given, dice(), 0.0).cells.equal(found.cells)
    first, second, third = found.cells.split(given.lengths)
    assert not first.equal(second)
    assert not second.equal(third)


@pytest.mark.parametrize("step", [(1, 0), (-37, 5), (2**50, -(2**50))])
def test_where_the_lattice_begins_does_not_matter(step: tuple[int, int]) -> None:
    given = bags(SLIDES["several"])
    there = Bags(given.features, given.cells + torch.tensor(step), given.lengths)
    found, other = (GridAugmentation(probability=1.0)(each, dice(1), 0.0).cells for each in (given, there))
    assert (found + torch.tensor(step)).equal(other)


@pytest.mark.parametrize(("progress", "chance"), [(0.0, 0.75), (0.5, 0.45), (1.0, 0.15)])
def test_each_change_is_drawn_as_often_as_it_should(progress: float, chance: float) -> None:
    moves = GridAugmentation().drawn(20_000, dice(), progress)
    sheared, turned = (moves.slant != 0).any(1), moves.angle != 0
    mirrored = (moves.mirror < 0).double().mean(0)
    assert float(sheared.double().mean()) == pytest.approx(chance, abs=0.015)
    assert float(turned.double().mean()) == pytest.approx(chance, abs=0.015)
    assert mirrored.tolist() == pytest.approx([chance / 2] * 2, abs=0.015)
    assert float((sheared & turned).double().mean()) == pytest.approx(chance**2, abs=0.015)
    assert float(moves.slant.abs().max()) <= math.tan(math.radians(10))
    assert float(moves.angle.abs().max()) <= math.radians(30)
    for quarter in range(4):
        assert float((moves.quarters[turned] == quarter).double().mean()) == pytest.approx(0.25, abs=0.03)
    assert (moves.quarters[~turned] == 0).all()
    assert not ((moves.slant != 0).all(1)).any()


def test_the_probability_fades_in_a_line_or_along_a_cosine() -> None:
    line, cosine = GridAugmentation(), GridAugmentation(fading="cosine")
    assert [line.chance(p) for p in (0, 0.25, 1)] == pytest.approx([0.75, 0.6, 0.15])
    assert [cosine.chance(p) for p in (0, 0.5, 1)] == pytest.approx([0.75, 0.45, 0.15])
    assert cosine.chance(0.25) == pytest.approx(0.75 * (0.2 + 0.8 * (1 + math.sqrt(0.5)) / 2))


@pytest.mark.parametrize("options", [{"probability": 1.5}, {"shear": 50.0}, {"turn": -1.0}, {"last": 2.0}])
def test_what_cannot_be_drawn_is_one_line(options: dict[str, float]) -> None:
    with pytest.raises(BadInput, match=r"0 to (1|45)"):
        GridAugmentation(**options)
