"""Selections without parameters, against loops that do the same slowly."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.imaging.pixel_store import PixelStore
from saccade.imaging.preprocessing import Preprocessing
from saccade.imaging.rasters import Rasters
from saccade.imaging.stack import Stack
from saccade.imaging.views import FieldAugmentation, RasterView
from saccade.models.parts.field_images import stored_steps
from saccade.models.parts.field_selections import (
    OraclePatches,
    StainPatches,
    UniformPatches,
    even_places,
    spaced_best,
)
from saccade.models.parts.patch_places import boxes_around
from tests.models.miniature_fields import fields


def slowly_spaced(scores: list[list[float]], count: int, reach: int) -> list[tuple[int, int]]:
    """Cell by cell: untaken before taken, then those that the fewest chosen ones are near to, the best, the first."""
    found: list[tuple[int, int]] = []
    cells = [(r, c) for r in range(len(scores)) for c in range(len(scores[0]))]

    def near(cell: tuple[int, int]) -> int:
        return sum(max(abs(cell[0] - r), abs(cell[1] - c)) <= reach for r, c in found)

    for _ in range(count):
        found.append(min(cells, key=lambda cell: (found.count(cell), near(cell), -scores[cell[0]][cell[1]], cell)))
    return found


@given(rows=st.integers(1, 6), columns=st.integers(1, 6), count=st.integers(1, 8), reach=st.integers(0, 3))
def test_spaced_best_against_a_loop(rows: int, columns: int, count: int, reach: int) -> None:
    scores = torch.randint(0, 5, (2, rows, columns)).float()
    found = spaced_best(scores, torch.ones_like(scores, dtype=torch.bool), count, reach)
    for image, chosen in zip(scores.tolist(), found.tolist(), strict=True):
        assert [tuple(cell) for cell in chosen] == slowly_spaced(image, count, reach)


def test_stain_patches_are_the_bluest_and_do_not_overlap() -> None:
    """On a field of one colour, three blue discs: two of them in one patch, which is then taken once."""
    values = torch.full((1, 3, 80, 80), 0.8)
    for x, y, blue in ((20, 20, 1.0), (24, 22, 0.99), (60, 61, 0.95)):
        values[:, 2, y - 3 : y + 3, x - 3 : x + 3] = blue
        values[:, 1, y - 3 : y + 3, x - 3 : x + 3] = 0.2
    middles = StainPatches(budget=2, factor=4, patch=20)(Stack(values))[0]
    assert ((middles - torch.tensor([[21, 21], [60, 60]])).abs() <= 4).all()
    many = StainPatches(budget=9, factor=4, patch=20)(Stack(torch.rand(2, 3, 80, 80)))
    boxes = boxes_around(many, 20)
    for image in boxes.tolist():
        for i, (x0, y0, _, _) in enumerate(image):
            assert all(abs(x0 - x1) >= 20 or abs(y0 - y1) >= 20 for x1, y1, _, _ in image[:i])


@pytest.mark.parametrize("zoom", [1.0, 2.0])
def test_stain_is_that_of_the_stored_values(zoom: float) -> None:
    """Over its own deviation, a channel that hardly varies would outweigh the other: the order of two places turns."""
    pixels = np.full((80, 80, 3), 200, np.uint8)
    pixels[8:32, 8:32] = (200, 150, 200)  # blue − green: 50
    pixels[48:72, 48:72] = (200, 200, 230)  # 30, of a channel whose deviation is a tenth of the other's
    normalise = Preprocessing(None, 3, mean=(0.5, 0.5, 0.5), std=(0.1, 0.3, 0.03)).normalise
    images = Rasters(PixelStore.of([pixels]), normalise)
    assert stored_steps(images) == pytest.approx([1 / 25.5, 1 / 76.5, 1 / 7.65])
    view = FieldAugmentation(flip=True, contrast=0.5, zoom=zoom)(images, torch.Generator().manual_seed(1))
    assert isinstance(view, RasterView)
    for source in (images, view):
        x, y = StainPatches(budget=1, factor=4, patch=12)(source)[0, 0].tolist()
        seen = view.to_source(torch.tensor([[[x, y, x, y]]]).double())[0, 0, :2].tolist() if source is view else [x, y]
        assert all(8 <= each < 32 for each in seen)


def test_stain_ignores_what_continues_a_small_image() -> None:
    images = fields()
    middles = StainPatches(budget=4, factor=4, patch=12)(images)
    assert (middles < images.extents.flip(1)[:, None]).all()
    with pytest.raises(BadInput, match="blue"):
        StainPatches(1, 4, 12)(Stack(torch.zeros(1, 2, 8, 8)))


def test_uniform_patches_are_uniform_while_training() -> None:
    select = UniformPatches(budget=4000, factor=4).train()
    middles = select(Stack(torch.zeros(1, 3, 12, 20)))[0]
    assert {tuple(each) for each in middles.tolist()} == {(4 * c + 2, 4 * r + 2) for r in range(3) for c in range(5)}
    counts = torch.unique(middles, dim=0, return_counts=True)[1]
    assert ((counts - 4000 / 15).abs() < 5 * (4000 / 15) ** 0.5).all()


@pytest.mark.parametrize("budget", [4, 5, 16, 20])
def test_the_spread_of_evaluation_is_even_and_each_place_uniform_over_seeds(budget: int) -> None:
    places = even_places(budget)
    apart = torch.cdist(places, places) + torch.eye(budget) * 9
    assert float(apart.min()) > 0.5 / budget**0.5  # independent draws of 20 come 5 times closer
    assert len({tuple(each) for each in (places * 2).long().tolist()}) == 4  # every quarter gets some
    first = torch.stack([even_places(budget, seed)[-1] for seed in range(400)])
    assert ((first.mean(0) - 0.5).abs() < 5 * (1 / 12 / 400) ** 0.5).all()


def test_quantiles_of_a_uniform_map_may_line_up_and_the_spread_does_not() -> None:
    images = Stack(torch.zeros(1, 3, 160, 160))
    middles = UniformPatches(budget=4, factor=5).eval()(images)[0]
    assert len(set(middles[:, 0].tolist())) == 4


def test_oracle_patches_lie_on_the_boxes_in_turn() -> None:
    images = fields()
    middles = OraclePatches(budget=3).eval()(images)
    assert middles[0].tolist() == [[10, 12], [37, 27], [37, 27]]
    assert middles[1].tolist() == [[15, 15]] * 3
    assert (middles[2] < torch.tensor([7, 5])).all()  # nothing is known to be there: read evenly
    assert OraclePatches(budget=2).eval()(images)[0].tolist() == [[10, 12], [37, 27]]
    drawn = OraclePatches(budget=200).train()(images)
    assert {tuple(each) for each in drawn[0].tolist()} == {(10, 12), (37, 27)}
    assert {tuple(each) for each in drawn[1].tolist()} == {(15, 15)}


def test_an_oracle_without_boxes_is_one_line() -> None:
    for images in (fields(boxes=False), Stack(torch.zeros(1, 3, 8, 8))):
        with pytest.raises(BadInput, match="truth boxes") as refused:
            OraclePatches(budget=3)(images)
        assert "\n" not in str(refused.value)
