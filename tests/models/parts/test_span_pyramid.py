"""The pyramid of a slide: its floors, and weights carried down to the patches."""

import pickle
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from saccade.core.bags import BagIndex, Bags
from saccade.core.errors import BadInput
from saccade.models.parts.span_pyramid import Compatibility, Pyramid, pyramid_of, span_pyramid, with_pyramid
from tests.ops.sparse_grids import NONE, SLIDES

SEVERAL = SLIDES["several"]
LENGTHS = tuple(map(len, SEVERAL))
CELLS = torch.cat(SEVERAL)


@pytest.mark.parametrize("compatibility", ["correct", "released"])
def test_extents_halve_evenly_and_every_patch_has_its_cell(compatibility: Compatibility) -> None:
    pyramid = span_pyramid(CELLS, LENGTHS, compatibility)
    low, middle, high = (stage.grid for stage in pyramid.stages)
    assert low.extents.equal(2 * middle.extents)
    assert low.extents.equal(4 * high.extents)
    assert len(pyramid.patch) == len(CELLS)
    assert (high.sentinel.sum() > 0) == (compatibility == "released")
    features = torch.randn(len(CELLS), 3)
    entered = pyramid.entered(features)
    assert entered[pyramid.patch].equal(features)
    assert float(entered.abs().sum()) == pytest.approx(float(features.abs().sum()), rel=1e-5)


@pytest.mark.parametrize("compatibility", ["correct", "released"])
def test_weights_are_shared_evenly_among_the_patches_of_a_cell(compatibility: Compatibility) -> None:
    pyramid = span_pyramid(CELLS, LENGTHS, compatibility)
    weights = tuple(torch.rand(len(stage.grid)) for stage in pyramid.stages)
    wanted = torch.zeros(len(CELLS))
    for patch, cell in enumerate(pyramid.patch.tolist()):
        share = torch.tensor(1.0)
        wanted[patch] += weights[0][cell]
        for stage, own in zip(pyramid.stages[1:], weights[1:], strict=True):
            assert stage.condensed is not None
            cell = int(stage.condensed.parent[cell])
            share = share / stage.condensed.counts[cell]
            wanted[patch] += share * own[cell]
    wanted = torch.cat([slide / slide.sum() for slide in wanted.split(LENGTHS)])
    found = pyramid.spread(weights)
    assert torch.allclose(found, wanted, atol=1e-6)
    assert all(abs(float(slide.sum()) - 1) < 1e-5 for slide in found.split(LENGTHS) if len(slide))


def test_where_nothing_weighs_all_patches_weigh_alike() -> None:
    pyramid = span_pyramid(CELLS[:4], (1, 3))
    found = pyramid.spread(tuple(torch.zeros(len(stage.grid)) for stage in pyramid.stages))
    assert found.tolist() == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3])


@pytest.mark.parametrize("compatibility", ["correct", "released"])
def test_slides_without_tissue(compatibility: Compatibility) -> None:
    pyramid = span_pyramid(NONE, (0, 0), compatibility)
    assert [len(stage.grid) for stage in pyramid.stages] == ([4] * 3 if compatibility == "released" else [0] * 3)
    assert len(pyramid.spread(tuple(torch.zeros(len(stage.grid)) for stage in pyramid.stages))) == 0


def test_the_release_has_sentinels_and_skips_the_shift_of_multiples_of_6() -> None:
    cells = torch.cartesian_prod(torch.arange(6), torch.arange(6))  # padded to 12 × 12
    for stage, other in zip(
        span_pyramid(cells, (36,)).stages, span_pyramid(cells, (36,), "released").stages, strict=True
    ):
        assert stage.sentinel is None
        assert other.sentinel is not None and int(other.sentinel.sum()) == 2
        even = bool((other.grid.extents % 6 == 0).all())
        assert bool((other.windows.neighbours[:, 4:] >= 0).any()) != even or not even
    assert (span_pyramid(cells, (36,)).stages[0].windows.neighbours[:, 4:] >= 0).any()
    assert not (span_pyramid(cells, (36,), "released").stages[0].windows.neighbours[:, 4:] >= 0).any()


def same(first: Any, second: Any) -> bool:
    """Whether two indices are alike down to the type of every tensor."""
    if isinstance(first, Tensor):
        return isinstance(second, Tensor) and first.dtype == second.dtype and first.equal(second)
    if is_dataclass(first):
        return all(same(getattr(first, field.name), getattr(second, field.name)) for field in fields(first))
    if isinstance(first, tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


@pytest.mark.parametrize("compatibility", ["correct", "released"])
@pytest.mark.parametrize("slides", [name for name, cells in SLIDES.items() if cells])
def test_joined_pyramids_are_what_is_built_for_all_slides_at_once(slides: str, compatibility: Compatibility) -> None:
    several = (*SLIDES[slides], *SEVERAL, *SLIDES[slides])
    together = span_pyramid(torch.cat(several), tuple(map(len, several)), compatibility)
    alone = [span_pyramid(cells, (len(cells),), compatibility) for cells in several]
    assert same(Pyramid.concatenate(alone), together)
    halves = [Pyramid.concatenate(alone[:2]), Pyramid.concatenate(alone[2:])]
    assert same(Pyramid.concatenate(halves), together)


def test_a_pyramid_travels_between_processes_and_devices() -> None:
    pyramid = span_pyramid(CELLS, LENGTHS)
    assert isinstance(pyramid, BagIndex)
    assert same(pickle.loads(pickle.dumps(pyramid)), pyramid)
    assert same(pyramid.to("cpu"), pyramid)
    away = pyramid.to("meta")
    assert {away.patch.device.type, away.stages[1].windows.tokens.device.type} == {"meta"}
    assert away.stages[1].condensed is not None and away.stages[1].condensed.grid is away.stages[1].grid


def test_pyramids_of_both_geometries_are_not_joined() -> None:
    with pytest.raises(BadInput, match="geometries"):
        Pyramid.concatenate([span_pyramid(CELLS, LENGTHS), span_pyramid(CELLS, LENGTHS, "released")])


def test_a_kept_pyramid_serves_as_long_as_it_is_of_these_cells() -> None:
    kept = with_pyramid(Bags(torch.rand(len(CELLS), 2), CELLS, LENGTHS))
    assert pyramid_of(kept) is kept.index
    assert pyramid_of(Bags(kept.features, CELLS + 40, LENGTHS, index=kept.index)) is kept.index
    assert pyramid_of(kept, "released").compatibility == "released"
    other = pyramid_of(Bags(kept.features, CELLS.flip(1), LENGTHS, index=kept.index))
    assert same(other, span_pyramid(CELLS.flip(1), LENGTHS))
    assert not kept.index.fits(CELLS, LENGTHS[::-1])  # type: ignore[union-attr]
