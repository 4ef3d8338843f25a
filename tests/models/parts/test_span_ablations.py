"""Each ablation takes out what it says, and nothing else."""

from typing import get_args

import pytest
import torch
from torch import Tensor

from saccade.core.bags import Bags
from saccade.core.contract import ClassTargets
from saccade.models import create_model
from saccade.models.parts.cell_encoder import CellEncoder
from saccade.models.parts.condensations import Passage
from saccade.models.parts.refinement import Refinement
from saccade.models.parts.span_ablations import VARIANTS, Ablation, unshifted
from saccade.models.parts.span_encoder import SpanEncoder
from saccade.models.parts.span_pyramid import span_pyramid
from saccade.models.span import Span
from saccade.ops.slide_grid import SlideGrid
from saccade.ops.union_index import union_index
from saccade.ops.union_windows import union_window_attention
from tests.ops.sparse_grids import NONE, SLIDES, grid_of, sparse
from tests.ops.union_by_hand import drawn, literal

FEATURES = 64
CLASSES = ("a", "b")


def bags(*slides: Tensor) -> Bags:
    cells = torch.cat([*slides, NONE])
    return Bags(torch.randn(len(cells), FEATURES, dtype=torch.float64), cells, tuple(map(len, slides)))


def build(ablation: str) -> Span:
    torch.manual_seed(0)
    model = create_model("span", CLASSES, in_features=FEATURES, ablation=ablation).double().eval()
    assert isinstance(model, Span)
    return model


def first_cells(model: Span, given: Bags) -> Tensor:
    """The cells that the lowest stage leaves behind, patch by patch."""
    pyramid = model.pyramid(given)
    assert isinstance(model.aggregate, SpanEncoder)
    cells = model.aggregate(given.features, pyramid)[0].cells
    assert cells is not None
    return cells[pyramid.patch]


def regular_keys(grid: SlideGrid) -> list[list[int]]:
    """The keys of each cell, found by asking of every other cell whether it shares the regular window."""
    homes = list(zip(grid.slide.tolist(), *(grid.cells // 6).T.tolist(), strict=True))
    return [[other for other, home in enumerate(homes) if home == own] for own in homes]


@pytest.mark.parametrize("slides", [name for name, cells in SLIDES.items() if sum(map(len, cells)) < 200])
def test_without_shift_a_cell_attends_to_its_regular_window(slides: str) -> None:
    grid = grid_of(SLIDES[slides])
    parts = [part.detach() for part in drawn(len(grid))]
    found = union_window_attention(*parts, unshifted(union_index(grid)))
    assert torch.allclose(found, literal(*parts, grid, regular_keys(grid)), atol=1e-10, rtol=0)


def test_without_shift_nothing_crosses_the_edge_of_a_window() -> None:
    for ablation, crosses in (("none", True), ("no-shift", False)):
        model, seen = build(ablation), []
        for left in range(12):
            cells = torch.tensor([[left, 0], [left + 1, 0], [-20, 0], [40, 0]])
            given = Bags(torch.randn(4, FEATURES).double(), cells, (4,))
            other = Bags(given.features.clone(), cells, (4,))
            other.features[1] += 1
            seen.append(not first_cells(model, given)[0].equal(first_cells(model, other)[0]))
        assert all(seen) == crosses  # one in six pairs straddles an edge
        assert sum(seen) == (12 if crosses else 10)


def test_without_shift_every_stage_lacks_it() -> None:
    given = bags(*SLIDES["several"])
    whole, regular = build("none").pyramid(given), build("no-shift").pyramid(given)
    for stage, other in zip(whole.stages, regular.stages, strict=True):
        assert other.windows.neighbours[:, :4].equal(stage.windows.neighbours[:, :4])
        assert (other.windows.neighbours[:, 4:] == -1).all()
        assert other.grid.cells.equal(stage.grid.cells)
    assert (whole.stages[0].windows.neighbours[:, 4:] >= 0).any()


def test_without_pyramid_all_stages_lie_on_the_patches_own_grid() -> None:
    model, given = build("no-pyramid"), bags(*SLIDES["several"])
    pyramid, encoder = model.pyramid(given), model.aggregate
    assert isinstance(encoder, SpanEncoder)
    assert [len(stage.grid) for stage in pyramid.stages] == [len(given.features)] * 3
    found = encoder.tokens(given.features, pyramid)
    stage = span_pyramid(given.cells, given.lengths).stages[0]
    cells = pyramid.entered(given.features) @ encoder.enter[0].cells.weight.T
    token = encoder.enter[0].token(encoder.token).expand(len(given), -1)
    for number, refine in enumerate(encoder.refine):
        assert isinstance(refine, Refinement)
        if number:
            enter = encoder.enter[number]
            assert isinstance(enter, Passage)
            cells, token = enter.norm(cells), enter.token_norm(token)
        refined = refine(cells, token, stage)
        cells, token = refined.cells, refined.token
        assert torch.allclose(found[number].token, token, atol=1e-10)
    assert found[-1].cells is None
    weights = torch.stack([each.weights for each in found]).sum(0)[pyramid.patch].split(given.lengths)
    spread = pyramid.spread(tuple(each.weights for each in found))
    assert torch.allclose(spread, torch.cat([own / own.sum() for own in weights]), atol=1e-10)


def test_without_pyramid_distant_cells_meet_in_the_token_alone() -> None:
    """Three layers of windows reach 15 cells; those of a pyramid up to 5 + 10 + 20."""
    cells = torch.stack([torch.arange(30), torch.zeros(30, dtype=torch.long)], dim=1)
    given = bags(cells)
    for ablation, reaches in (("none", True), ("no-pyramid", False)):
        model = build(ablation)
        with torch.no_grad():  # the token tells the cells nothing
            for refine in model.aggregate.refine:
                refine.global_value.weight.zero_()
                refine.global_value.bias.zero_()
        pyramid = model.pyramid(given)
        other = given.features.clone()
        other[20] += 1
        before, after = (model.aggregate(each, pyramid)[-1].cells for each in (given.features, other))
        assert (not before[0].equal(after[0])) == reaches


def test_without_global_token_the_last_cells_are_averaged() -> None:
    model, given = build("no-global-token"), bags(*SLIDES["several"])
    assert isinstance(model.aggregate, CellEncoder)
    assert not [name for name, _ in model.named_parameters() if "global" in name or "token" in name]
    pyramid = model.pyramid(given)
    last = model.aggregate.tokens(given.features, pyramid)[-1].cells
    assert last is not None
    means = [own.mean(0) if len(own) else own.sum(0) for own in last.split(pyramid.stages[-1].grid.lengths)]
    head = model.classify
    assert torch.allclose(model(given).logits, head.linear(head.norm(torch.stack(means))), atol=1e-6)


def test_without_position_bias_it_is_the_whole_model_with_empty_tables() -> None:
    whole, without, given = build("none"), build("no-position-bias"), bags(*SLIDES["several"])
    assert not [name for name, _ in without.named_parameters() if "table" in name]
    whole.load_state_dict(without.state_dict(), strict=False)
    assert not torch.allclose(whole(given).logits, without(given).logits, atol=1e-9)
    with torch.no_grad():
        for refine in whole.aggregate.refine:
            refine.table.zero_()
    assert torch.allclose(whole(given).logits, without(given).logits, atol=1e-12)


def test_without_position_bias_a_mirrored_slide_looks_the_same_to_the_first_stage() -> None:
    cells = sparse(8, 8, 0.6)  # padded to 12 × 12, whose windows are their own mirror images
    cells = torch.cat([cells, torch.tensor([[0, 0], [7, 7]])]).unique(dim=0)
    given = bags(cells)
    mirrored = Bags(given.features, torch.stack([7 - cells[:, 0], cells[:, 1]], dim=1), given.lengths)
    for ablation, same in (("no-position-bias", True), ("none", False)):
        model = build(ablation)
        assert torch.allclose(first_cells(model, given), first_cells(model, mirrored), atol=1e-10) == same


@pytest.mark.parametrize("ablation", get_args(Ablation))
def test_every_ablation_trains_weighs_and_comes_back(ablation: Ablation) -> None:
    assert ablation in VARIANTS
    model, given = build(ablation), bags(*SLIDES["several"])
    prediction = model(given)
    sums = (prediction.sites.weights * prediction.sites.valid).sum(1)
    assert torch.allclose(sums, (~prediction.empty).float(), atol=1e-5)
    for number in range(len(given)):
        assert torch.allclose(model(given[number]).logits[0], prediction.logits[number], atol=1e-10)
    twin = create_model("span", CLASSES, **model.config["options"]).double().eval()
    twin.load_state_dict(model.state_dict())
    assert twin(given).logits.equal(prediction.logits)
    model.train().losses(given, ClassTargets(torch.tensor([0, 1, 0, 1, 0, 1]))).total.backward()
    idle = {name for name, p in model.named_parameters() if p.grad is None or float(p.grad.abs().max()) < 1e-14}
    assert all("key.bias" in name or "refine.2." in name for name in idle)
