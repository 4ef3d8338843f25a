"""What lies between two stages, written out by the children of every cell."""

import pytest
import torch
from torch import Tensor

from saccade.models.parts.condensations import Condensation, Depthwise, Full, Merge, Passage
from saccade.models.parts.span_pyramid import Stage, span_pyramid
from tests.ops.sparse_grids import SLIDES

WIDTH = 6


def stage_of(slides: str) -> Stage:
    cells = SLIDES[slides]
    return span_pyramid(torch.cat(cells), tuple(map(len, cells))).stages[1]


def children(values: Tensor, stage: Stage) -> list[list[Tensor | None]]:
    """For each cell its children in the four places, ``None`` where there is none."""
    assert stage.condensed is not None
    found: list[list[Tensor | None]] = [[None] * 4 for _ in range(len(stage.grid))]
    for value, parent, slot in zip(values, stage.condensed.parent.tolist(), stage.condensed.slot.tolist(), strict=True):
        found[parent][slot] = value
    return found


def given(stage: Stage) -> Tensor:
    assert stage.condensed is not None
    return torch.randn(len(stage.condensed.parent), WIDTH, dtype=torch.float64)


def drawn(made: Condensation) -> Condensation:
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter)
    return made.double()


@pytest.mark.parametrize("slides", ["one", "blobs", "several"])
def test_depthwise_is_the_mean_of_the_normalised_children_weighted_by_their_places(slides: str) -> None:
    stage = stage_of(slides)
    made, values = drawn(Depthwise(WIDTH)), given(stage)
    assert isinstance(made, Depthwise)
    wanted = []
    for family in children(values, stage):
        shares = [
            made.weight[:, 0, slot // 2, slot % 2] * made.norm(v) for slot, v in enumerate(family) if v is not None
        ]
        wanted.append(torch.stack(shares).mean(0))
    assert torch.allclose(made.cells(values, stage), torch.stack(wanted), atol=1e-10)


@pytest.mark.parametrize("slides", ["one", "blobs", "several"])
def test_full_is_the_sum_of_a_matrix_for_each_place(slides: str) -> None:
    stage = stage_of(slides)
    made, values = drawn(Full(WIDTH)), given(stage)
    assert isinstance(made, Full)
    wanted = []
    for family in children(values, stage):
        held = [(slot, value) for slot, value in enumerate(family) if value is not None]
        wanted.append(sum(made.weight[:, :, slot // 2, slot % 2] @ made.norm(value) for slot, value in held))
    assert torch.allclose(made.cells(values, stage), torch.stack(wanted), atol=1e-10)


@pytest.mark.parametrize("slides", ["one", "blobs", "several"])
def test_merge_is_a_linear_layer_of_the_four_normalised_together(slides: str) -> None:
    stage = stage_of(slides)
    made, values = drawn(Merge(WIDTH)), given(stage)
    assert isinstance(made, Merge)
    absent = torch.zeros(WIDTH, dtype=torch.float64)
    wanted = []
    for family in children(values, stage):
        four = torch.cat([absent if value is None else value for value in family])
        four = (four - four.mean()) / (four.var(correction=0) + made.norm.eps).sqrt()
        wanted.append(made.linear.weight @ (four * made.norm.weight + made.norm.bias))
    assert torch.allclose(made.cells(values, stage), torch.stack(wanted), atol=1e-10)


def test_a_passage_condenses_nothing() -> None:
    stage = stage_of("blobs")
    made, values = drawn(Passage(WIDTH)), given(stage)
    assert made.cells(values, stage).equal(made.norm(values))


@pytest.mark.parametrize("kind", [Depthwise, Full, Merge, Passage])
def test_the_token_passes_a_norm_of_its_own(kind: type[Condensation]) -> None:
    stage = stage_of("blobs")
    made, values, token = drawn(kind(WIDTH)), given(stage), torch.randn(1, WIDTH, dtype=torch.float64)
    cells, after = made(values, token, stage)
    assert cells.equal(made.cells(values, stage))
    assert after.equal(made.token_norm(token))
    assert made.token_norm is not made.norm
